// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform/clock.h, checked over the machine's clock and FakeClock.
#include <doctest/doctest.h>

#include <thread>

#include "platform/clock.h"
#include "tests/fakes/fake_clock.h"

namespace hagent {
namespace {

using fakes::FakeClock;
using platform::SystemClock;

#define BOTH SystemClock, FakeClock

TEST_CASE_TEMPLATE("uptime never goes back", T, BOTH) {
    T clock;
    Uptime last = clock.uptime();
    for (int i = 0; i < 1000; ++i) {
        const Uptime now = clock.uptime();
        REQUIRE(now >= last);
        last = now;
    }
}

TEST_CASE_TEMPLATE("the time since the machine's start goes on as the uptime does", T, BOTH) {
    T clock;
    const CancelToken cancel;
    const Uptime up = clock.uptime(), booted = clock.since_boot();
    CHECK(booted > Uptime{});
    CHECK_FALSE(clock.wait(Millis{20}, cancel));
    const Millis gone = clock.uptime() - up;
    CHECK(clock.since_boot() - booted >= Millis{4});  // Windows counts in steps of 16 ms
    CHECK(clock.since_boot() - booted <= gone + Millis{5000});
}

TEST_CASE("another start of the fake machine begins at nothing") {
    FakeClock clock;
    const Uptime up = clock.uptime();
    clock.restart();
    CHECK(clock.since_boot() == Uptime{});
    CHECK(clock.uptime() == up);
    clock.advance(Millis{7});
    CHECK(clock.since_boot() == Uptime{Millis{7}});
}

TEST_CASE_TEMPLATE("the wall clock shows a plausible date", T, BOTH) {
    T clock;
    CHECK(rfc3339(clock.wall()) > "2025-01-01T00:00:00Z");
    CHECK(rfc3339(clock.wall()) < "2100-01-01T00:00:00Z");
}

TEST_CASE_TEMPLATE("a wait lasts at least as long as asked and is not cancelled by itself", T, BOTH) {
    T clock;
    const CancelToken cancel;
    const Uptime start = clock.uptime();
    CHECK_FALSE(clock.wait(Millis{20}, cancel));
    CHECK(clock.uptime() - start >= Millis{20});
    CHECK_FALSE(clock.wait(Millis{0}, cancel));
}

TEST_CASE_TEMPLATE("a cancelled wait returns at once, however long it is", T, BOTH) {
    T clock;
    CancelToken cancel;
    cancel.request();
    const Uptime start = clock.uptime();
    CHECK(clock.wait(Millis::max(), cancel));
    CHECK(clock.uptime() - start < Millis{5000});
}

TEST_CASE("another thread ends a wait of the machine's clock") {
    SystemClock clock;
    CancelToken cancel;
    const Uptime start = clock.uptime();
    std::thread other([&] { cancel.request(); });
    CHECK(clock.wait(Millis::max(), cancel));
    other.join();
    CHECK(clock.uptime() - start < Millis{5000});
}

TEST_CASE("the fake clock turns by waits and by hand only, and notes waits") {
    FakeClock clock;
    CancelToken cancel;
    const Uptime start = clock.uptime();
    const WallTime wall = clock.wall();
    CHECK(rfc3339(wall) == "2026-01-01T00:00:00Z");
    CHECK_FALSE(clock.wait(Millis{500}, cancel));
    clock.advance(Millis{1500});
    CHECK(clock.uptime() - start == Millis{2000});
    CHECK(clock.wall().since_epoch - wall.since_epoch == Millis{2000});
    clock.set_wall(WallTime{});
    CHECK(clock.uptime() - start == Millis{2000});
    clock.on_wait = [&](Millis) { cancel.request(); };
    CHECK(clock.wait(Millis{7}, cancel));
    CHECK(clock.uptime() - start == Millis{2000});
    CHECK(clock.waits() == std::vector{Millis{500}, Millis{7}});
}

}  // namespace
}  // namespace hagent
