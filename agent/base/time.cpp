// SPDX-License-Identifier: Apache-2.0
// Owns the date arithmetic: civil dates to seconds and back, without time_t.
#include "agent/base/time.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent {
namespace {

namespace chrono = std::chrono;

constexpr std::array<std::string_view, 12> k_months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
    if (at + count > text.size()) {
        return std::nullopt;
    }
    int value = 0;
    for (char c : text.substr(at, count)) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value = value * 10 + (c - '0');
    }
    return value;
}

/// Whether the text has exactly this form: '0' stands for a digit, 'a' for an ASCII letter, the rest for itself.
bool has_form(std::string_view text, std::string_view form) {
    return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(), [](char c, char expected) {
               return expected == '0' ? is_digit(c) : expected == 'a' ? is_letter(c) : c == expected;
           });
}

struct Civil {
    int year, month, day, hour, minute, second;
};

/// Second 60 is allowed, since RFC 3339 and RFC 9110 write leap seconds; it counts as the second after.
std::optional<WallTime> to_wall(const Civil& c) {
    const chrono::year_month_day date{chrono::year{c.year}, chrono::month{static_cast<unsigned>(c.month)},
                                      chrono::day{static_cast<unsigned>(c.day)}};
    if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) {
        return std::nullopt;
    }
    const auto days = chrono::sys_days{date}.time_since_epoch();
    return WallTime{chrono::duration_cast<Millis>(chrono::duration_cast<Seconds>(days) + chrono::hours{c.hour} +
                                                  chrono::minutes{c.minute} + Seconds{c.second})};
}

std::optional<int> month_number(std::string_view name) {
    for (std::size_t i = 0; i < k_months.size(); ++i) {
        if (k_months[i] == name) {
            return static_cast<int>(i) + 1;
        }
    }
    return std::nullopt;
}

/// "hh:mm:ss" at `at`, added to the date; empty when any field is not a number.
std::optional<WallTime> with_clock(std::optional<int> year, std::optional<int> month, std::optional<int> day,
                                   std::string_view text, std::size_t at) {
    const auto hour = digits(text, at, 2), minute = digits(text, at + 3, 2), second = digits(text, at + 6, 2);
    if (!year || !month || !day || !hour || !minute || !second || text[at + 2] != ':' || text[at + 5] != ':') {
        return std::nullopt;
    }
    return to_wall({*year, *month, *day, *hour, *minute, *second});
}

/// "-00:00" (RFC 3339 4.3) counts as UTC.
std::optional<Millis> offset(std::string_view zone) {
    if (zone == "Z" || zone == "z") {
        return Millis{0};
    }
    const auto hours = digits(zone, 1, 2), minutes = digits(zone, 4, 2);
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || !hours || !minutes) {
        return std::nullopt;
    }
    if (*hours > 23 || *minutes > 59) {
        return std::nullopt;
    }
    const Millis size = chrono::hours{*hours} + chrono::minutes{*minutes};
    return zone[0] == '+' ? size : -size;
}

}  // namespace

/// Rounded down also before 1970, or -1 ms would be a second late.
std::string rfc3339(WallTime time) {
    const auto seconds = chrono::floor<Seconds>(time.since_epoch);
    const auto days = chrono::floor<chrono::days>(seconds);
    const chrono::year_month_day date{chrono::sys_days{days}};
    const chrono::hh_mm_ss clock{seconds - days};
    std::array<char, 40> out{};
    std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return out.data();
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    constexpr std::size_t k_zone_at = 19;
    if (text.size() < k_zone_at + 1 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't')) {
        return std::nullopt;
    }
    const auto local = with_clock(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2), text, 11);
    std::string_view zone = text.substr(k_zone_at);
    if (zone.front() == '.') {
        const auto end = zone.find_first_not_of("0123456789", 1);
        if (end == 1 || end == std::string_view::npos) {
            return std::nullopt;
        }
        zone.remove_prefix(end);
    }
    const auto shift = offset(zone);
    if (!local || !shift) {
        return std::nullopt;
    }
    return WallTime{local->since_epoch - *shift};
}

/// A two-digit year below 70 is of this century. RFC 9110 5.6.7 draws that line fifty years ahead of today; a fixed one
/// needs no clock.
std::optional<WallTime> parse_http_date(std::string_view text) {
    if (has_form(text, "aaa, 00 aaa 0000 00:00:00 GMT")) {  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
        return with_clock(digits(text, 12, 4), month_number(text.substr(8, 3)), digits(text, 5, 2), text, 17);
    }
    if (const auto comma = text.find(',');
        comma != std::string_view::npos) {  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
        const auto rest = text.substr(comma);
        if (comma < 6 || comma > 9 || !has_form(rest, ", 00-aaa-00 00:00:00 GMT")) {
            return std::nullopt;
        }
        const int year = *digits(rest, 9, 2);
        return with_clock(year + (year < 70 ? 2000 : 1900), month_number(rest.substr(5, 3)), digits(rest, 2, 2), rest,
                          12);
    }
    if (has_form(text, "aaa aaa  0 00:00:00 0000") || has_form(text, "aaa aaa 00 00:00:00 0000")) {  // asctime
        const auto day = text[8] == ' ' ? digits(text, 9, 1) : digits(text, 8, 2);
        return with_clock(digits(text, 20, 4), month_number(text.substr(4, 3)), day, text, 11);
    }
    return std::nullopt;
}

}  // namespace hagent
