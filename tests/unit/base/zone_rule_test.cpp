// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the yearly rules of time zones.
#include "agent/base/zone_rule.h"

#include <doctest/doctest.h>

#include <string>

using namespace hagent;

namespace {

constexpr int k_hour = 3600;

/// Seconds ahead of UTC under this rule at this time.
std::int64_t ahead(std::string_view rule, std::string_view time) {
    const auto parsed = ZoneRule::parse(rule);
    REQUIRE(parsed.has_value());
    return parsed->offset(std::chrono::floor<Seconds>(parse_rfc3339(time).value().since_epoch)).count();
}

}  // namespace

TEST_CASE("Clocks are turned in the very second, in every year") {
    constexpr auto k_berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
    CHECK(ahead(k_berlin, "2026-01-01T00:00:00Z") == k_hour);
    CHECK(ahead(k_berlin, "2026-03-29T00:59:59Z") == k_hour);
    CHECK(ahead(k_berlin, "2026-03-29T01:00:00Z") == 2 * k_hour);
    CHECK(ahead(k_berlin, "2026-10-25T00:59:59Z") == 2 * k_hour);
    CHECK(ahead(k_berlin, "2026-10-25T01:00:00Z") == k_hour);
    CHECK(ahead(k_berlin, "2028-02-29T12:00:00Z") == k_hour);
    CHECK(ahead(k_berlin, "2027-03-28T00:59:59Z") == k_hour);  // here the last Sunday is the fourth, above the fifth
    CHECK(ahead(k_berlin, "2027-03-28T01:00:00Z") == 2 * k_hour);
    CHECK(ahead(k_berlin, "1969-07-01T00:00:00Z") == 2 * k_hour);
}

TEST_CASE("In the south summer goes over the end of the year") {
    constexpr auto k_sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
    CHECK(ahead(k_sydney, "2026-12-31T23:59:59Z") == 11 * k_hour);
    CHECK(ahead(k_sydney, "2027-01-01T00:00:00Z") == 11 * k_hour);
    CHECK(ahead(k_sydney, "2027-04-03T15:59:59Z") == 11 * k_hour);
    CHECK(ahead(k_sydney, "2027-04-03T16:00:00Z") == 10 * k_hour);
    CHECK(ahead(k_sydney, "2027-10-02T16:00:00Z") == 11 * k_hour);
}

TEST_CASE("Winter may be what is different, and a turn may lie in another day or before midnight") {
    constexpr auto k_dublin = "IST-1GMT0,M10.5.0,M3.5.0/1";
    CHECK(ahead(k_dublin, "2026-07-01T00:00:00Z") == k_hour);
    CHECK(ahead(k_dublin, "2026-12-01T00:00:00Z") == 0);
    CHECK(ahead(k_dublin, "2026-03-29T00:59:59Z") == 0);
    CHECK(ahead(k_dublin, "2026-03-29T01:00:00Z") == k_hour);
    constexpr auto k_jerusalem = "IST-2IDT,M3.4.4/26,M10.5.0";
    CHECK(ahead(k_jerusalem, "2026-03-26T23:59:59Z") == 2 * k_hour);
    CHECK(ahead(k_jerusalem, "2026-03-27T00:00:00Z") == 3 * k_hour);
    constexpr auto k_nuuk = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
    CHECK(ahead(k_nuuk, "2026-03-29T00:59:59Z") == -2 * k_hour);
    CHECK(ahead(k_nuuk, "2026-03-29T01:00:00Z") == -k_hour);
}

TEST_CASE("Summer all year round is told by turns that touch") {
    for (const char* time : {"2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z", "2026-07-01T00:00:00Z",
                             "2026-12-31T23:59:59Z", "2028-12-31T12:00:00Z"}) {
        CAPTURE(time);
        CHECK(ahead("XXX3EDT4,0/0,J365/23", time) == -4 * k_hour);
    }
}

TEST_CASE("Days are counted with or without February 29") {
    constexpr auto k_without = "AAA0BBB,J60/0,J300/0", k_with = "AAA0BBB,59/0,300/0";
    CHECK(ahead(k_without, "2027-02-28T23:59:59Z") == 0);
    CHECK(ahead(k_without, "2027-03-01T00:00:00Z") == k_hour);
    CHECK(ahead(k_without, "2028-02-29T23:59:59Z") == 0);
    CHECK(ahead(k_without, "2028-03-01T00:00:00Z") == k_hour);
    CHECK(ahead(k_with, "2027-03-01T00:00:00Z") == k_hour);
    CHECK(ahead(k_with, "2028-02-28T23:59:59Z") == 0);
    CHECK(ahead(k_with, "2028-02-29T00:00:00Z") == k_hour);
}

TEST_CASE("Zones without summer time have one offset") {
    CHECK(ahead("UTC0", "2026-07-01T00:00:00Z") == 0);
    CHECK(ahead("JST-9", "2026-07-01T00:00:00Z") == 9 * k_hour);
    CHECK(ahead("<+0545>-5:45", "2026-07-01T00:00:00Z") == 5 * k_hour + 45 * 60);
    CHECK(ahead("<-00>+0:00:01", "2026-07-01T00:00:00Z") == -1);
}

TEST_CASE("What is no such rule is refused") {
    for (const char* bad : {"",
                            "C",
                            "CET",
                            "CE-1",
                            "-1",
                            "CET-",
                            "CET-25",
                            "CET-1:60",
                            "CET-1:0:60",
                            "CET-1:0:0:0",
                            "CET-1 ",
                            " CET-1",
                            "<CET-1",
                            "CET>-1",
                            "<>-1",
                            "CET--1",
                            "CET-1CEST",
                            "CET-1CEST,",
                            "CET-1CEST,M3.5.0",
                            "CET-1CEST,M3.5.0,",
                            "CET-1CEST,M3.5.0,M10.5.0,",
                            "CET-1CEST,M0.5.0,M10.5.0",
                            "CET-1CEST,M13.5.0,M10.5.0",
                            "CET-1CEST,M3.0.0,M10.5.0",
                            "CET-1CEST,M3.6.0,M10.5.0",
                            "CET-1CEST,M3.5.7,M10.5.0",
                            "CET-1CEST,M3.5,M10.5.0",
                            "CET-1CEST,J0,J300",
                            "CET-1CEST,J60,J366",
                            "CET-1CEST,59,366",
                            "CET-1CEST,59,",
                            "CET-1CEST,M3.5.0/168,M10.5.0",
                            "CET-1CEST,M3.5.0/,M10.5.0",
                            "CET-99999999999999999999",
                            "CET-1CEST,99999999999999999999,1",
                            "CET-1,M3.5.0,M10.5.0"}) {
        CAPTURE(bad);
        CHECK_FALSE(ZoneRule::parse(bad).has_value());
    }
}
