// SPDX-License-Identifier: Apache-2.0
// Owns the tests of time windows.
#include <doctest/doctest.h>

#include "agent/config/window.h"

using namespace hagent::config;

namespace {

constexpr unsigned k_monday = 0, k_friday = 4, k_saturday = 5, k_sunday = 6;
constexpr unsigned at(unsigned hour, unsigned minute = 0) { return hour * 60 + minute; }

}  // namespace

TEST_CASE("days, times and zone are read") {
    CHECK(parse_window("08:30-17:00") == Window{0x7F, 510, 1020, ""});
    CHECK(parse_window("mon-fri 22:00-05:00 Europe/Berlin") == Window{0x1F, 1320, 300, "Europe/Berlin"});
    CHECK(parse_window("Sat,sun 00:00-24:00") == Window{0x60, 0, 1440, ""});
    CHECK(parse_window("fri-mon 01:00-02:00") == Window{0x71, 60, 120, ""});
    CHECK(parse_window("tue 01:00-02:00 UTC") == Window{0x02, 60, 120, "UTC"});
    for (const char* bad : {"", "mon", "mon-fri", "8:30-17:00", "08:30", "08:30-", "24:00-01:00", "08:60-09:00",
                            "08:00-24:01", "xyz 08:00-09:00", "mon- 08:00-09:00", ",mon 08:00-09:00", "08:00-09:00 a b",
                            "08:00-09:00 <x>", "08:00-09:00:10"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_window(bad));
    }
}

TEST_CASE("a window within a day is open from its first minute to before its last") {
    const Window w = *parse_window("mon-fri 08:00-17:00");
    CHECK_FALSE(w.contains(k_monday, at(7, 59)));
    CHECK(w.contains(k_monday, at(8)));
    CHECK(w.contains(k_friday, at(16, 59)));
    CHECK_FALSE(w.contains(k_friday, at(17)));
    CHECK_FALSE(w.contains(k_saturday, at(12)));
}

TEST_CASE("a window over midnight belongs to the day on which it opens") {
    const Window w = *parse_window("fri 22:00-05:00");
    CHECK(w.contains(k_friday, at(22)));
    CHECK(w.contains(k_saturday, at(4, 59)));
    CHECK_FALSE(w.contains(k_saturday, at(5)));
    CHECK_FALSE(w.contains(k_saturday, at(23)));
    CHECK_FALSE(w.contains(k_friday, at(4)));
    CHECK(parse_window("sun 22:00-05:00")->contains(k_monday, at(1)));
    CHECK(parse_window("sun 06:00-06:00")->contains(k_monday, at(5, 59)));
    CHECK(parse_window("sun 06:00-06:00")->contains(k_sunday, at(6)));
}

TEST_CASE("a moment knows its place in an opening, or before the next") {
    using hagent::Seconds, hagent::WallTime;
    const WallTime midnight{std::chrono::hours{24 * 4}};  // of a Monday
    const auto later = [&](Seconds by) { return WallTime{midnight.since_epoch + by}; };
    const auto place = [](std::string_view window, WallTime now) { return parse_window(window)->place_of(now, {}); };

    const auto inside = place("22:00-05:00", later(Seconds{3600 + 90}));
    CHECK(inside.open);
    CHECK(inside.since == Seconds{3 * 3600 + 90});
    CHECK(inside.left == Seconds{4 * 3600 - 90});
    const auto before = place("tue 01:00-02:00", later(Seconds{30}));
    CHECK_FALSE(before.open);
    CHECK(before.until == Seconds{25 * 3600 - 30});
    const auto after = place("mon 00:00-01:00", later(Seconds{3600}));
    CHECK_FALSE(after.open);
    CHECK(after.until == Seconds{6 * 86400 + 23 * 3600});
    CHECK(place("00:00-24:00", later(Seconds{5})).open);
    CHECK(place("00:00-24:00", later(Seconds{5})).left >= Seconds{7 * 86400});
}
