// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the ring.
#include <doctest/doctest.h>

#include "agent/log/ring.h"

using namespace hagent;
using namespace hagent::log;

TEST_CASE("the ring keeps the newest records with numbers that go on") {
    Ring ring(3);
    CHECK(ring.last_seq() == 0);
    CHECK(ring.since(0).empty());
    for (const char* message : {"1", "2", "3", "4", "5"}) {
        ring.write({Level::info, {}, "a", message, {}});
    }
    const auto all = ring.since(0);
    REQUIRE(all.size() == 3);
    CHECK(all.front().seq == 3);
    CHECK(all.front().record.message == "3");
    CHECK(ring.last_seq() == 5);
    REQUIRE(ring.since(4).size() == 1);
    CHECK(ring.since(4).front().record.message == "5");
    CHECK(ring.since(2).size() == 3);
    CHECK(ring.since(3).size() == 2);
    CHECK(ring.since(5).empty());
    CHECK(ring.since(99).empty());
}
