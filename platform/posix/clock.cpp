// SPDX-License-Identifier: Apache-2.0
// Owns the machine's clock on POSIX.
#include "platform/clock.h"

#include <time.h>

#include <algorithm>

#include "agent/base/check.h"

namespace hagent::platform {
namespace {

Millis read_clock(clockid_t id) {
    timespec now{};
    check(clock_gettime(id, &now) == 0);
    return Seconds{now.tv_sec} + Millis{now.tv_nsec / 1'000'000};
}

// A longer wait overflows the deadline arithmetic of the standard library.
constexpr Millis k_longest_wait = std::chrono::hours{24 * 365};

}  // namespace

WallTime SystemClock::wall() { return {read_clock(CLOCK_REALTIME)}; }
Uptime SystemClock::uptime() { return {read_clock(CLOCK_MONOTONIC)}; }
Uptime SystemClock::since_boot() { return {read_clock(CLOCK_BOOTTIME)}; }
bool SystemClock::wait(Millis time, const CancelToken& cancel) { return cancel.wait(std::min(time, k_longest_wait)); }

}  // namespace hagent::platform
