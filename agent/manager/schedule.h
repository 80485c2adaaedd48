// SPDX-License-Identifier: Apache-2.0
// Owns the rule of when to check in next. Pure: chance comes in as a number.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/time.h"

namespace hagent::manager {

struct ScheduleSettings {
    Seconds interval{300};
    Seconds spread{60};
};

struct ScheduleInput {
    bool first = false;                  // since this process began
    unsigned failures = 0;               // check-ins in a row that failed
    bool settling = false;               // one of the first k_settling_waits since this process began
    bool drain = false;                  // a job was finished, cancelled or confirmed: look for the next one
    std::optional<Seconds> hint;         // the manager's own interval
    std::optional<Seconds> retry_after;  // the manager's wish after a refusal
};

inline constexpr Seconds k_shortest_interval{1};
inline constexpr Seconds k_longest_interval{24 * 3600};
inline constexpr unsigned k_settling_waits = 8;  // after check-ins that ended well

/// Where a device stands among its like, 0 to 2^64 - 1: the `chance` of its first check-in. The same id always has the
/// same place. Ids that count up (addresses, serial numbers or names of one delivery) lie side by side more evenly than
/// chance would have it, others as by chance.
[[nodiscard]] std::uint64_t place_of(std::string_view device_id);

/// Time from now to the next check-in. `chance` is uniform over its whole range.
/// - first: as far into the spread window as `chance` lies in its range, so that 10,000 devices do not arrive together;
///  - drain: at once;
///  - after failures: up to interval * 2^failures (at most an hour, never below a second) with full jitter,
///    or Retry-After plus jitter;
/// - else the hint or the interval, minus up to a tenth of it by chance; while settling up to half of it, so that
/// devices
///    which were switched on together are out of step within half an hour and not after many.
[[nodiscard]] Millis next_check_in(const ScheduleSettings& settings, const ScheduleInput& input, std::uint64_t chance);

}  // namespace hagent::manager
