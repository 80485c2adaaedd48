// SPDX-License-Identifier: Apache-2.0
// Owns the launcher: the preinstalled program starts the agent that is chosen, and is itself the last resort.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/callback.h"
#include "agent/config/state_paths.h"
#include "agent/upgrade/record.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/program_start.h"

namespace hagent::upgrade {

/// The variable by which an agent knows that the launcher has started it: "VERSION PATH" of the launcher. Whoever has
/// it starts nobody, so that no record can make agents start each other for ever.
inline constexpr const char* k_launched = "HAGENT_LAUNCHED";

/// The launcher that the variable names; empty when nobody has started this process as an agent.
[[nodiscard]] std::optional<Place> launcher_of(std::string_view variable);

struct LaunchServices {
    platform::Files& files;
    platform::Clock& clock;
    platform::Host& host;
    platform::ProgramStarter& starter;
    Callback<void(std::string_view)> say;  // one line for people, without a line end
};

/// This process, if it is the launcher: counts the start, checks the digest of the agent that is chosen and gives it
/// this process. Nothing that is wrong with the record, an agent or the disk is an error: then the one before it is
/// started. Empty: this program itself is the agent now. A value (Windows only): the agent's exit code.
/// `argv` as this process has it.
[[nodiscard]] std::optional<int> launch(const LaunchServices& services, const config::StatePaths& state,
                                        const Place& own, const std::vector<std::string>& argv);

/// Gives this process back to the launcher, which chooses anew. When it comes back, that was not possible.
void back_to_launcher(platform::ProgramStarter& starter, const Place& launcher, const std::vector<std::string>& argv);

}  // namespace hagent::upgrade
