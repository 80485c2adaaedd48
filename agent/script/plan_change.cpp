// SPDX-License-Identifier: Apache-2.0
// Owns the planners of the commands that change the device without the package: EX, DF, DT, RF, AL, DL, RB, SP.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/script/argv.h"
#include "agent/script/edited_text.h"
#include "agent/script/planning.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

constexpr std::uint64_t k_longest_run_seconds = 7 * 24 * 3600;
constexpr std::uint64_t k_longest_delay_seconds = 24 * 3600;

/// The words are cut before variables are put in, so that no value can become two arguments.
void plan_argv(Planning& planning) {
    auto words = split_command_line(planning.command.arguments[0].text);
    if (!words) {
        return planning.refuse(0, words.error());
    }
    for (auto& word : words.value()) {
        auto text = expand(word, planning.context.facts);
        if (!text) {
            return;  // said already when the arguments were expanded
        }
        planning.step.argv.push_back(std::move(text).value());
    }
}

/// Done in an earlier run or in the middle of it: the program may have gone with its own work.
void look_for_program(Planning& planning) {
    const auto* processes = planning.context.options.processes;
    if (processes == nullptr || planning.step.argv.empty() || planning.settled() || planning.in_flight()) {
        return;
    }
    const auto& jail = planning.context.jail;
    const auto& name = planning.step.argv.front();
    const auto path = program_path(name, jail, planning.context.files);
    if (!path.ok() && path.error().is(AgentCode::path_refused)) {
        return planning.refuse(0, path.error());
    }
    const auto there = path.ok() ? processes->find(*path, jail.relocation) : Status(path.error());
    if (there.ok()) {
        return;
    }
    switch (earlier_step_brings(planning, name)) {
        case Bringer::yes: return;
        case Bringer::perhaps:
            return planning.doubt(
                0, error(there.error().id, {name, " cannot be run as things are; an earlier step must bring it"}));
        case Bringer::none: return planning.fail(0, error(there.error().id, {name, " cannot be run on this device"}));
    }
}

/// Signs of a shell that stand alone reach the program as arguments. Few programs want that, so it is said.
void look_for_shell(Planning& planning) {
    for (const auto& word : planning.step.argv) {
        const bool redirects = word.starts_with('>') || word.starts_with("2>") || word.starts_with("&>");
        if (redirects || word == "<" || word == "|" || word == "||" || word == "&" || word == "&&" || word == ";") {
            return planning.doubt(0,
                                  error(AgentCode::bad_argument,
                                        {"there is no shell here: \"", clip(word, 40),
                                         "\" goes to the program as it stands; begin with /bin/sh -c '...' for one"}));
        }
    }
}

/// Nobody stops a detached program, so a limit for it would be a promise that is not kept.
void plan_time_limit(Planning& planning) {
    const auto seconds = parse_u64(planning.argument(2), k_longest_run_seconds);
    if (planning.step.detached) {
        return planning.refuse(
            2, error(AgentCode::bad_argument, "expected no time limit for a program that is not waited for"));
    }
    if (!seconds || *seconds == 0) {
        return planning.refuse(2, error(AgentCode::bad_argument, {"expected a time limit from 1 to ",
                                                                  std::to_string(k_longest_run_seconds), " seconds"}));
    }
    planning.step.seconds = Seconds(narrow<std::int64_t>(*seconds));
}

/// A delay has an end: nobody waits for a script that stands still for days.
void plan_delay(Planning& planning, const std::string& what) {
    planning.step.effect = what;
    if (planning.count() == 0) {
        return;
    }
    const auto seconds = parse_u64(planning.argument(0), k_longest_delay_seconds);
    if (!seconds) {
        return planning.refuse(
            0, error(AgentCode::bad_argument,
                     {"expected a delay from 0 to ", std::to_string(k_longest_delay_seconds), " seconds"}));
    }
    planning.step.seconds = Seconds(narrow<std::int64_t>(*seconds));
    planning.step.effect += concat({" after ", std::to_string(*seconds), " s"});
}

