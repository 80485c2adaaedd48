// SPDX-License-Identifier: Apache-2.0
// Owns what the planner of one command works with: its arguments, the device, and the ways to object.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/script/analysis.h"
#include "agent/script/commands.h"

namespace hagent::script {

/// A change of disk space, applied once all steps are known. Sizes in bytes.
struct SpaceChange {
    std::string path;        // real path
    std::uint64_t take = 0;  // stored there first ...
    std::uint64_t give = 0;  // ... then given back
    // of a package file, which may be a move out of the staging folder: step and file in the plan
    std::optional<std::pair<std::size_t, std::size_t>> placement;
};

/// What the planners of all commands share. Borrowed things outlive the analysis.
struct AnalysisContext {
    const Script& script;
    const Facts& facts;
    const PackageFiles& package;
    const Jail& jail;
    platform::Files& files;
    platform::Disks& disks;
    const Options& options;
    Plan& plan;
    std::set<std::string> directories;  // device paths that earlier steps make, in common_spelling()
    std::set<std::string> downloads;    // package paths already in the plan's downloads
    std::vector<SpaceChange> changes;
};

/// One command while it is analysed. A planner returns after an objection; the commands that follow are looked at all
/// the same, so that one run shows all that is wrong.
class Planning {
public:
    Planning(AnalysisContext& shared, const Command& written, const CommandRow& found, PlannedStep& planned,
             StepState earlier)
        : context(shared), command(written), row(found), step(planned), earlier_(earlier) {}

    AnalysisContext& context;
    const Command& command;
    const CommandRow& row;
    PlannedStep& step;  // arguments are expanded already

    [[nodiscard]] std::size_t count() const { return step.arguments.size(); }
    [[nodiscard]] const std::string& argument(std::size_t index) const { return step.arguments[index]; }
    /// Done in an earlier run: the plan still shows it, but its conditions need not hold any more.
    [[nodiscard]] bool settled() const { return earlier_ == StepState::done || earlier_ == StepState::failed; }
    [[nodiscard]] bool in_flight() const { return earlier_ == StepState::running; }

    /// The command itself is wrong or forbidden: ERROR, optional or not. `index` is the argument at fault.
    void refuse(std::size_t index, const Error& error);
    void refuse_command(const Error& error);
    /// A condition does not hold or something is missing: ERROR, or WARNING and a finding when the step is optional.
    void fail(std::size_t index, const Error& error);
    /// Something may be missing when its turn comes: WARNING, optional or not; the step is run.
    void doubt(std::size_t index, const Error& error);

    /// The real path of an argument; empty after refuse() has been called. No wildcards: nobody would match them.
    [[nodiscard]] std::string real_path(std::size_t index, PathUse use);
    [[nodiscard]] bool has_wildcards(std::size_t index);  // then refuse() has been called

    /// Below --root nothing of the machine itself is touched: the plan shows the step, and it is not done. The hook,
    /// if it has one, has to be one that can be run.
    void of_this_machine(const std::string& hook);

private:
    void add(unsigned column, const Error& error, errors::Severity severity);
    [[nodiscard]] unsigned column_of(std::size_t index) const;

    StepState earlier_;
};

/// A step before this one that puts a file there, or may bring anything.
enum class Bringer : std::uint8_t { none, perhaps, yes };
[[nodiscard]] Bringer earlier_step_brings(const Planning& planning, const std::string& path);

/// What a step needs to find at a path.
enum class Needed : std::uint8_t { something, file, file_or_nothing, folder_or_nothing };
/// Objects where something else is there now; where an earlier step may bring what is needed that is a doubt. A step
/// that was in flight may have done it.
void look_at(Planning& planning, std::size_t index, const std::string& real, Needed needed);

// Each sets the step's effect (what the plan shows) and what its action needs, or objects. It changes nothing on the
// device.
// One planner for each row of the table.
void plan_os(Planning& planning);
void plan_space(Planning& planning);
void plan_image_version(Planning& planning);
void plan_platform(Planning& planning);
void plan_user(Planning& planning);
void plan_fetch_files(Planning& planning);
void plan_fetch_tree(Planning& planning);
void plan_upload(Planning& planning);
void plan_execute(Planning& planning);
void plan_delete_file(Planning& planning);
void plan_delete_tree(Planning& planning);
void plan_rename(Planning& planning);
void plan_add_line(Planning& planning);
void plan_delete_line(Planning& planning);
void plan_confirm_value(Planning& planning);
void plan_set_value(Planning& planning);
void plan_delete_value(Planning& planning);
void plan_delete_key(Planning& planning);
void plan_merge(Planning& planning);
void plan_fetch_branch(Planning& planning);
void plan_lock(Planning& planning);
void plan_unlock(Planning& planning);
void plan_ask(Planning& planning);
void plan_reboot(Planning& planning);
void plan_power_off(Planning& planning);

}  // namespace hagent::script
