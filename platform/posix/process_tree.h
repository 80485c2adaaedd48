// SPDX-License-Identifier: Apache-2.0
// Owns finding and ending every descendant of a process.
#pragma once

#include <sys/types.h>

#include <vector>

#include "agent/base/time.h"

namespace hagent::platform {

/// Live descendants of a process (zombies and the process itself left out), from /proc.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t ancestor);

/// Kills all descendants, also those that are born meanwhile, until none is left or the time is over.
void kill_descendants(pid_t ancestor, Millis time);

}  // namespace hagent::platform
