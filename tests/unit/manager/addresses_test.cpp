// SPDX-License-Identifier: Apache-2.0
// Owns the tests of fail-over between a manager's addresses.
#include "agent/manager/addresses.h"

#include <doctest/doctest.h>

using namespace hagent;
using namespace hagent::manager;

namespace {

constexpr Uptime at(Seconds since_start) { return {since_start}; }

}  // namespace

TEST_CASE("Each address is tried once; then it is the first one's turn again") {
    Addresses addresses({"a", "b", "c"});
    CHECK(addresses.several());
    CHECK(addresses.current() == "a");
    CHECK(addresses.fail(at(Seconds{1})));
    CHECK(addresses.current() == "b");
    CHECK(addresses.fail(at(Seconds{1})));
    CHECK(addresses.current() == "c");
    CHECK_FALSE(addresses.fail(at(Seconds{1})));
    CHECK(addresses.current() == "a");
    CHECK(addresses.fail(at(Seconds{2})));  // and so on
    CHECK(addresses.current() == "b");
}

TEST_CASE("A single address stays whatever happens") {
    Addresses addresses({"a"});
    CHECK_FALSE(addresses.several());
    CHECK_FALSE(addresses.fail(at(Seconds{1})));
    CHECK(addresses.current() == "a");
}

TEST_CASE("An address that answers is kept, and ten minutes after the first was left that is preferred again") {
    Addresses addresses({"a", "b"});
    REQUIRE(addresses.fail(at(Seconds{100})));
    addresses.succeed();
    addresses.begin(at(Seconds{699}));
    CHECK(addresses.current() == "b");
    addresses.begin(at(Seconds{700}));
    CHECK(addresses.current() == "a");
    addresses.succeed();
    addresses.begin(at(Seconds{5'000}));
    CHECK(addresses.current() == "a");
}

TEST_CASE("In the middle of a fail-over nobody goes back to the first, however long it takes") {
    Addresses addresses({"a", "b", "c"});
    REQUIRE(addresses.fail(at(Seconds{100})));
    addresses.begin(at(Seconds{900}));
    CHECK(addresses.current() == "b");
}

TEST_CASE("A manager that asks for patience is kept, and the failures before it count no more") {
    Addresses addresses({"a", "b"});
    REQUIRE(addresses.fail(at(Seconds{100})));
    addresses.keep();
    CHECK(addresses.current() == "b");
    CHECK(addresses.fail(at(Seconds{200})));
    CHECK(addresses.current() == "a");
}

TEST_CASE("A report that found nobody moves on without counting as a failed check-in") {
    Addresses addresses({"a", "b"});
    addresses.next(at(Seconds{1}));
    CHECK(addresses.current() == "b");
    addresses.next(at(Seconds{2}));
    CHECK(addresses.current() == "a");
    CHECK(addresses.fail(at(Seconds{3})));
}
