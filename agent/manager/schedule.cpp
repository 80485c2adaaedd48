// SPDX-License-Identifier: Apache-2.0
// Owns the arithmetic of the check-in schedule.
#include "agent/manager/schedule.h"

#include <algorithm>

#include "agent/base/limits.h"

namespace hagent::manager {
namespace {

constexpr Millis k_failure_cap = Seconds{3600};
constexpr Millis k_failure_floor = Seconds{1};
constexpr unsigned k_doublings = 10;

/// Evenly from 0 to `range`, the end left out.
Millis portion(Millis range, std::uint64_t chance) {
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(range.count(), 1));
    return Millis{static_cast<std::int64_t>(chance % count)};
}

}  // namespace

Millis next_check_in(const ScheduleSettings& settings, const ScheduleInput& input, std::uint64_t chance) {
    const Millis interval =
        std::clamp<Seconds>(input.hint.value_or(settings.interval), k_shortest_interval, k_longest_interval);
    if (input.first) {
        return portion(settings.spread, chance);
    }
    if (input.retry_after) {
        const Millis wish =
            std::clamp(*input.retry_after, k_shortest_interval, Seconds{limits::k_retry_after_cap_seconds});
        return wish + portion(wish / 10, chance);
    }
    if (input.failures > 0) {
        const Millis ceiling =
            std::min(k_failure_cap, interval * (std::int64_t{1} << std::min(input.failures, k_doublings)));
        return std::max(k_failure_floor, portion(ceiling, chance));
    }
    if (input.drain) {
        return Millis{0};
    }
    return interval - portion(interval / 10, chance);
}

}  // namespace hagent::manager
