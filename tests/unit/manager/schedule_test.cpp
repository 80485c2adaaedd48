// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the check-in schedule.
#include "agent/manager/schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <set>

using namespace hagent;
using namespace hagent::manager;

namespace {

constexpr ScheduleSettings k_settings{Seconds{300}, Seconds{60}};
constexpr std::array<std::uint64_t, 6> k_chances = {0, 1, 59'999, 60'000, UINT64_MAX / 2, UINT64_MAX};

}  // namespace

TEST_CASE("The first check-in lies as far into the spread window as chance lies in its range") {
    ScheduleInput input;
    input.first = true;
    CHECK(next_check_in(k_settings, input, 0) == Millis{0});
    CHECK(next_check_in(k_settings, input, UINT64_MAX / 4 + 1) == Seconds{15});
    CHECK(next_check_in(k_settings, input, UINT64_MAX / 2 + 1) == Seconds{30});
    CHECK(next_check_in(k_settings, input, UINT64_MAX) == Millis{59'999});
    const ScheduleSettings day{Seconds{300}, Seconds{24 * 3600}};
    CHECK(next_check_in(day, input, UINT64_MAX) == Seconds{24 * 3600} - Millis{1});
}

TEST_CASE("A device has one place, and another id has another") {
    CHECK(place_of("008064aabbcc") == place_of("008064aabbcc"));
    CHECK(place_of("008064AABBCC") == place_of("008064aabbcc"));
    std::set<std::uint64_t> places;
    const std::array ids = {"",  "0",  "1",  "01x",          "x01",          "a",       "b",       "g",
                            "h", "gh", "hg", "008064aabbcc", "008064aabbcd", "lobby-1", "lobby-2", "hall-1"};
    for (const char* id : ids) {
        places.insert(place_of(id));
    }
    CHECK(places.size() == ids.size() - 2);  // leading zeros, and where the letters stand, do not count
}

TEST_CASE("Without a spread window the first check-in is at once") {
    ScheduleInput input;
    input.first = true;
    for (const auto chance : k_chances) {
        CHECK(next_check_in({Seconds{300}, Seconds{0}}, input, chance) == Millis{0});
    }
}

TEST_CASE("A usual wait is the interval less up to a tenth") {
    for (const auto chance : k_chances) {
        const auto wait = next_check_in(k_settings, {}, chance);
        CHECK(wait <= Seconds{300});
        CHECK(wait > Seconds{270});
    }
}

TEST_CASE("While the device settles, a wait is the interval less up to a half") {
    ScheduleInput input;
    input.settling = true;
    CHECK(next_check_in(k_settings, input, 0) == Seconds{300});
    CHECK(next_check_in(k_settings, input, 149'999) == Seconds{150} + Millis{1});
    input.failures = 1;  // back-off goes first
    CHECK(next_check_in(k_settings, input, 599'999) == Millis{599'999});
}

TEST_CASE("The manager's own interval wins over the configured one") {
    ScheduleInput input;
    input.hint = Seconds{30};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{30});
}

TEST_CASE("No interval is below a second or above a day") {
    ScheduleInput input;
    input.hint = Seconds{0};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
    input.hint = Seconds{INT64_MAX / 1000};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{24 * 3600});
    CHECK(next_check_in({Seconds{-5}, Seconds{0}}, {}, 0) == Seconds{1});
}

TEST_CASE("Failures double the ceiling up to an hour, with full jitter and never below a second") {
    for (unsigned failures = 1; failures < 100; ++failures) {
        ScheduleInput input;
        input.failures = failures;
        const Millis ceiling = std::min<Millis>(Seconds{3600}, Seconds{300} * (1LL << std::min(failures, 10U)));
        CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
        CHECK(next_check_in(k_settings, input, static_cast<std::uint64_t>(ceiling.count()) - 1) == ceiling - Millis{1});
        for (const auto chance : k_chances) {
            CHECK(next_check_in(k_settings, input, chance) < ceiling);
        }
    }
}

TEST_CASE("Back-off spreads devices over the whole range") {
    std::mt19937_64 random(2);
    ScheduleInput input;
    input.failures = 2;
    std::array<int, 20> minutes{};
    for (int device = 0; device < 10'000; ++device) {
        ++minutes.at(static_cast<std::size_t>(next_check_in(k_settings, input, random()).count() / 60'000));
    }
    CHECK(*std::min_element(minutes.begin(), minutes.end()) > 400);  // 500 on average
    CHECK(*std::max_element(minutes.begin(), minutes.end()) < 600);
}

TEST_CASE("Retry-After is kept, with up to a tenth more, and an hour at most") {
    ScheduleInput input;
    input.failures = 3;
    input.retry_after = Seconds{100};
    for (const auto chance : k_chances) {
        CHECK(next_check_in(k_settings, input, chance) >= Seconds{100});
        CHECK(next_check_in(k_settings, input, chance) < Seconds{110});
    }
    input.retry_after = Seconds{INT64_MAX};
    CHECK(next_check_in(k_settings, input, UINT64_MAX) < Seconds{3960});
    input.retry_after = Seconds{0};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
}

TEST_CASE("After a finished job the next check-in is at once, but not while the manager fails") {
    ScheduleInput input;
    input.drain = true;
    CHECK(next_check_in(k_settings, input, UINT64_MAX) == Millis{0});
    input.failures = 1;
    CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
}
