// SPDX-License-Identifier: Apache-2.0
// Owns the interface to time.
#pragma once

#include "agent/base/cancel.h"
#include "agent/base/time.h"

namespace hagent::platform {

class Clock {
public:
    virtual ~Clock() = default;
    /// Wall-clock time; may jump either way. For show, logs and expiry.
    [[nodiscard]] virtual WallTime wall() = 0;
    /// Monotonic time; every wait and time limit uses it.
    [[nodiscard]] virtual Uptime uptime() = 0;
    /// Waits at most `time`; true when cancelled meanwhile.
    [[nodiscard]] virtual bool wait(Millis time, const CancelToken& cancel) = 0;
};

/// How far the machine's local time is ahead of UTC at that moment.
[[nodiscard]] Seconds local_offset(WallTime time);

/// The machine's clock.
class SystemClock final : public Clock {
public:
    WallTime wall() override;
    Uptime uptime() override;
    bool wait(Millis time, const CancelToken& cancel) override;
};

}  // namespace hagent::platform
