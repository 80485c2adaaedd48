// SPDX-License-Identifier: Apache-2.0
// Owns the local time zone on Windows.
#include <windows.h>

#include "platform/clock.h"

namespace hagent::platform {
namespace {

constexpr std::int64_t k_ticks_per_second = 10'000'000;
constexpr std::int64_t k_epoch_ticks = 116'444'736'000'000'000;  // 1970 in FILETIME

std::int64_t ticks(const FILETIME& time) {
    return static_cast<std::int64_t>((static_cast<std::uint64_t>(time.dwHighDateTime) << 32U) | time.dwLowDateTime);
}

}  // namespace

/// By way of calendar fields: only this call knows the rules of the year in question.
Seconds local_offset(WallTime time) {
    const std::int64_t utc_ticks = k_epoch_ticks + time.since_epoch.count() / 1000 * k_ticks_per_second;
    const FILETIME utc{static_cast<DWORD>(utc_ticks), static_cast<DWORD>(utc_ticks >> 32)};
    SYSTEMTIME utc_fields{}, local_fields{};
    FILETIME local{};
    if (FileTimeToSystemTime(&utc, &utc_fields) == 0 ||
        SystemTimeToTzSpecificLocalTime(nullptr, &utc_fields, &local_fields) == 0 ||
        SystemTimeToFileTime(&local_fields, &local) == 0) {
        return Seconds{0};
    }
    return Seconds{(ticks(local) - utc_ticks) / k_ticks_per_second};
}

}  // namespace hagent::platform
