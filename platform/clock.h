// SPDX-License-Identifier: Apache-2.0
// Owns the interface to time.
#pragma once

#include "agent/base/cancel.h"
#include "agent/base/time.h"

namespace hagent::platform {

class Clock {
public:
    virtual ~Clock() = default;
    /// Wall-clock time in UTC, to the millisecond. It may jump either way at any moment: for display, logs and expiry
    /// only, never for waits.
    [[nodiscard]] virtual WallTime wall() = 0;
    /// Monotonic time since an unknown start; every wait and time limit uses it. It may stand still while the machine
    /// sleeps.
    [[nodiscard]] virtual Uptime uptime() = 0;
    /// Time since this start of the machine: the same for all its processes, and it goes on while the machine sleeps.
    [[nodiscard]] virtual Uptime since_boot() = 0;
    /// Waits at most `time`; true when it was cancelled before or meanwhile.
    [[nodiscard]] virtual bool wait(Millis time, const CancelToken& cancel) = 0;
};

/// How far the machine's local time is ahead of UTC at that moment.
[[nodiscard]] Seconds local_offset(WallTime time);

/// The machine's clock.
class SystemClock final : public Clock {
public:
    WallTime wall() override;
    Uptime uptime() override;
    Uptime since_boot() override;
    bool wait(Millis time, const CancelToken& cancel) override;
};

}  // namespace hagent::platform