/// Objects to what cannot be edited; notes the space that the rewriting takes.
void plan_edit(Planning& planning) {
    if (planning.argument(1).empty()) {
        return planning.refuse(1, error(AgentCode::bad_argument, "expected a line of text"));
    }
    const std::string path = planning.real_path(0, PathUse::edit);
    if (path.empty() || planning.settled()) {
        return;
    }
    look_at(planning, 0, path, Needed::file_or_nothing);
    const auto info = planning.context.files.info(path).value_or(std::nullopt);
    const std::uint64_t bytes = info && info->kind == platform::FileKind::regular ? info->bytes : 0;
    if (bytes > limits::k_edited_file_bytes) {
        return planning.fail(
            0, error(AgentCode::file_too_large,
                     {"only files up to ", std::to_string(limits::k_edited_file_bytes), " bytes can be edited"}));
    }
    if (bytes > 0 && earlier_step_brings(planning, planning.argument(0)) != Bringer::yes) {
        const auto text = planning.context.files.read(path, limits::k_edited_file_bytes);
        const auto read = text ? read_text(*text, planning.argument(1)) : Result<EditedText>(text.error());
        if (!read) {
            return planning.fail(0, read.error());
        }
    }
    planning.context.changes.push_back({path, bytes + planning.argument(1).size() + 2, bytes, {}});
}

}  // namespace

/// May be repeated only if the script says so: after a power cut nobody knows how far the program had come.
void plan_execute(Planning& planning) {
    auto& step = planning.step;
    const std::string mode = planning.count() > 1 ? planning.argument(1) : "+";
    if (mode != "+" && mode != "-" && mode != "+r") {
        planning.refuse(1, error(AgentCode::bad_argument,
                                 "expected \"+\" (wait), \"-\" (do not wait) or \"+r\" (wait, may be run again)"));
    }
    step.detached = mode == "-";
    step.may_repeat = mode == "+r";
    plan_argv(planning);
    look_for_program(planning);
    look_for_shell(planning);
    if (planning.count() > 2) {
        plan_time_limit(planning);
    }
    const Seconds limit = step.seconds.count() > 0 ? step.seconds : planning.context.options.time_limit;
    step.effect = concat(
        {"run ", join_command_line(step.argv),
         (step.detached ? " and do not wait for it" : concat({", at most ", std::to_string(limit.count()), " s"})),
         (step.may_repeat ? ", again if it was interrupted" : "")});
}

/// A file counts as space given back, since a script may delete in order to make room for what comes next.
void plan_delete_file(Planning& planning) {
    planning.step.effect = "delete " + planning.argument(0);
    const std::string path = planning.real_path(0, PathUse::remove);
    if (path.empty() || planning.settled()) {
        return;
    }
    look_at(planning, 0, path, Needed::file_or_nothing);
    const auto info = planning.context.files.info(path).value_or(std::nullopt);
    if (info && info->kind == platform::FileKind::regular) {
        planning.context.changes.push_back({path, 0, info->bytes, {}});
    }
}

/// Its size is not counted as given back: to know it the whole tree would have to be read. The sum errs to the safe
/// side.
void plan_delete_tree(Planning& planning) {
    planning.step.effect = concat({"delete the folder ", planning.argument(0), " with all that is in it"});
    look_at(planning, 0, planning.real_path(0, PathUse::remove), Needed::folder_or_nothing);
}

/// A file does not replace a folder, nor go into it: RF takes the whole new name.
void plan_rename(Planning& planning) {
    planning.step.effect = concat({"rename ", planning.argument(0), " to ", planning.argument(1)});
    const auto from = planning.real_path(0, PathUse::remove);
    const auto to = planning.real_path(1, PathUse::place);
    look_at(planning, 0, from, Needed::something);
    const auto info = from.empty() ? std::nullopt : planning.context.files.info(from).value_or(std::nullopt);
    if (info && info->kind == platform::FileKind::regular) {
        look_at(planning, 1, to, Needed::file_or_nothing);
    }
}

void plan_add_line(Planning& planning) {
    planning.step.effect =
        concat({"make sure that ", planning.argument(0), " has the line \"", planning.argument(1), "\""});
    plan_edit(planning);
}

void plan_delete_line(Planning& planning) {
    planning.step.effect =
        concat({"make sure that ", planning.argument(0), " does not have the line \"", planning.argument(1), "\""});
    plan_edit(planning);
}

/// A restart that lies behind us is not counted: the plan says what is still to come.
void plan_reboot(Planning& planning) {
    plan_delay(planning, "restart the device");
    planning.of_this_machine("reboot");
    planning.context.plan.reboots += planning.settled() || !planning.step.stops_machine ? 0U : 1U;
}

void plan_power_off(Planning& planning) {
    plan_delay(planning, "switch the device off");
    planning.of_this_machine("reboot");
}

}  // namespace hagent::script
