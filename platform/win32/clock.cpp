// SPDX-License-Identifier: Apache-2.0
// Owns the machine's clock on Windows.
#include "platform/clock.h"

#include <algorithm>

#include "platform/win32/api.h"

namespace hagent::platform {
namespace {

constexpr std::int64_t k_ticks_per_millisecond = 10'000;           // FILETIME counts 100 ns
constexpr std::int64_t k_epoch_milliseconds = 11'644'473'600'000;  // from 1601 to 1970

// A longer wait overflows the deadline arithmetic of the standard library.
constexpr Millis k_longest_wait = std::chrono::hours{24 * 365};

}  // namespace

WallTime SystemClock::wall() {
    FILETIME now{};
    GetSystemTimeAsFileTime(&now);
    const auto ticks = static_cast<std::int64_t>((std::uint64_t{now.dwHighDateTime} << 32U) | now.dwLowDateTime);
    return {Millis{ticks / k_ticks_per_millisecond - k_epoch_milliseconds}};
}

Uptime SystemClock::uptime() {
    LARGE_INTEGER count{}, per_second{};
    QueryPerformanceFrequency(&per_second);
    QueryPerformanceCounter(&count);
    // Seconds and rest apart: the whole count times 1000 would overflow after some weeks of fast ticks.
    const std::int64_t seconds = count.QuadPart / per_second.QuadPart, rest = count.QuadPart % per_second.QuadPart;
    return {Seconds{seconds} + Millis{rest * 1000 / per_second.QuadPart}};
}

Uptime SystemClock::since_boot() { return {Millis{static_cast<std::int64_t>(GetTickCount64())}}; }

bool SystemClock::wait(Millis time, const CancelToken& cancel) { return cancel.wait(std::min(time, k_longest_wait)); }

}  // namespace hagent::platform
