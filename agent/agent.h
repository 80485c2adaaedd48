// SPDX-License-Identifier: Apache-2.0
// Owns the composition of the daemon: every service built by hand in order, stopped in reverse.
#pragma once

#include "agent/services.h"

namespace hagent {

enum class Duration : std::uint8_t {
    until_stopped,  // the daemon
    one_check_in,   // `check-in --once`: one check-in, the jobs it brings, their reports
};

/// Why it returned; `reload`: the configuration is to be read again, because somebody asked or a manager was found.
enum class Ending : std::uint8_t { stopped, reload };

/// Runs the agent with services whose state directory is locked. Returns when it was told to stop or to read its
/// configuration again, or when the one check-in is done. Errors: what prevents a start; for one check-in also why it
/// failed, or step_failed when a session that it brought ended with errors.
[[nodiscard]] Result<Ending> run_agent(AgentServices& services, Duration duration);

}  // namespace hagent
