// SPDX-License-Identifier: Apache-2.0
// Owns what the action of one step works with, and the list of actions.
#pragma once

#include <string>

#include "agent/script/commands.h"
#include "agent/script/interpreter.h"
#include "agent/work/hooks.h"
#include "agent/work/placing.h"

namespace hagent::script {

using work::Environment;
using work::hook_program;
using work::last_words;

/// One step while it is done. Everything is borrowed for that time.
class Acting {
public:
    const Plan& plan;
    const PlannedStep& step;
    PackageFiles& package;
    const Services& services;
    const CancelToken& cancel;
    StepRecord& record;  // in_flight_before is set; actions add output, boot_id and results

    /// The real path of a device path, looked at again right before use. An earlier step, or anybody on the device, may
    /// have put a link there since the analysis. Errors: those of device_path().
    [[nodiscard]] Result<std::string> real_path(const std::string& path, PathUse use) const {
        return device_path(path, use, plan.jail, services.files);
    }
    /// For real paths: what became a link since they were looked at leads nowhere.
    [[nodiscard]] platform::Files& device_files() const { return services.files.jailed(); }
    /// Nothing is left to do at `path`, but a step that was killed may have changed the name there without syncing it.
    [[nodiscard]] Status settle(const std::string& path) const {
        return record.in_flight_before ? work::sync_parent(path, device_files()) : Status();
    }
};

// What the commands do. Arguments have passed the analysis; what may have changed since is looked at again. After
// success what was changed in files and keys survives a power cut.
// Errors: path_refused, path_protected (the path leads elsewhere by now), cancelled, those of platform::Files,
// Processes and Registry. Besides, unsupported_here: GF, GR; file_not_found: RF, GR; is_a_directory: DF, AL, DL;
// not_a_directory: DT; cross_device: RF of what is no file; bad_argument: MR; command_failed, command_timeout: EX and
// the hooks of LU, EL, QU; command_killed: EX; reboot_failed: RB, SP. Source: spec 4 "Commands".
[[nodiscard]] Status act_fetch(Acting& acting);         // SF, XC
[[nodiscard]] Status act_upload(Acting& acting);        // GF
[[nodiscard]] Status act_execute(Acting& acting);       // EX
[[nodiscard]] Status act_delete_file(Acting& acting);   // DF
[[nodiscard]] Status act_delete_tree(Acting& acting);   // DT
[[nodiscard]] Status act_rename(Acting& acting);        // RF
[[nodiscard]] Status act_add_line(Acting& acting);      // AL
[[nodiscard]] Status act_delete_line(Acting& acting);   // DL
[[nodiscard]] Status act_set_value(Acting& acting);     // SV
[[nodiscard]] Status act_delete_value(Acting& acting);  // DV
[[nodiscard]] Status act_delete_key(Acting& acting);    // DK
[[nodiscard]] Status act_merge(Acting& acting);         // MR
[[nodiscard]] Status act_fetch_branch(Acting& acting);  // GR
[[nodiscard]] Status act_lock(Acting& acting);          // LU
[[nodiscard]] Status act_unlock(Acting& acting);        // EL
[[nodiscard]] Status act_ask(Acting& acting);           // QU
[[nodiscard]] Status act_stop_machine(Acting& acting);  // RB, SP: waits for the delay
[[nodiscard]] Status after_restart(Acting& acting);     // RB: asks for it
[[nodiscard]] Status after_power_off(Acting& acting);   // SP: asks for it

/// The whole environment of every program a script or one of its hooks starts (README).
[[nodiscard]] Environment program_environment(const Acting& acting);
/// Runs a hook; its output goes to the record. Its exit status, or command_timeout and the errors of
/// platform::Processes.
[[nodiscard]] Result<int> run_hook(Acting& acting, std::vector<std::string> argv, Seconds time_limit);

}  // namespace hagent::script
