// SPDX-License-Identifier: Apache-2.0
// Owns the tests of windows with a time zone, from the name to the hour.
#include "agent/config/zone.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tests/fakes/fake_files.h"
#include "tests/fakes/zone_file.h"

using namespace hagent;
using namespace hagent::config;

namespace {

const std::array<std::string, 2> k_folders = {"/zones", "/more"};

struct Site {
    Site() { files.put("/zones/Europe/Berlin", fakes::berlin().text()); }
    [[nodiscard]] Window window(const std::string& text) {
        auto window = parse_window(text).value();
        window.rules = find_zone(files, k_folders, window.zone).value();
        return window;
    }
    [[nodiscard]] std::string refused(const std::string& name) {
        const auto zone = find_zone(files, k_folders, name);
        REQUIRE_FALSE(zone.ok());
        CHECK(zone.error().is(errors::AgentCode::config_bad_value));
        return zone.error().context;
    }
    fakes::FakeFiles files;
};

bool open_at(const Window& window, std::string_view time, Seconds local_offset = Seconds{0}) {
    return window.is_open(parse_rfc3339(time).value(), local_offset);
}

bool open_before(const Window& window, std::string_view time) {
    return window.is_open({parse_rfc3339(time).value().since_epoch - Seconds{1}}, Seconds{0});
}
bool opens_at(const Window& window, std::string_view time) {
    return !open_before(window, time) && open_at(window, time);
}
bool closes_at(const Window& window, std::string_view time) {
    return open_before(window, time) && !open_at(window, time);
}

}  // namespace

TEST_CASE_FIXTURE(Site, "A window follows the clocks of its zone, in winter and in summer") {
    const auto w = window("mon-fri 22:00-05:00 Europe/Berlin");
    CHECK(opens_at(w, "2026-03-27T21:00:00Z"));  // a Friday
    CHECK(closes_at(w, "2026-03-28T04:00:00Z"));
    CHECK(opens_at(w, "2026-07-03T20:00:00Z"));  // a Friday
    CHECK(open_at(w, "2040-07-06T20:00:00Z"));
    CHECK_FALSE(open_at(w, "2026-07-05T00:00:00Z"));
}

TEST_CASE_FIXTURE(Site, "A night in which clocks are turned is shorter or longer, and ends on time") {
    const auto w = window("sat 22:00-05:00 Europe/Berlin");
    CHECK(closes_at(w, "2026-03-29T03:00:00Z"));
    CHECK(closes_at(w, "2026-10-25T04:00:00Z"));
    const auto hour = window("sun 02:00-03:00 Europe/Berlin");
    for (int minute = 0; minute < 24 * 60; ++minute) {  // 2026-03-29 has no such hour
        CAPTURE(minute);
        CHECK_FALSE(hour.is_open(
            {parse_rfc3339("2026-03-28T23:00:00Z").value().since_epoch + std::chrono::minutes{minute}}, Seconds{0}));
    }
    CHECK(opens_at(hour, "2026-10-25T00:00:00Z"));
    CHECK(closes_at(hour, "2026-10-25T02:00:00Z"));  // when it has been there for the second time
}

TEST_CASE_FIXTURE(Site, "A leap day is a day of its week") {
    const auto w = window("tue 00:00-24:00 Europe/Berlin");
    CHECK(opens_at(w, "2028-02-28T23:00:00Z"));
    CHECK(closes_at(w, "2028-02-29T23:00:00Z"));
}

TEST_CASE_FIXTURE(Site, "The device's own time counts where there is no zone, and never where there is one") {
    const auto own = parse_window("08:00-09:00").value();
    CHECK(open_at(own, "2026-07-01T06:00:00Z", Seconds{7200}));
    CHECK_FALSE(open_at(own, "2026-07-01T08:00:00Z", Seconds{7200}));
    CHECK(open_at(own, "2026-07-01T17:30:00Z", Seconds{-9 * 3600 - 1800}));
    const auto utc = window("08:00-09:00 UTC");
    CHECK(open_at(utc, "2026-07-01T08:00:00Z", Seconds{7200}));
    CHECK_FALSE(open_at(utc, "2026-07-01T06:00:00Z", Seconds{7200}));
}

TEST_CASE_FIXTURE(Site, "The first folder that has the zone counts; UTC needs none") {
    files.put("/more/Europe/Berlin", fakes::ZoneFile{}.text());
    files.put("/more/Asia/Tokyo", fakes::ZoneFile{{0}, {}, "JST-9"}.text());
    CHECK(find_zone(files, k_folders, "Europe/Berlin").value().offset(WallTime{}) == Seconds{3600});
    CHECK(find_zone(files, k_folders, "Asia/Tokyo").value().offset(WallTime{}) == Seconds{9 * 3600});
    CHECK(find_zone(files, {}, "UTC").value() == TimeZone());
}

TEST_CASE_FIXTURE(Site, "A zone that is not to be had is refused with the reason and a way out") {
    files.put("/zones/leapseconds", "# Allowance for leap seconds\n");
    files.put("/zones/Long", std::string(100'000, 'x'));
    CHECK(refused("Europe/Brlin") ==
          "zone 'Europe/Brlin': not installed here (package tzdata); write UTC, or leave the zone out for the device's "
          "own time");
    CHECK(refused("Europe").find("not installed here") != std::string::npos);
    CHECK(refused("leapseconds") ==
          "zone 'leapseconds': its file is damaged; write UTC, or leave the zone out for the device's own time");
    CHECK(refused("Long").find("zone 'Long'") == 0);
    CHECK(find_zone(files, {}, "Europe/Berlin")
              .error()
              .context.find("this system has no time zones by name; write UTC") != std::string::npos);
}

TEST_CASE("A zone's name does not lead out of the folder") {
    for (const char* bad : {"../../etc/passwd", "/etc/passwd", "Europe/../../x", "Europe//Berlin", "Europe/",
                            "./Berlin", "Europe/.hidden", "-x", "Europe/-x", "Europe\\Berlin", "C:/x"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_window(std::string("08:00-09:00 ") + bad).has_value());
    }
    for (const char* good :
         {"Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5", "EST5EDT", "UTC"}) {
        CAPTURE(good);
        CHECK(parse_window(std::string("08:00-09:00 ") + good).has_value());
    }
}

TEST_CASE_FIXTURE(Site, "Every window gets its zone, and every one without is named") {
    Settings settings = default_settings();
    for (const char* text :
         {"08:00-09:00", "08:00-09:00 Europe/Berlin", "08:00-09:00 Europe/Atlantis", "08:00-09:00 UTC"}) {
        settings.windows.push_back(parse_window(text).value());
    }
    settings.upgrade.window = parse_window("08:00-09:00 Moon/North");
    const auto complaints = find_zones(files, k_folders, settings);
    REQUIRE(complaints.size() == 2);
    CHECK(complaints[0].path == "windows[2]");
    CHECK(complaints[0].message.find("Europe/Atlantis") != std::string::npos);
    CHECK(complaints[1].path == "upgrade.window");
    CHECK_FALSE(settings.windows[0].rules.has_value());
    CHECK(settings.windows[1].rules.has_value());
    CHECK(settings.windows[3].rules == TimeZone());
}
