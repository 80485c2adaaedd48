// SPDX-License-Identifier: Apache-2.0
// Owns the launcher's place in the program: which command lines are given to another agent, and from which state.
#pragma once

#include <optional>

#include "agent/machine.h"
#include "agent/options.h"

namespace hagent {

/// For a process that is about to be the agent (`run`, `check-in` by itself). Empty: this program is it. A value: the
/// exit code of the agent that ran in its place. Reads of the configuration only where the state is, and so that no
/// word that a later agent has brought in is in the way.
[[nodiscard]] std::optional<int> launch_agent(Machine& machine, const Options& options);

/// Has the launcher choose anew. Comes back with the exit code of this process: where it is a child of the launcher, or
/// cannot be started again by itself.
[[nodiscard]] int relaunch_agent(Machine& machine, const Options& options);

}  // namespace hagent
