// SPDX-License-Identifier: Apache-2.0
// Owns how planners object: every objection names its place in the script.
#include "agent/script/planning.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/script/repository_path.h"
#include "agent/work/hooks.h"
#include "platform/paths.h"

namespace hagent::script {

unsigned Planning::column_of(std::size_t index) const {
    return index < command.arguments.size() ? command.arguments[index].column : command.column;
}

/// Not for a step that is done: its conditions may be false just because it was done.
void Planning::add(unsigned column, const Error& error, errors::Severity severity) {
    if (settled()) {
        return;
    }
    std::string message = concat({clip(command.op, 16), ": ", error.context});
    Complaint complaint{context.script.file, command.line, column, std::move(message), command.source_line};
    context.plan.results.push_back({error.id, severity, 1, headline(complaint), {}});
    context.plan.complaints.push_back(std::move(complaint));
}

void Planning::refuse(std::size_t index, const Error& error) { add(column_of(index), error, errors::Severity::error); }

void Planning::refuse_command(const Error& error) { add(command.column, error, errors::Severity::error); }

/// The finding makes the runner end an optional step as failed without trying it.
void Planning::fail(std::size_t index, const Error& error) {
    if (!command.optional) {
        return refuse(index, error);
    }
    add(column_of(index), error, errors::Severity::warning);
    if (!settled()) {
        step.finding = context.plan.results.back();
    }
}

void Planning::doubt(std::size_t index, const Error& error) { add(column_of(index), error, errors::Severity::warning); }

bool Planning::has_wildcards(std::size_t index) {
    // the '?' of Windows' long form is none; that such a path names no file here is told where paths are looked at
    const std::string_view path = argument(index);
    const bool found = has_wildcard(path.substr(path.starts_with("\\\\?\\") ? 4 : 0));
    if (found) {
        refuse(index, error(errors::AgentCode::bad_argument,
                            "expected the path of one file or folder, without the wildcards * and ?"));
    }
    return found;
}

void Planning::of_this_machine(const std::string& hook) {
    if (!context.jail.relocation.empty()) {
        step.effect += ": not done below --root, it would be this machine's";
        step.acts = step.stops_machine = false;
        return;
    }
    const work::Services* device = context.options.device;
    if (device == nullptr || hook.empty()) {
        return;
    }
    if (const auto program = work::hook_program(*device, hook); !program) {
        fail(step.arguments.size(), program.error());  // below the opcode: no argument is at fault
    }
}

std::string Planning::real_path(std::size_t index, PathUse use) {
    if (has_wildcards(index)) {
        return {};
    }
    auto path = device_path(argument(index), use, context.jail, context.files);
    if (!path) {
        refuse(index, path.error());
        return {};
    }
    return std::move(path).value();
}

/// Only steps before this one are in the plan yet. Whether a step between them removes the file again is not asked.
Bringer earlier_step_brings(const Planning& planning, const std::string& place) {
    const auto path = tidy_path(place);
    const auto is_it = [&](const std::string& written) {
        const auto target = tidy_path(written);
        return path.ok() && target.ok() && platform::same_path(*target, *path);
    };
    Bringer found = Bringer::none;
    for (const auto& step : planning.context.plan.steps) {
        const bool placed =
            std::any_of(step.files.begin(), step.files.end(), [&](const Placement& p) { return is_it(p.target); });
        const CommandRow* row = find_command(step.op);
        const Brings brings = row != nullptr ? row->brings : Brings::nothing;
        const std::size_t index = brings == Brings::first ? 0 : 1;
        const bool named = (brings == Brings::target || brings == Brings::first) && step.arguments.size() > index;
        if (placed || (named && is_it(step.arguments[index]))) {
            return Bringer::yes;
        }
        // a folder brings what is in it; a name without a folder may be found anywhere
        const auto target = named ? tidy_path(step.arguments[index]) : Result<std::string>(std::string());
        const bool inside = brings == Brings::target && (!path || !target || is_within(*path, *target));
        found = brings == Brings::anything || inside ? Bringer::perhaps : found;
    }
    return found;
}

namespace {

/// A name that differs in case only is the likeliest cause of a missing file: scripts come from Windows.
std::string other_case(platform::Files& files, const std::string& real) {
    const auto slash = real.rfind(platform::native("/").front());
    const auto names = slash == std::string::npos ? Result<std::vector<std::string>>(std::vector<std::string>())
                                                  : files.list(real.substr(0, std::max<std::size_t>(slash, 1)));
    for (const auto& name : names.ok() ? *names : std::vector<std::string>()) {
        if (equal_ignoring_case(name, std::string_view(real).substr(slash + 1))) {
            return concat({"; there is ", clip(name, 200), ", and upper case counts"});
        }
    }
    return {};
}

/// What is there now is gone by then, with all below it.
bool earlier_step_removes(const Planning& planning, const std::string& place) {
    const auto path = tidy_path(place);
    const auto& steps = planning.context.plan.steps;
    return std::any_of(steps.begin(), steps.end(), [&](const PlannedStep& step) {
        const bool removes = step.op == "DF" || step.op == "DT" || step.op == "RF";
        const auto from =
            removes && !step.arguments.empty() ? tidy_path(step.arguments[0]) : Result<std::string>(std::string());
        return removes && path && from && is_within(*path, *from);
    });
}

}  // namespace

void look_at(Planning& planning, std::size_t index, const std::string& real, Needed needed) {
    using errors::AgentCode;
    using platform::FileKind;
    const std::string& path = planning.argument(index);
    const auto found = planning.context.files.info(real);
    if (real.empty() || planning.settled() || planning.in_flight() || !found) {
        return;
    }
    const std::optional<FileKind> kind = *found ? std::optional((*found)->kind) : std::nullopt;
    const bool folder = kind == FileKind::directory;
    const auto tidy = tidy_path(path);
    if (!kind && tidy && planning.context.directories.contains(platform::common_spelling(*tidy))) {
        return;
    }
    std::optional<Error> why;
    if (!kind && (needed == Needed::something || needed == Needed::file)) {
        why =
            error(AgentCode::file_not_found, {path, " is not on this device", other_case(planning.context.files, real)})
                .error();
    } else if (folder && (needed == Needed::file || needed == Needed::file_or_nothing)) {
        why = error(AgentCode::is_a_directory, path + " is a folder").error();
    } else if (kind && !folder && kind != FileKind::symlink && needed == Needed::folder_or_nothing) {
        why = error(AgentCode::not_a_directory, path + " is no folder").error();
    }
    if (!why || earlier_step_removes(planning, path)) {
        return;
    }
    switch (earlier_step_brings(planning, path)) {
        case Bringer::yes: return;
        case Bringer::perhaps:
            why->context += " as things are; an earlier step must change that";
            return planning.doubt(index, *why);
        case Bringer::none: return planning.fail(index, *why);
    }
}

}  // namespace hagent::script
