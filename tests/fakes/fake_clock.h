// SPDX-License-Identifier: Apache-2.0
// Owns FakeClock: time that only a test turns.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "platform/clock.h"

namespace hagent::fakes {

/// Starts at 2026-01-01T00:00:00Z with an uptime of one hour. A wait takes no real time: it turns the clock.
class FakeClock final : public platform::Clock {
public:
    [[nodiscard]] WallTime wall() override;
    [[nodiscard]] Uptime uptime() override;
    [[nodiscard]] Uptime since_boot() override;
    /// Notes the wait, calls on_wait, and turns the clock by `time` unless cancelled by then.
    [[nodiscard]] bool wait(Millis time, const CancelToken& cancel) override;

    /// Both clocks move on.
    void advance(Millis time);
    /// Only the wall clock is set, as a user or a time server does.
    void set_wall(WallTime time);
    /// The machine starts again: since_boot() is 0.
    void restart();
    /// Every wait so far, in order.
    [[nodiscard]] std::vector<Millis> waits();

    /// Called at the start of each wait, for example to cancel in the middle of it.
    std::function<void(Millis)> on_wait;

private:
    std::mutex mutex_;
    WallTime wall_{Millis{1'767'225'600'000}};
    Uptime uptime_{Millis{3'600'000}};
    Uptime booted_{};
    std::vector<Millis> waits_;
};

}  // namespace hagent::fakes
