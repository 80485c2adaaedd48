// SPDX-License-Identifier: Apache-2.0
// Owns the order of analysis: every command, then the moves, then the disk space.
#include "agent/script/analysis.h"

#include <set>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/script/planning.h"
#include "agent/work/space.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using work::SpaceBudget;

// beyond all arguments: the caret stands below the opcode
constexpr std::size_t k_no_argument = static_cast<std::size_t>(-1);

StepState earlier_state(const Options& options, unsigned n) {
    StepState state = StepState::pending;
    for (const auto& record : options.earlier) {
        state = record.n == n ? record.state : state;
    }
    return state;
}

/// <regroot> is no variable of the device: in front of a repository argument it stays for repository_path(), anywhere
/// else expand() refuses it.
Result<std::string> expanded(const std::string& text, bool repository, const Facts& facts) {
    constexpr std::string_view k_root = "<regroot>";
    if (repository && equal_ignoring_case(std::string_view(text).substr(0, k_root.size()), k_root)) {
        return std::string(k_root) + TRY(expand(std::string_view(text).substr(k_root.size()), facts));
    }
    return expand(text, facts);
}

/// False after an objection. All arguments are looked at, so that one run shows all that is wrong; one that cannot be
/// expanded is shown as written.
bool expand_arguments(Planning& planning) {
    bool good = true;
    for (std::size_t i = 0; i < planning.command.arguments.size(); ++i) {
        const auto& text = planning.command.arguments[i].text;
        const bool repository = planning.row.repository_argument == static_cast<int>(i);
        auto value = expanded(text, repository, planning.context.facts);
        if (!value) {
            planning.refuse(i, value.error());
            good = false;
        }
        planning.step.arguments.push_back(std::move(value).value_or(text));
    }
    return good;
}

Failure wrong_count(const CommandRow& row, std::size_t count) {
    std::string needed = std::to_string(row.min_arguments);
    if (row.max_arguments != row.min_arguments) {
        needed += " to " + std::to_string(row.max_arguments);
    }
    const std::string names = row.arguments.empty() ? "" : concat({" (", row.arguments, ")"});
    return error(AgentCode::wrong_argument_count, {"expected ", needed, (needed == "1" ? " argument" : " arguments"),
                                                   names, ", not ", std::to_string(count)});
}

/// Planners rely on the number of arguments and on their values: they are not called when anything was wrong with them.
/// A command of the table without a planner is told from a misspelt one: the script may be right for another agent.
void plan_known(Planning& planning) {
    planning.step.effect = "cannot be run";
    const bool good = expand_arguments(planning);
    const std::size_t count = planning.command.arguments.size();
    if (count < planning.row.min_arguments || count > planning.row.max_arguments) {
        return planning.refuse_command(wrong_count(planning.row, count));
    }
    if (planning.row.plan == nullptr) {
        return planning.fail(k_no_argument, error(AgentCode::unsupported_here,
                                                  concat({"this command is known, but it needs ", planning.row.lacks,
                                                          ", which this version of the agent does not have"})));
    }
    if (good) {
        planning.row.plan(planning);
    }
}

/// An unknown opcode becomes a step too, so that the plan shows the whole script and the numbers after it stay right.
void plan_step(AnalysisContext& context, const Command& command) {
    static constexpr CommandRow k_unknown = {"", 0, 0, "", -1, Repeat::reported, nullptr, nullptr, nullptr, ""};
    PlannedStep step;
    step.n = static_cast<unsigned>(context.plan.steps.size() + 1);
    step.line = command.line;
    step.op = std::string(clip(command.op, 16));
    step.optional = command.optional;
    const CommandRow* row = find_command(command.op);
    step.stage = row != nullptr ? row->stage : work::Stage::any;
    step.acts = row != nullptr && row->act != nullptr;
    step.stops_machine = row != nullptr && row->after != nullptr;
    step.may_repeat = row != nullptr && row->repeat != Repeat::reported;
    Planning planning(context, command, row != nullptr ? *row : k_unknown, step,
                      earlier_state(context.options, step.n));
    if (row != nullptr) {
        plan_known(planning);
    } else {
        step.effect = "cannot be run";
        planning.refuse_command(error(AgentCode::unknown_command, "expected a command that exists"));
    }
    context.plan.steps.push_back(std::move(step));
}

