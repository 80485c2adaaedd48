// SPDX-License-Identifier: Apache-2.0
// Owns the tests of how often triggers get through, and what 10,000 of them cause.
#include "agent/manager/trigger_gate.h"

#include "tests/unit/manager/check_in_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;

TEST_CASE("One trigger a second gets through, whoever sends it") {
    TriggerGate gate;
    Uptime now{Seconds{5}};
    CHECK(gate.pass("192.0.2.1", now));
    CHECK_FALSE(gate.pass("192.0.2.1", now));
    CHECK_FALSE(gate.pass("192.0.2.2", now + Millis{999}));
    CHECK(gate.pass("192.0.2.2", now + Millis{1000}));
}

TEST_CASE("One source gets twelve a minute, and others are served meanwhile") {
    TriggerGate gate;
    unsigned noisy = 0, quiet = 0;
    for (int second = 0; second < 60; ++second) {
        const Uptime now{Seconds{second + 1}};
        noisy += gate.pass("192.0.2.1", now) ? 1U : 0U;
        quiet += second % 10 == 9 && gate.pass("192.0.2.2", now + Millis{1}) ? 1U : 0U;
    }
    CHECK(noisy == 12);
    CHECK(quiet == 5);  // one came within the second of the noisy one
    CHECK(gate.pass("192.0.2.1", Uptime{Seconds{70}}));
}

TEST_CASE("Ten thousand triggers in ten seconds from many sources cause ten check-ins") {
    Fixture b;
    b.check_in->start();
    TriggerGate gate;
    const auto before = b.caller.urls.size();
    for (int i = 0; i < 10'000; ++i) {
        if (gate.pass("192.0.2." + std::to_string(i % 250), b.clock.uptime())) {
            b.check_in->check_in_now();
        }
        if (b.caller.waits()) {
            b.answer();
        }
        b.timers.advance(Millis{1});
    }
    CHECK(b.caller.urls.size() - before <= 11);
    CHECK(b.caller.urls.size() - before >= 9);
    CHECK(b.timers.size() <= 1);
}
