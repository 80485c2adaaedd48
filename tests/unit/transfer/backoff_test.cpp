// SPDX-License-Identifier: Apache-2.0
// Owns the tests of waits.
#include "agent/transfer/backoff.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"

using namespace hagent;
using namespace hagent::transfer;

namespace {
const Random k_most = [] { return UINT64_MAX; };
Millis widest(unsigned failures, Millis base, Millis cap) {
    Millis most{0};
    for (std::uint64_t i = 0; i < 4000; ++i) {
        most = std::max(most, backoff(failures, base, cap, [i] { return i; }));
    }
    return most;
}
}  // namespace

TEST_CASE("the span doubles with every failure and ends at the cap") {
    CHECK(widest(1, Millis(100), Millis(1500)) == Millis(100));
    CHECK(widest(2, Millis(100), Millis(1500)) == Millis(200));
    CHECK(widest(4, Millis(100), Millis(1500)) == Millis(800));
    CHECK(widest(5, Millis(100), Millis(1500)) == Millis(1500));
    CHECK(widest(4000000000U, Millis(100), Millis(1500)) == Millis(1500));
}

TEST_CASE("full jitter reaches down to no wait at all") {
    CHECK(backoff(3, Millis(100), Millis(1000), [] { return std::uint64_t{0}; }) == Millis(0));
}

TEST_CASE("a cap below the base wins and odd settings do not overflow") {
    CHECK(widest(1, Millis(5000), Millis(10)) == Millis(10));
    CHECK(backoff(1, Millis(0), Millis(0), k_most) == Millis(0));
    CHECK(backoff(100, Millis(0), Millis(1000), k_most) == Millis(0));
    CHECK(backoff(100, Millis(INT64_MAX / 2), Millis(INT64_MAX - 1), k_most) >= Millis(0));
}

TEST_CASE("the server's wish wins but not for ever") {
    CHECK(next_wait(Seconds(7), 9, Millis(1), Millis(1), k_most) == Millis(7000));
    CHECK(next_wait(Seconds(0), 9, Millis(1000), Millis(1000), k_most) == Millis(0));
    CHECK(next_wait(Seconds(1000000), 1, Millis(1), Millis(1), k_most) ==
          Millis(limits::k_retry_after_cap_seconds * 1000));
    CHECK(next_wait(std::nullopt, 1, Millis(0), Millis(0), k_most) == Millis(0));
}
