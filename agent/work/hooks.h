// SPDX-License-Identifier: Apache-2.0
// Owns hooks: the programs of the device's maker in `script.hooks_dir`, and the environment of every program that the
// agent starts.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/work/services.h"

namespace hagent::work {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// What every program gets to know and nothing else: PATH, LANG and the facts of the device that have a value (README).
[[nodiscard]] Environment device_environment(const Facts& facts);

/// The tail of a program's output as plain lines, in UTF-8, of its last k_output_tail_bytes.
[[nodiscard]] std::string printable_tail(std::string_view output);
/// Stands in a result between what went wrong and the last words of a program. They are for operators: what root's
/// programs print may be anything.
inline constexpr std::string_view k_it_said = "; it said: ";
/// The last words of such a tail in one line, short enough for a result.
[[nodiscard]] std::string last_words(const std::string& output);

/// The path of the hook program of that name, or of that name with .exe; empty when there is none. One that is there
/// and cannot be looked at or run is an error, not none: the device's maker relies on it. Errors: is_a_directory, those
/// of platform::Files::info and Processes::find.
[[nodiscard]] Result<std::string> hook_program(const Services& services, const std::string& name);

struct HookEnd {
    int code = 0;
    bool timed_out = false;
    std::string output;  // its printable tail
};

/// Runs a hook to its end, as the user that the agent runs as. A time limit that has passed is no error, but stands in
/// the answer. Errors: config_insecure_permissions (others can change it), those of platform::Files and of
/// platform::Processes, cancelled among them.
[[nodiscard]] Result<HookEnd> run_hook(const Services& services, std::vector<std::string> argv, Environment environment,
                                       Seconds time_limit, const CancelToken& cancel);

/// Asks the hook `reboot`, else the system, to stop the machine. The hook gets the delay as its argument, the system is
/// asked at once.
/// `output` takes what the hook printed. Errors: reboot_failed, those of platform::Processes.
/// Success means that the request was taken, not that the machine is down: whoever calls has made durable what must not
/// be lost.
[[nodiscard]] Status stop_machine(const Services& services, platform::PowerAction action, Seconds delay,
                                  Environment environment, std::string& output, const CancelToken& cancel);

/// How long a restart that was asked for may take before whoever asked for it forces it.
inline constexpr Seconds k_restart_patience{120};

/// For a machine that was asked to restart so long ago and is still up: forces it when the patience is over. False:
/// there is time left. Errors: reboot_failed.
[[nodiscard]] Result<bool> force_late_restart(const Services& services, Millis asked_ago);

}  // namespace hagent::work
