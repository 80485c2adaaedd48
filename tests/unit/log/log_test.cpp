// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the log's fan-out.
#include <doctest/doctest.h>

#include <thread>

#include "agent/log/log.h"
#include "agent/log/ring.h"
#include "tests/fakes/fake_clock.h"

using namespace hagent;
using namespace hagent::log;

TEST_CASE("every sink gets every record from its own adding to its removal") {
    fakes::FakeClock clock;
    Log log(clock);
    Ring first, second;
    log.add(first);
    log.info("a", "one");
    log.add(second);
    log.info("a", "two", {{"k", "v"}});
    log.remove(first);
    log.info("a", "three");
    REQUIRE(first.since(0).size() == 2);
    REQUIRE(second.since(0).size() == 2);
    CHECK(first.since(0)[1].record.message == "two");
    CHECK(first.since(0)[1].record.fields[0].value == "v");
    CHECK(first.since(0)[1].record.time == clock.wall());
    CHECK(second.since(0)[1].record.message == "three");
}

TEST_CASE("records below the level are dropped") {
    fakes::FakeClock clock;
    Log log(clock, Level::warning);
    Ring ring;
    log.add(ring);
    log.debug("a", "d");
    log.info("a", "i");
    log.warning("a", "w");
    log.error("a", "e");
    CHECK(ring.last_seq() == 2);
    log.set_level(Level::debug);
    CHECK(log.enabled(Level::debug));
    log.debug("a", "d");
    CHECK(ring.last_seq() == 3);
}

TEST_CASE("records of two threads all arrive, each whole") {
    constexpr int k_each = 500;
    fakes::FakeClock clock;
    Log log(clock);
    Ring ring(2 * k_each);
    log.add(ring);
    const auto write = [&log](const char* area) {
        for (int i = 0; i < k_each; ++i) {
            log.info(area, "message", {{"n", std::to_string(i)}});
        }
    };
    std::thread other(write, "b");
    write("a");
    other.join();
    int next_a = 0, next_b = 0;
    for (const auto& entry : ring.since(0)) {
        int& next = entry.record.area == "a" ? next_a : next_b;
        CHECK(entry.record.fields[0].value == std::to_string(next++));
    }
    CHECK(next_a == k_each);
    CHECK(next_b == k_each);
}
