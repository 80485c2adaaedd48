// SPDX-License-Identifier: Apache-2.0
// Owns the turning of the fake clock.
#include "tests/fakes/fake_clock.h"

namespace hagent::fakes {

WallTime FakeClock::wall() {
    const std::lock_guard lock(mutex_);
    return wall_;
}

Uptime FakeClock::uptime() {
    const std::lock_guard lock(mutex_);
    return uptime_;
}

Uptime FakeClock::since_boot() {
    const std::lock_guard lock(mutex_);
    return Uptime{} + (uptime_ - booted_);
}

void FakeClock::restart() {
    const std::lock_guard lock(mutex_);
    booted_ = uptime_;
}

bool FakeClock::wait(Millis time, const CancelToken& cancel) {
    {
        const std::lock_guard lock(mutex_);
        waits_.push_back(time);
    }
    if (on_wait) {
        on_wait(time);
    }
    if (cancel.requested()) {
        return true;
    }
    advance(time);
    return false;
}

void FakeClock::advance(Millis time) {
    const std::lock_guard lock(mutex_);
    wall_.since_epoch += time;
    uptime_ = uptime_ + time;
}

void FakeClock::set_wall(WallTime time) {
    const std::lock_guard lock(mutex_);
    wall_ = time;
}

std::vector<Millis> FakeClock::waits() {
    const std::lock_guard lock(mutex_);
    return waits_;
}

}  // namespace hagent::fakes
