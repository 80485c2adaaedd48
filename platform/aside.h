// SPDX-License-Identifier: Apache-2.0
// Owns the calls of the system that nobody can cancel.
#pragma once

#include "agent/base/callback.h"
#include "agent/base/cancel.h"
#include "agent/base/time.h"

namespace hagent::platform {

/// Runs `work` on a thread of its own and waits for its end. False when `cancel` was requested or `limit` is over
/// before: the thread then goes on by itself, so `work` owns (or shares) all that it touches. Where the system gives no
/// thread, `work` runs here to its end.
[[nodiscard]] bool finishes_aside(Callback<void()> work, const CancelToken& cancel, Millis limit);

/// Starts a thread that nobody waits for; false when the system has none to give (std::thread would end the process).
[[nodiscard]] bool start_thread(void (*enter)(void*), void* given);

}  // namespace hagent::platform
