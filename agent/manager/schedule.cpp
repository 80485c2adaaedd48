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

constexpr std::uint64_t k_golden = 0x9E37'79B9'7F4A'7C15;  // 2^64 divided by the golden ratio
constexpr std::uint64_t k_fnv_offset = 0xCBF2'9CE4'8422'2325, k_fnv_prime = 0x100'0000'01B3;

std::uint64_t positive(Millis range) { return static_cast<std::uint64_t>(std::max<std::int64_t>(range.count(), 1)); }

/// Evenly from 0 to `range`, the end left out.
Millis portion(Millis range, std::uint64_t chance) {
    return Millis{static_cast<std::int64_t>(chance % positive(range))};
}

/// The same, and a place twice as far lies twice as far into the range. `range` is below 49 days.
Millis point(Millis range, std::uint64_t place) {
    return Millis{static_cast<std::int64_t>(((place >> 32U) * positive(range)) >> 32U)};
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    const char letter = static_cast<char>(static_cast<unsigned char>(c) | 0x20U);
    return letter >= 'a' && letter <= 'f' ? std::optional(static_cast<unsigned>(letter - 'a') + 10) : std::nullopt;
}

}  // namespace

// Multiples of the golden ratio fall into the largest gap that those before have left, from wherever one begins to
// count. What is no digit only moves the whole series.
std::uint64_t place_of(std::string_view device_id) {
    std::uint64_t number = 0, rest = k_fnv_offset;
    for (const char c : device_id) {
        if (const auto digit = hex_digit(c)) {
            number = number * 16 + *digit;
        } else {
            rest = (rest ^ static_cast<unsigned char>(c)) * k_fnv_prime;
        }
    }
    return (number + rest) * k_golden;
}

Millis next_check_in(const ScheduleSettings& settings, const ScheduleInput& input, std::uint64_t chance) {
    const Millis interval =
        std::clamp<Seconds>(input.hint.value_or(settings.interval), k_shortest_interval, k_longest_interval);
    if (input.first) {
        return point(settings.spread, chance);
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
    return interval - portion(interval / (input.settling ? 2 : 10), chance);
}

}  // namespace hagent::manager
