// SPDX-License-Identifier: Apache-2.0
// Owns finding and ending every descendant of a process.
#pragma once

#include <sys/types.h>

#include <vector>

#include "agent/base/time.h"

namespace hagent::platform {

/// Live descendants of a process (zombies and the process itself left out), from /proc.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t ancestor);

/// Kills the descendants that are found. One round over what the kernel lists takes some microseconds, less than a
/// process needs to be born and to fork, so that a child that runs away from its parent again and again is met; where
/// the kernel has no such list, and every now and then, the whole process table is read. False: nobody was found.
bool kill_descendants(pid_t ancestor);

}  // namespace hagent::platform
