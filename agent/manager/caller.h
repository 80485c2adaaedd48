// SPDX-License-Identifier: Apache-2.0
// Owns the seam between CheckIn and the event loop: making calls and being woken. A test plays both.
#pragma once

#include <cstdint>
#include <functional>

#include "agent/base/time.h"
#include "agent/manager/dialect.h"

namespace hagent::manager {

/// Everything here is called on the loop's thread and comes back there.
class Caller {
public:
    using Done = std::function<void(Reply)>;
    virtual ~Caller() = default;
    /// Makes a call; the number names it. `done` runs exactly once, never from within call(), unless aborted.
    virtual std::uint64_t call(Call call, Done done) = 0;
    /// Stops a call; its `done` does not run any more. Unknown numbers are ignored.
    virtual void abort(std::uint64_t call) = 0;
};

class Timers {
public:
    virtual ~Timers() = default;
    /// Runs `due` once, not before `delay` has passed and never from within after(). The number, never 0, names it.
    virtual std::uint64_t after(Millis delay, std::function<void()> due) = 0;
    /// It does not run any more. Unknown numbers and 0 are ignored.
    virtual void cancel(std::uint64_t timer) = 0;
};

}  // namespace hagent::manager
