// SPDX-License-Identifier: Apache-2.0
// Owns the window's grammar and arithmetic.
#include "agent/config/window.h"

#include <algorithm>
#include <array>

#include "agent/base/check.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::config {
namespace {

constexpr std::array<std::string_view, 7> k_days = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::uint16_t k_day_minutes = 24 * 60;
constexpr unsigned k_week_minutes = 7 * k_day_minutes;
constexpr std::size_t k_zone_bytes = 64;

std::optional<unsigned> parse_day(std::string_view text) {
    const auto found = std::find(k_days.begin(), k_days.end(), to_lower(text));
    return found == k_days.end() ? std::nullopt : std::optional(static_cast<unsigned>(found - k_days.begin()));
}

/// Empty on any deviation: a window that opens on fewer days than its owner believes would be noticed late.
std::optional<std::uint8_t> parse_days(std::string_view text) {
    unsigned days = 0;
    for (const auto part : split(text, ',')) {
        const auto dash = part.find('-');
        const auto first = parse_day(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : parse_day(part.substr(dash + 1));
        if (!first || !last) {
            return std::nullopt;
        }
        for (unsigned day = *first;; day = (day + 1) % 7) {  // fri-mon goes over the end of the week
            days |= 1U << day;
            if (day == *last) {
                break;
            }
        }
    }
    return narrow<std::uint8_t>(days);
}

/// "22:05"; "24:00" only where it ends something.
std::optional<std::uint16_t> parse_clock(std::string_view text, std::uint16_t last) {
    if (text.size() != 5 || text[2] != ':') {
        return std::nullopt;
    }
    const auto hours = parse_u64(text.substr(0, 2), 24), minutes = parse_u64(text.substr(3), 59);
    if (!hours || !minutes || *hours * 60 + *minutes > last) {
        return std::nullopt;
    }
    return narrow<std::uint16_t>(*hours * 60 + *minutes);
}

/// The name becomes part of a path: no part may begin with a dot, and none may be empty.
bool is_zone(std::string_view text) {
    const auto is_sign = [](char c) { return is_letter_or_digit(c) || c == '_' || c == '+' || c == '-'; };
    const auto parts = split(text, '/');
    return text.size() <= k_zone_bytes && std::all_of(parts.begin(), parts.end(), [&](std::string_view part) {
               return !part.empty() && is_letter(part.front()) && std::all_of(part.begin(), part.end(), is_sign);
           });
}

}  // namespace

/// The device's own offset counts only without a zone; with one the device may stand anywhere.
bool Window::is_open(WallTime now, Seconds local_offset) const {
    check(zone.empty() || rules);
    const auto local = now.since_epoch + (rules ? rules->offset(now) : local_offset);
    const auto midnight = std::chrono::floor<std::chrono::days>(local);
    const unsigned day = std::chrono::weekday{std::chrono::sys_days{midnight}}.iso_encoding() - 1;
    return contains(day, static_cast<unsigned>(std::chrono::floor<std::chrono::minutes>(local - midnight).count()));
}

/// A window that goes over midnight belongs to the day on which it opened: the early hours ask for the day before.
bool Window::contains(unsigned day, unsigned minute) const {
    const auto opens_on = [this](unsigned d) { return ((days >> (d % 7)) & 1U) != 0; };
    if (from_minute < to_minute) {
        return opens_on(day) && minute >= from_minute && minute < to_minute;
    }
    return (opens_on(day) && minute >= from_minute) || (opens_on(day + 6) && minute < to_minute);
}

/// Minute by minute, because a night in which the clock is turned has another length than the others. Asked seldom.
Window::Place Window::place_of(WallTime now, Seconds local_offset) const {
    constexpr Seconds k_minute{60};
    const auto open_at = [&](Seconds from_now) { return is_open(WallTime{now.since_epoch + from_now}, local_offset); };
    const Seconds into_minute = std::chrono::duration_cast<Seconds>(now.since_epoch) % k_minute;
    const auto length = [&](Seconds first, Seconds step, bool open) {
        Seconds sum{0};
        for (unsigned i = 0; i < k_week_minutes && open_at(first) == open; ++i, first += step) {
            sum += k_minute;
        }
        return sum;
    };
    Place place{open_at(Seconds{0}), {}, {}, {}};
    const Seconds ahead = length(k_minute - into_minute, k_minute, place.open) + k_minute - into_minute;
    (place.open ? place.left : place.until) = ahead;
    place.since = place.open ? length(-into_minute - k_minute, -k_minute, true) + into_minute : Seconds{0};
    return place;
}

/// Without a colon the first word is the days, for every clock has one.
std::optional<Window> parse_window(std::string_view text) {
    auto parts = words(text);
    Window window;
    if (!parts.empty() && parts.front().find(':') == std::string_view::npos) {
        const auto days = parse_days(parts.front());
        if (!days) {
            return std::nullopt;
        }
        window.days = *days;
        parts.erase(parts.begin());
    }
    if (parts.empty() || parts.size() > 2 || (parts.size() == 2 && !is_zone(parts.back()))) {
        return std::nullopt;
    }
    const auto dash = parts.front().find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto from = parse_clock(parts.front().substr(0, dash), k_day_minutes - 1);
    const auto to = parse_clock(parts.front().substr(dash + 1), k_day_minutes);
    if (!from || !to) {
        return std::nullopt;
    }
    window.from_minute = *from;
    window.to_minute = *to;
    window.zone = parts.size() == 2 ? parts.back() : std::string_view{};
    return window;
}

}  // namespace hagent::config
