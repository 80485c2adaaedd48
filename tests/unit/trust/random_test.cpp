// SPDX-License-Identifier: Apache-2.0
// Owns the tests of random bytes.
#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "agent/trust/random.h"

using namespace hagent;
using namespace hagent::trust;

TEST_CASE("random numbers do not repeat, neither within an object nor between two") {
    std::set<std::uint64_t> seen;
    for (int object = 0; object < 2; ++object) {
        Random random = Random::create().value();
        for (int i = 0; i < 500; ++i) {
            seen.insert(random.u64().value());
        }
    }
    CHECK(seen.size() == 1000);
    CHECK(random_u64().value() != random_u64().value());
}

TEST_CASE("long requests are filled to the end") {
    Random random = Random::create().value();
    std::vector<std::uint8_t> bytes(5000);
    REQUIRE(random.fill(bytes).ok());
    std::set<std::uint8_t> tail(bytes.end() - 500, bytes.end());
    CHECK(tail.size() > 100);
    CHECK(random.hex(16).value().size() == 32);
}
