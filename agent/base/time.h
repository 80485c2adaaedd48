// SPDX-License-Identifier: Apache-2.0
// Owns the two kinds of instant (wall and monotonic, both 64-bit milliseconds) and their text forms.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hagent {

using Millis = std::chrono::duration<std::int64_t, std::milli>;
using Seconds = std::chrono::duration<std::int64_t>;

/// Wall-clock time since 1970-01-01T00:00:00Z. For show and for expiry only; liveness uses Uptime.
struct WallTime {
    Millis since_epoch{0};
    friend constexpr auto operator<=>(const WallTime&, const WallTime&) = default;
};

/// Time that only moves forward, from an arbitrary start; survives clock jumps.
struct Uptime {
    Millis since_start{0};
    friend constexpr auto operator<=>(const Uptime&, const Uptime&) = default;
    friend constexpr Uptime operator+(Uptime t, Millis d) { return {t.since_start + d}; }
    friend constexpr Millis operator-(Uptime a, Uptime b) { return a.since_start - b.since_start; }
};

/// RFC 3339 in UTC, whole seconds: "2026-11-22T22:40:01Z". Works past 2038 on every target.
[[nodiscard]] std::string rfc3339(WallTime time);

/// Parses RFC 3339 (with "Z" or a numeric offset, fraction ignored); empty on any deviation.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

/// Parses an HTTP date in any of the three forms of RFC 9110 5.6.7; empty on any deviation.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace hagent
