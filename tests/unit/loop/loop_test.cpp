// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the event loop: timers, sockets, messages from other threads, and callbacks that change all of it.
#include "agent/loop/loop.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "platform/socket.h"
#include "tests/fakes/fake_clock.h"

namespace hagent::loop {
namespace {

struct Fixture {
    /// Runs until the loop is stopped; a loop that hangs is ended by ctest's time limit.
    void run() {
        loop->run([this] { ++wakes; });
    }
    void at(int ms, std::string name, bool last = false) {
        loop->after(Millis{ms}, [this, name, last] {
            seen.push_back(name);
            if (last) {
                loop->stop();
            }
        });
    }

    fakes::FakeClock clock;
    std::unique_ptr<Loop> loop = std::move(Loop::create(clock)).value();
    std::vector<std::string> seen;
    int wakes = 0;
};

struct Pair {
    Pair() {
        auto listener = platform::listen("127.0.0.1", 0);
        REQUIRE(listener.ok());
        auto connected = platform::connect("127.0.0.1", (*listener)->port());
        REQUIRE(connected.ok());
        near = std::move(connected).value();
        REQUIRE(platform::wait_readable((*listener)->id(), 10000).value_or(false));
        auto accepted = (*listener)->accept();
        REQUIRE(accepted.ok());
        REQUIRE(accepted->has_value());
        far = std::move(**accepted);
    }
    std::unique_ptr<platform::Stream> near, far;
};

TEST_CASE("timers come in the order of their times, equal ones in the order in which they were set") {
    Fixture fixture;
    fixture.at(30, "c");
    fixture.at(10, "a1");
    fixture.at(10, "a2");
    fixture.at(20, "b");
    fixture.at(40, "end", true);
    fixture.clock.advance(Millis{100});
    fixture.run();
    CHECK(fixture.seen == std::vector<std::string>{"a1", "a2", "b", "c", "end"});
}

TEST_CASE("a timer is not due before its time, and comes once") {
    Fixture fixture;
    fixture.at(100, "late");
    fixture.clock.advance(Millis{99});
    fixture.loop->post([&] { fixture.loop->stop(); });
    fixture.run();
    CHECK(fixture.seen.empty());
}

TEST_CASE("a wall clock that jumps moves no timer") {
    Fixture fixture;
    fixture.at(1000, "late");
    fixture.clock.set_wall(WallTime{Millis{4'000'000'000'000}});
    fixture.loop->post([&] { fixture.loop->stop(); });
    fixture.run();
    CHECK(fixture.seen.empty());
}

TEST_CASE("a callback may cancel timers, also those that are due with it, and set new ones") {
    Fixture fixture;
    TimerId second = 0, cancelled = 0;
    fixture.loop->after(Millis{1}, [&] {
        fixture.seen.push_back("first");
        fixture.loop->cancel(second);
        fixture.at(0, "new", true);
    });
    second = fixture.loop->after(Millis{2}, [&] { fixture.seen.push_back("second"); });
    cancelled = fixture.loop->after(Millis{1}, [&] { fixture.seen.push_back("cancelled"); });
    fixture.loop->cancel(cancelled);
    fixture.loop->cancel(cancelled);
    fixture.loop->cancel(999);
    fixture.at(3, "third");
    fixture.clock.advance(Millis{10});
    fixture.run();
    CHECK(fixture.seen == std::vector<std::string>{"first", "third", "new"});
}

TEST_CASE("a timer that sets itself again without delay lets the others have their turn") {
    Fixture fixture;
    int turns = 0;
    std::function<void()> again = [&] {
        if (++turns == 3) {
            fixture.loop->post([&] { fixture.loop->stop(); });  // comes before the fourth turn, which is the last
        }
        REQUIRE(turns < 100);  // the clock stands still: a loop that serves only timers never ends
        fixture.loop->after(Millis{0}, again);
    };
    fixture.loop->after(Millis{0}, again);
    fixture.run();
    CHECK(turns <= 4);
}

TEST_CASE("work is posted from other threads and runs on the loop's thread, each once and in order") {
    Fixture fixture;
    constexpr int k_each = 200;
    std::array<std::vector<int>, 3> got;
    int all = 0;
    const auto own = std::this_thread::get_id();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < got.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < k_each; ++i) {
                fixture.loop->post([&, t, i] {
                    CHECK(std::this_thread::get_id() == own);
                    got[t].push_back(i);
                    if (++all == k_each * static_cast<int>(got.size())) {
                        fixture.loop->stop();
                    }
                });
            }
        });
    }
    fixture.run();
    for (auto& thread : threads) {
        thread.join();
    }
    for (const auto& list : got) {
        REQUIRE(list.size() == k_each);
        CHECK(std::is_sorted(list.begin(), list.end()));
    }
}

