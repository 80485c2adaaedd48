// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what a whole fleet on this schedule asks of its manager.
#include "tests/bench/fleet/fleet.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

using namespace hagent;
using namespace hagent::bench;

namespace {

constexpr std::size_t k_devices = 10'000;
constexpr std::uint64_t k_fleets = 10;
constexpr double k_goal = 1.2;  // of the mean over the spread window

/// The busiest second of the spread window against its mean.
double first_peak(std::vector<std::string> ids, Seconds spread) {
    Fleet fleet;
    fleet.ids = std::move(ids);
    fleet.schedule = {Seconds{24 * 3600}, spread};  // nobody comes a second time meanwhile
    const auto counts = check_ins(fleet, spread);
    REQUIRE(std::accumulate(counts.begin(), counts.end(), 0U) == k_devices);
    return load(counts, 0, counts.size()).ratio();
}

Fleet one_delivery(std::uint64_t seed) {
    Fleet fleet;
    fleet.ids = addresses(0x0080'6410'0000, 1, k_devices);
    fleet.seed = seed;
    return fleet;
}

}  // namespace

TEST_CASE("Ten thousand devices of one delivery, switched on at once: no second has more than 1.2 times the mean") {
    for (std::uint64_t i = 0; i < k_fleets; ++i) {
        CAPTURE(i);
        for (const auto spread : {Seconds{30}, Seconds{60}, Seconds{120}, Seconds{300}}) {
            CAPTURE(spread.count());
            CHECK(first_peak(addresses(0x0080'6400'0000 + i * 0x1'2345, 1, k_devices), spread) <= k_goal);
        }
        CHECK(first_peak(addresses(0x0080'6400'0000 + i * 0x1'2345, 2, k_devices), Seconds{60}) <= k_goal);
    }
}

TEST_CASE("The same for five deliveries with devices missing, and for names that count up") {
    for (std::uint64_t seed = 1; seed <= k_fleets; ++seed) {
        CAPTURE(seed);
        CHECK(first_peak(mixed_addresses(seed, 2, 3, k_devices), Seconds{60}) <= k_goal);
    }
    for (const auto spread : {Seconds{30}, Seconds{60}, Seconds{120}}) {
        CAPTURE(spread.count());
        CHECK(first_peak(names(k_devices), spread) <= k_goal);
    }
}

TEST_CASE("Ids without any order are spread as by chance") {
    for (std::uint64_t seed = 1; seed <= k_fleets; ++seed) {
        CAPTURE(seed);
        CHECK(first_peak(random_addresses(seed, k_devices), Seconds{60}) < 1.4);  // 5 standard deviations
    }
}

TEST_CASE("Devices that were switched on together are out of step after forty minutes") {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        CAPTURE(seed);
        const auto counts = check_ins(one_delivery(seed), Seconds{6000});
        CHECK(load(counts, 2400, 6000, 30).ratio() <= k_goal);  // in single seconds chance alone is above
        CHECK(load(counts, 60, 6000).peak <= 10'000.0 / 60);    // never again as busy as in the first minute
    }
}

TEST_CASE("A manager that comes back after an hour is not run down") {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        CAPTURE(seed);
        const auto counts = check_ins(one_delivery(seed), Seconds{3 * 3600}, {Seconds{3600}, Seconds{7200}});
        const double usual = load(counts, 2700, 3600).mean;
        const auto while_away = load(counts, 5400, 7200, 10);
        CHECK(while_away.mean < usual / 4);
        const auto back = load(counts, 7200, 3 * 3600, 10);
        CHECK(back.peak < 1.5 * usual);
        CHECK(load(counts, 7200, 7200 + 60).mean < usual / 2);             // nobody waits at the door
        CHECK(load(counts, 3 * 3600 - 600, 3 * 3600).mean > 0.9 * usual);  // all are back within the hour
    }
}
