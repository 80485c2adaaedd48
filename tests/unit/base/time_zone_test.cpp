// SPDX-License-Identifier: Apache-2.0
// Owns the tests of time zones.
#include "agent/base/time_zone.h"

#include <doctest/doctest.h>

#include <string>

#include "agent/base/limits.h"
#include "tests/fakes/zone_file.h"

using namespace hagent;
using fakes::ZoneFile;

namespace {

constexpr int k_hour = 3600;

std::int64_t ahead(const ZoneFile& file, std::string_view time) {
    const auto zone = TimeZone::parse(file.text());
    REQUIRE(zone.has_value());
    return zone->offset(parse_rfc3339(time).value()).count();
}

bool accepted(const ZoneFile& file) { return TimeZone::parse(file.text()).has_value(); }

}  // namespace

TEST_CASE("A zone that was not read is UTC") {
    CHECK(TimeZone().offset(WallTime{}) == Seconds{0});
    CHECK(TimeZone().offset(parse_rfc3339("2026-07-01T00:00:00Z").value()) == Seconds{0});
}

TEST_CASE("Each period lasts until the next, what came before is the first type, what comes after is by the rule") {
    auto file = fakes::berlin();
    CHECK(ahead(file, "2025-03-30T00:59:59Z") == k_hour);
    CHECK(ahead(file, "2025-03-30T01:00:00Z") == 2 * k_hour);
    CHECK(ahead(file, "2026-03-29T00:59:59Z") == k_hour);
    CHECK(ahead(file, "2026-03-29T01:00:00Z") == 2 * k_hour);
    CHECK(ahead(file, "2026-10-25T01:00:00Z") == k_hour);
    CHECK(ahead(file, "2040-07-01T00:00:00Z") == 2 * k_hour);
    file.offsets[0] = 600;  // also the last period's, but there the rule holds
    CHECK(ahead(file, "1800-01-01T00:00:00Z") == 600);
    CHECK(ahead(file, "2026-01-01T00:00:00Z") == 600);
    CHECK(ahead(file, "2027-01-01T00:00:00Z") == k_hour);
}

TEST_CASE("Without a rule the last period goes on") {
    for (const char version : {'\0', '2', '4'}) {
        CAPTURE(version);
        auto file = fakes::berlin();
        file.version = version;
        file.rule.clear();
        CHECK(ahead(file, "2026-07-01T00:00:00Z") == 2 * k_hour);
        CHECK(ahead(file, "2040-07-01T00:00:00Z") == k_hour);
    }
}

TEST_CASE("Moments and offsets may be negative") {
    for (const char version : {'\0', '3'}) {
        CAPTURE(version);
        const ZoneFile file{{-3 * k_hour, -4 * k_hour}, {{-86'400, 1}, {86'400, 0}}, "", version};
        CHECK(ahead(file, "1969-12-30T23:59:59Z") == -3 * k_hour);
        CHECK(ahead(file, "1969-12-31T00:00:00Z") == -4 * k_hour);
        CHECK(ahead(file, "1970-01-02T00:00:00Z") == -3 * k_hour);
    }
}

TEST_CASE("A zone of one rule needs no periods") {
    CHECK(ahead({{0}, {}, "JST-9"}, "2026-07-01T00:00:00Z") == 9 * k_hour);
}

TEST_CASE("A file that is cut off anywhere, or goes on, is refused") {
    for (const char version : {'\0', '2'}) {
        auto file = fakes::berlin();
        file.version = version;
        const std::string text = file.text();
        for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
            CAPTURE(bytes);
            CHECK_FALSE(TimeZone::parse(text.substr(0, bytes)).has_value());
        }
    }
    CHECK_FALSE(TimeZone::parse(fakes::berlin().text() + "x").has_value());
}

TEST_CASE("Damage is refused") {
    const ZoneFile good = fakes::berlin();
    auto file = good;
    file.changes[1].type = 3;
    CHECK_FALSE(accepted(file));
    file = good;
    file.changes[1].moment = file.changes[0].moment;
    CHECK_FALSE(accepted(file));
    file = good;
    file.offsets[2] = 26 * k_hour;
    CHECK_FALSE(accepted(file));
    file.offsets[2] = -26 * k_hour;
    CHECK_FALSE(accepted(file));
    file = good;
    file.offsets.clear();
    file.changes.clear();
    CHECK_FALSE(accepted(file));
    file = good;
    file.rule = "tomorrow";
    CHECK_FALSE(accepted(file));
    std::string text = good.text();
    text[0] = 't';
    CHECK_FALSE(TimeZone::parse(text).has_value());
    text = good.text();
    for (std::size_t count = 20; count < 44; ++count) {
        text[count] = '\xFF';
    }
    CHECK_FALSE(TimeZone::parse(text).has_value());
    CHECK_FALSE(TimeZone::parse("root:x:0:0:root:/root:/bin/bash\n").has_value());
}

TEST_CASE("A file may be as long as its limit") {
    auto file = fakes::berlin();
    file.changes.clear();
    for (std::int64_t i = 0; file.text().size() <= limits::k_zone_file_bytes - 1000; i += 100) {
        for (std::int64_t k = i; k < i + 100; ++k) {
            file.changes.push_back({k * 1'000'000, static_cast<std::uint8_t>(k % 2)});
        }
    }
    CHECK(accepted(file));
    while (file.text().size() <= limits::k_zone_file_bytes) {
        file.changes.push_back({file.changes.back().moment + 1, 0});
    }
    CHECK_FALSE(accepted(file));
}
