// SPDX-License-Identifier: Apache-2.0
// Owns when to check in: the rule for each wait, and Schedule, the value that knows what is due. Pure: time and chance
// come in as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/time.h"

namespace hagent::manager {

/// From the configuration: the usual wait between two check-ins, and the window into which the first ones are spread.
struct ScheduleSettings {
    Seconds interval{300};
    Seconds spread{60};
};

/// What the next wait depends on.
struct ScheduleInput {
    bool first = false;                  // since this process began
    unsigned failures = 0;               // check-ins in a row that failed
    bool settling = false;               // one of the first k_settling_waits since this process began
    bool drain = false;                  // a job was finished, cancelled or confirmed: look for the next one
    bool hurried = false;                // a trial waits for the manager
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
/// - drain: at once;
/// - after failures: up to interval * 2^failures (at most an hour, never below a second) with full jitter, or
///   Retry-After plus jitter;
/// - hurried: the first one at once, and after failures at most half a minute;
/// - else the hint or the interval, minus up to a tenth of it by chance; while settling up to half of it, so that
///   devices which were switched on together are out of step within half an hour and not after many.
[[nodiscard]] Millis next_check_in(const ScheduleSettings& settings, const ScheduleInput& input, std::uint64_t chance);

/// What is due, when, and what wakes what. A value: no clock, no timer, no call. Whatever happens comes in as an event
/// with its time, and the holder sleeps until next() or the next event. Two check-ins never begin within a second, but
/// for the tries of one at several addresses. Nothing can fail.
class Schedule {
public:
    explicit Schedule(const ScheduleSettings& settings) : settings_(settings) {}

    // ---- events; `chance` is uniform over its whole range

    /// The agent starts. The first check-in falls into the spread window, at this device's place_of().
    void start(Uptime now, std::uint64_t place);
    /// While a trial waits for the manager: no spread, and short waits after failures. Call it before start().
    void hurry(bool on) { hurried_ = on; }
    /// One is wanted as soon as possible; while one is under way another follows it.
    void ask(Uptime now);
    /// The same, and another one until one has begun while the jobs were idle: what the manager answers to an earlier
    /// one says nothing about a job that was still on its way to its wait.
    void ask_until_quiet(Uptime now);
    void begin(Uptime now, bool jobs_idle);
    /// The one under way failed, and begins anew at another address at once.
    void try_again(Uptime now);
    /// It ended well. `hint`: the manager's own interval.
    void succeed(Uptime now, std::optional<Seconds> hint, std::uint64_t chance, bool jobs_idle);
    /// It failed, at all addresses. `retry_after`: the manager's wish.
    void fail(Uptime now, std::optional<Seconds> hint, std::optional<Seconds> retry_after, std::uint64_t chance);
    /// The jobs may have become idle.
    void jobs_rest(Uptime now, bool jobs_idle);

    // ---- what follows

    [[nodiscard]] bool under_way() const { return under_way_; }
    /// One is to begin now.
    [[nodiscard]] bool due(Uptime now) const { return due_at_ && now >= *due_at_; }
    /// When the next one begins; empty while one is under way and before the first event.
    [[nodiscard]] std::optional<Uptime> next() const { return due_at_; }
    /// The last one failed, at one address at least.
    [[nodiscard]] bool failing() const { return last_ == Last::failed; }
    /// Failures in a row, each at all addresses.
    [[nodiscard]] unsigned failures() const { return failures_; }
    /// For `check-in --once`: the last one failed, or ended well and had begun while the jobs were idle; none is under
    /// way, due or asked for.
    [[nodiscard]] bool quiet(Uptime now) const;

private:
    enum class Last : std::uint8_t { none, succeeded, failed };

    void plan(Uptime now, Millis delay);
    [[nodiscard]] bool came_too_early(bool jobs_idle) const;

    ScheduleSettings settings_;
    std::optional<Uptime> due_at_;
    std::optional<Uptime> began_at_;  // the last one
    unsigned failures_ = 0;
    unsigned settling_ = k_settling_waits;  // waits that are left of them
    Last last_ = Last::none;
    bool under_way_ = false;
    bool soon_ = false;  // one was asked for and has not begun
    bool hurried_ = false;
    bool until_quiet_ = false;  // ask_until_quiet()
    bool began_idle_ = false;   // the last one: the jobs were idle when it began
};

}  // namespace hagent::manager
