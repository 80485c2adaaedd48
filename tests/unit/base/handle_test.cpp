// SPDX-License-Identifier: Apache-2.0
// Owns the tests of UniqueHandle.
#include "agent/base/handle.h"

#include <doctest/doctest.h>

#include <vector>

namespace hagent {
namespace {

struct Pool {
    std::vector<int> closed;
};

struct Ticket {
    Pool* pool = nullptr;
    int number = 0;
    friend bool operator==(const Ticket&, const Ticket&) = default;
};

struct TicketTraits {
    using Value = Ticket;
    static Value none() { return {}; }
    static void close(Value value) { value.pool->closed.push_back(value.number); }
};

using Handle = UniqueHandle<TicketTraits>;

TEST_CASE("a handle closes what it owns exactly once") {
    Pool pool;
    {
        const Handle handle(Ticket{&pool, 1});
        CHECK(static_cast<bool>(handle));
        const Handle empty;
        CHECK_FALSE(static_cast<bool>(empty));
    }
    CHECK(pool.closed == std::vector{1});
}

TEST_CASE("moving hands the duty over, and assignment closes the old one") {
    Pool pool;
    {
        Handle first(Ticket{&pool, 1});
        Handle second(std::move(first));
        CHECK(second.get().number == 1);
        Handle third(Ticket{&pool, 3});
        third = std::move(second);
        CHECK(pool.closed == std::vector{3});
    }
    CHECK(pool.closed == std::vector{3, 1});
}

TEST_CASE("release gives up without closing, reset closes and takes the next") {
    Pool pool;
    Handle handle(Ticket{&pool, 1});
    handle.reset(Ticket{&pool, 2});
    CHECK(pool.closed == std::vector{1});
    CHECK(handle.release().number == 2);
    handle.reset();
    CHECK(pool.closed == std::vector{1});
}

}  // namespace
}  // namespace hagent