TEST_CASE("posted work may post, and runs in the next round") {
    Fixture fixture;
    fixture.loop->post([&] {
        fixture.seen.push_back("one");
        fixture.loop->post([&] {
            fixture.seen.push_back("two");
            fixture.loop->stop();
        });
    });
    fixture.run();
    CHECK(fixture.seen == std::vector<std::string>{"one", "two"});
}

TEST_CASE("stop ends run from any thread, also before it began") {
    Fixture fixture;
    SUBCASE("from another thread") {
        std::thread other([&] { fixture.loop->stop(); });
        fixture.run();
        other.join();
    }
    SUBCASE("before") {
        fixture.loop->stop();
        fixture.run();
    }
}

TEST_CASE("every wake is seen by the one who looks for flags") {
    Fixture fixture;
    fixture.loop->wake();
    fixture.loop->run([&] { fixture.loop->stop(); });
}

TEST_CASE("a socket is told when it can be read, and again as long as something is left") {
    Fixture fixture;
    Pair pair;
    int calls = 0;
    std::string read;
    fixture.loop->watch(pair.near->id(), {true, false}, [&](Interest ready) {
        ++calls;
        CHECK(ready.read);
        CHECK_FALSE(ready.write);
        if (calls == 2) {
            std::array<char, 8> buffer{};
            const auto got = pair.near->read(buffer);
            REQUIRE(got.ok());
            read.assign(buffer.data(), got->value_or(0));
            fixture.loop->stop();
        }
    });
    REQUIRE(pair.far->write("hello").ok());
    fixture.run();
    CHECK(calls == 2);
    CHECK(read == "hello");
}

TEST_CASE("interest can be changed, taken away, and taken away by the callback itself") {
    Fixture fixture;
    Pair pair;
    fixture.loop->watch(pair.near->id(), {true, false}, [&](Interest ready) {
        CHECK(ready.write);
        CHECK_FALSE(ready.read);
        fixture.seen.push_back("near");
        fixture.loop->unwatch(pair.near->id());
        fixture.loop->post([&] { fixture.loop->stop(); });
    });
    fixture.loop->set_interest(pair.near->id(), {false, true});
    fixture.loop->set_interest(pair.far->id(), {true, true});  // not watched: nothing happens
    fixture.loop->unwatch(pair.far->id());
    fixture.run();
    CHECK(fixture.seen == std::vector<std::string>{"near"});
}

TEST_CASE("of two sockets that are ready together, one may take the other away before its turn") {
    Fixture fixture;
    Pair pair;
    REQUIRE(pair.near->write("a").ok());
    REQUIRE(pair.far->write("b").ok());
    REQUIRE(platform::wait_readable(pair.near->id(), 10000).value_or(false));
    REQUIRE(platform::wait_readable(pair.far->id(), 10000).value_or(false));
    int calls = 0;
    const auto first_wins = [&](Interest) {
        ++calls;
        fixture.loop->unwatch(pair.near->id());
        fixture.loop->unwatch(pair.far->id());
        fixture.loop->post([&] { fixture.loop->stop(); });
    };
    fixture.loop->watch(pair.near->id(), {true, false}, first_wins);
    fixture.loop->watch(pair.far->id(), {true, false}, first_wins);
    fixture.run();
    CHECK(calls == 1);
}

TEST_CASE("a callback may watch more sockets") {
    Fixture fixture;
    Pair first, second;
    REQUIRE(first.far->write("a").ok());
    REQUIRE(second.far->write("b").ok());
    fixture.loop->watch(first.near->id(), {true, false}, [&](Interest) {
        fixture.seen.push_back("first");
        fixture.loop->unwatch(first.near->id());
        fixture.loop->watch(second.near->id(), {true, false}, [&](Interest) {
            fixture.seen.push_back("second");
            fixture.loop->stop();
        });
    });
    fixture.run();
    CHECK(fixture.seen == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a peer that goes away makes a socket ready, whatever is waited for") {
    for (const bool write : {false, true}) {
        CAPTURE(write);
        Fixture fixture;
        Pair pair;
        REQUIRE(pair.near->write("unread, so that closing resets").ok());
        REQUIRE(platform::wait_readable(pair.far->id(), 10000).value_or(false));
        pair.far.reset();
        fixture.loop->watch(pair.near->id(), {!write, write}, [&](Interest ready) {
            CHECK((ready.read || ready.write));
            fixture.loop->stop();
        });
        fixture.run();
    }
}

}  // namespace
}  // namespace hagent::loop