/// The last step that needs a staged copy may have it. Read from the end, because there the first user that is met is
/// the last one.
void choose_moves(AnalysisContext& context) {
    std::set<std::string> needed_later;
    for (auto step = context.plan.steps.rbegin(); step != context.plan.steps.rend(); ++step) {
        for (auto placement = step->files.rbegin(); placement != step->files.rend(); ++placement) {
            placement->move = needed_later.insert(placement->file.path).second && context.package.disposable();
        }
    }
}

/// Within one volume a move takes nothing. Otherwise both copies exist for a moment, which the peak has to show, before
/// the staged one is given back.
Status apply(const SpaceChange& change, const AnalysisContext& context, SpaceBudget& budget) {
    const std::string& staging = context.options.staging_dir;
    const bool staged = change.placement && !staging.empty();
    const bool move = staged && context.plan.steps[change.placement->first].files[change.placement->second].move;
    if (move && TRY(budget.same_volume(staging + "/", change.path))) {
        return budget.give(change.path, change.give);
    }
    TRY(budget.take(change.path, change.take));
    TRY(budget.give(change.path, change.give));
    return move ? budget.give(staging + "/", change.take) : Status();
}

/// In the order in which it will happen: all downloads before the first step, then the steps, and what no step took
/// over goes at the end. Any other order would give another peak.
Status sum_space(const AnalysisContext& context, SpaceBudget& budget) {
    const std::string staging = context.options.staging_dir.empty() ? "" : context.options.staging_dir + "/";
    std::set<std::string> stays;
    for (const auto& file : context.plan.downloads) {
        if (!staging.empty()) {
            TRY(budget.take(staging, context.package.bytes_to_stage(file)));
            stays.insert(file.path);
        }
    }
    for (const auto& change : context.changes) {
        TRY(apply(change, context, budget));
        if (change.placement) {
            const Placement& placement = context.plan.steps[change.placement->first].files[change.placement->second];
            if (placement.move) {
                stays.erase(placement.file.path);
            }
        }
    }
    for (const auto& file : context.plan.downloads) {
        if (context.package.disposable() && stays.contains(file.path)) {
            TRY(budget.give(staging, file.bytes));
        }
    }
    return {};
}

/// A volume that cannot be looked at is a WARNING only: whoever writes to it will meet the truth, and a script that
/// could run is not kept from it.
void analyse_space(AnalysisContext& context) {
    SpaceBudget budget(context.disks);
    const auto status = sum_space(context, budget);
    context.plan.disk = budget.impacts();
    auto results = budget.results();
    if (!status) {
        results.push_back(
            {errors::xdsa(errors::Xdsa::dsa_failed_to_run), errors::Severity::warning, 1, status.error().context, {}});
    }
    context.plan.results.insert(context.plan.results.end(), results.begin(), results.end());
}

}  // namespace

Plan analyse(const Script& script, const Facts& facts, const PackageFiles& package, const Jail& jail,
             platform::Files& files, platform::Disks& disks, const Options& options) {
    Plan plan;
    plan.file = script.file;
    plan.version = script.version;
    plan.notes = script.notes;
    plan.jail = jail;
    AnalysisContext context{script, facts, package, jail, files, disks, options, plan, {}, {}, {}};
    for (const auto& command : script.commands) {
        plan_step(context, command);
    }
    choose_moves(context);
    analyse_space(context);
    return plan;
}

Plan refused_plan(const std::string& file, const std::vector<Complaint>& complaints) {
    Plan plan;
    plan.file = file;
    plan.complaints = complaints;
    for (const auto& complaint : complaints) {
        plan.results.push_back(
            {errors::agent(AgentCode::script_syntax), errors::Severity::error, 1, headline(complaint), {}});
    }
    return plan;
}

}  // namespace hagent::script
