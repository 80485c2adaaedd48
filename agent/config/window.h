// SPDX-License-Identifier: Apache-2.0
// Owns Window: a span of the week in which something may be done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "agent/base/time_zone.h"

namespace hagent::config {

/// "mon-fri 22:00-05:00 Europe/Berlin": days (absent: all) on which it opens, opening and closing time (closing at or
/// before opening means the next day), zone (absent: the device's local time). Where clocks are turned it follows them:
/// an hour that a night leaves out opens nothing, one that it has twice is open twice. Source: spec 11 "Config"
/// (windows, upgrade.window); the form is ours (README).
struct Window {
    std::uint8_t days = 0x7F;         // bit 0 Monday ... bit 6 Sunday
    std::uint16_t from_minute = 0;    // since midnight, 0..1439
    std::uint16_t to_minute = 0;      // since midnight, 0..1440; equal to from_minute: open for 24 hours
    std::string zone;                 // as written; empty: local time
    std::optional<TimeZone> rules{};  // of the zone; parse_window() leaves them empty, find_zones() does not

    /// Whether it is open now; `local_offset` is how far the device's local time is ahead of UTC. A zone has its rules
    /// by now.
    [[nodiscard]] bool is_open(WallTime now, Seconds local_offset) const;
    /// Whether it is open at this moment of its own zone: day 0 is Monday.
    [[nodiscard]] bool contains(unsigned day, unsigned minute) const;

    /// Where a moment lies: in an opening, which is open since `since` and for `left` more, or `until` before the next.
    struct Place {
        bool open = false;
        Seconds since{0}, left{0}, until{0};
    };
    /// To the minute, over the turns of the clock; a window that never closes is open since a week.
    [[nodiscard]] Place place_of(WallTime now, Seconds local_offset) const;

    friend bool operator==(const Window&, const Window&) = default;
};

/// Days are mon tue wed thu fri sat sun, single, in ranges and separated by commas; empty on any deviation. A zone's
/// name is letters, digits, '_', '+' and '-', in parts that begin with a letter and have '/' between them.
[[nodiscard]] std::optional<Window> parse_window(std::string_view text);

}  // namespace hagent::config
