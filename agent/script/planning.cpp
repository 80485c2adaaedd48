// SPDX-License-Identifier: Apache-2.0
// Owns how planners object: every objection names its place in the script.
#include "agent/script/planning.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
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

std::string Planning::real_path(std::size_t index, PathUse use) {
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
        if (placed || (brings == Brings::target && step.arguments.size() > 1 && is_it(step.arguments[1]))) {
            return Bringer::yes;
        }
        found = brings != Brings::nothing ? Bringer::perhaps : found;
    }
    return found;
}

}  // namespace hagent::script
