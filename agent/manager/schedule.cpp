// SPDX-License-Identifier: Apache-2.0
// Owns the arithmetic of the check-in schedule, and what its events change.
#include "agent/manager/schedule.h"

#include <algorithm>

#include "agent/base/limits.h"

namespace hagent::manager {
namespace {

constexpr Millis k_failure_cap = Seconds{3600};
constexpr Millis k_failure_floor = Seconds{1};
constexpr Millis k_hurried_cap = Seconds{30};  // a trial has some minutes, and its network may just be coming up
constexpr unsigned k_doublings = 10;
constexpr Millis k_shortest_gap = Seconds{1};  // between the beginnings of two check-ins

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
        return input.hurried ? Millis{0} : point(settings.spread, chance);
    }
    if (input.retry_after) {
        const Millis wish =
            std::clamp(*input.retry_after, k_shortest_interval, Seconds{limits::k_retry_after_cap_seconds});
        return wish + portion(wish / 10, chance);
    }
    if (input.failures > 0) {
        const Millis ceiling = std::min(input.hurried ? k_hurried_cap : k_failure_cap,
                                        interval * (std::int64_t{1} << std::min(input.failures, k_doublings)));
        return std::max(k_failure_floor, portion(ceiling, chance));
    }
    if (input.drain) {
        return Millis{0};
    }
    return interval - portion(interval / (input.settling ? 2 : 10), chance);
}

/// The gap holds whatever asks: no trigger, result or hint of 0 makes a device call in a loop.
void Schedule::plan(Uptime now, Millis delay) {
    due_at_ = now + delay;
    if (began_at_) {
        due_at_ = std::max(*due_at_, *began_at_ + k_shortest_gap);
    }
}

void Schedule::start(Uptime now, std::uint64_t place) {
    ScheduleInput input;
    input.first = true;
    input.hurried = hurried_;
    plan(now, next_check_in(settings_, input, place));
}

void Schedule::ask(Uptime now) {
    soon_ = true;
    if (!under_way_) {
        plan(now, Millis{0});
    }
}

void Schedule::ask_until_quiet(Uptime now) {
    until_quiet_ = true;
    ask(now);
}

void Schedule::begin(Uptime now, bool jobs_idle) {
    under_way_ = true;
    due_at_.reset();
    soon_ = false;
    began_at_ = now;
    began_idle_ = jobs_idle;
}

/// Without the gap: the next address is another server, and the one that failed was not burdened.
void Schedule::try_again(Uptime now) {
    under_way_ = false;
    last_ = Last::failed;
    due_at_ = now;
}

/// Who has asked meanwhile gets his check-in at once; else the hint or the interval counts.
void Schedule::succeed(Uptime now, std::optional<Seconds> hint, std::uint64_t chance, bool jobs_idle) {
    under_way_ = false;
    last_ = Last::succeeded;
    failures_ = 0;
    soon_ = soon_ || came_too_early(jobs_idle);
    ScheduleInput input;
    input.settling = settling_ > 0;
    settling_ -= input.settling ? 1U : 0U;
    input.drain = soon_;
    input.hint = hint;
    plan(now, next_check_in(settings_, input, chance));
}

/// What was asked for is forgotten: while the manager is away nobody is served by more tries.
void Schedule::fail(Uptime now, std::optional<Seconds> hint, std::optional<Seconds> retry_after, std::uint64_t chance) {
    under_way_ = false;
    last_ = Last::failed;
    soon_ = false;
    ScheduleInput input;
    input.failures = ++failures_;
    input.hurried = hurried_;
    input.hint = hint;
    input.retry_after = retry_after;
    plan(now, next_check_in(settings_, input, chance));
}

void Schedule::jobs_rest(Uptime now, bool jobs_idle) {
    if (!under_way_ && last_ != Last::none && came_too_early(jobs_idle)) {
        ask(now);
    }
}

/// The last one says nothing about jobs that have come to rest since it began.
bool Schedule::came_too_early(bool jobs_idle) const {
    return until_quiet_ && !began_idle_ && last_ != Last::failed && jobs_idle;
}

/// A failure is an end as well: `check-in --once` tells it and does not wait for the back-off.
bool Schedule::quiet(Uptime now) const {
    return last_ != Last::none && !under_way_ && !soon_ && !due(now) && (began_idle_ || last_ == Last::failed);
}

}  // namespace hagent::manager
