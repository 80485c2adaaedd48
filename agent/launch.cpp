// SPDX-License-Identifier: Apache-2.0
#include "agent/launch.h"

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/limits.h"
#include "agent/base/version.h"
#include "agent/config/store.h"
#include "agent/services.h"
#include "agent/upgrade/launcher.h"
#include "platform/paths.h"

namespace hagent {
namespace {

constexpr int k_looks = 5;
constexpr Millis k_look_every{20};

/// Empty where others could lead us to a program of theirs: the agent itself refuses such a configuration.
std::string state_directory(Machine& machine, const Options& options) {
    if (!options.state_dir.empty()) {
        return platform::absolute(options.state_dir);
    }
    const auto path = config_path(options);
    if (!config::check_closed(*machine.files, path).ok()) {
        return {};
    }
    const auto text = machine.files->read(path, limits::k_config_bytes);
    const JsonDocument document(text.ok() ? *text : std::string(), JsonComments::allowed);
    return platform::absolute(document.root().find("state_dir").text().value_or(platform::default_state_directory()));
}

/// A verb that only looks has the lock for a moment.
bool is_taken(Machine& machine, const config::StatePaths& state) {
    bool taken = machine.files->is_locked(state.lock()).value_or(false);
    for (int i = 0; i < k_looks && taken; ++i) {
        (void)machine.clock.wait(k_look_every, CancelToken());
        taken = machine.files->is_locked(state.lock()).value_or(false);
    }
    return taken;
}

upgrade::Place own_place(const Machine& machine) {
    constexpr std::string_view k_replaced = " (deleted)";  // Linux, after a package manager has put another one there
    auto program = platform::own_program();
    if (program.ends_with(k_replaced) && !machine.files->info(program).value_or(std::nullopt)) {
        program.resize(program.size() - k_replaced.size());
    }
    return {std::string(agent_version()), std::move(program)};
}

}  // namespace

/// Nothing is counted while another agent works on this state: this process will only be told so.
std::optional<int> launch_agent(Machine& machine, const Options& options) {
    if (!machine.starter || machine.command_line.empty() || !platform::environment(upgrade::k_launched).empty()) {
        return std::nullopt;
    }
    const auto directory = state_directory(machine, options);
    const config::StatePaths state(directory);
    if (directory.empty() || is_taken(machine, state)) {
        return std::nullopt;
    }
    return upgrade::launch({*machine.files, machine.clock, *machine.host, *machine.starter,
                            [&](std::string_view line) {
                                machine.output->complain(concat({"hagent: ", line, "\n"}));
                            }},
                           state, own_place(machine), machine.command_line);
}

/// Where the launcher stays and this program is itself the launcher, there is nobody to go back to.
int relaunch_agent(Machine& machine, const Options& options) {
    constexpr int k_try_later = 75;  // spec 11: a service manager starts it again
    const auto launcher = upgrade::launcher_of(platform::environment(upgrade::k_launched));
    if (machine.starter->stays()) {
        return launcher ? platform::k_start_again : launch_agent(machine, options).value_or(k_try_later);
    }
    upgrade::back_to_launcher(*machine.starter, launcher ? *launcher : own_place(machine), machine.command_line);
    return k_try_later;
}

}  // namespace hagent
