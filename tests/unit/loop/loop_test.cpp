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

struct Bench {
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
    Bench bench;
    bench.at(30, "c");
    bench.at(10, "a1");
    bench.at(10, "a2");
    bench.at(20, "b");
    bench.at(40, "end", true);
    bench.clock.advance(Millis{100});
    bench.run();
    CHECK(bench.seen == std::vector<std::string>{"a1", "a2", "b", "c", "end"});
}

TEST_CASE("a timer is not due before its time, and comes once") {
    Bench bench;
    bench.at(100, "late");
    bench.clock.advance(Millis{99});
    bench.loop->post([&] { bench.loop->stop(); });
    bench.run();
    CHECK(bench.seen.empty());
}

TEST_CASE("a wall clock that jumps moves no timer") {
    Bench bench;
    bench.at(1000, "late");
    bench.clock.set_wall(WallTime{Millis{4'000'000'000'000}});
    bench.loop->post([&] { bench.loop->stop(); });
    bench.run();
    CHECK(bench.seen.empty());
}

TEST_CASE("a callback may cancel timers, also those that are due with it, and set new ones") {
    Bench bench;
    TimerId second = 0, cancelled = 0;
    bench.loop->after(Millis{1}, [&] {
        bench.seen.push_back("first");
        bench.loop->cancel(second);
        bench.at(0, "new", true);
    });
    second = bench.loop->after(Millis{2}, [&] { bench.seen.push_back("second"); });
    cancelled = bench.loop->after(Millis{1}, [&] { bench.seen.push_back("cancelled"); });
    bench.loop->cancel(cancelled);
    bench.loop->cancel(cancelled);
    bench.loop->cancel(999);
    bench.at(3, "third");
    bench.clock.advance(Millis{10});
    bench.run();
    CHECK(bench.seen == std::vector<std::string>{"first", "third", "new"});
}

TEST_CASE("a timer that sets itself again without delay lets the others have their turn") {
    Bench bench;
    int turns = 0;
    std::function<void()> again = [&] {
        if (++turns == 3) {
            bench.loop->post([&] { bench.loop->stop(); });  // comes before the fourth turn, which is the last
        }
        REQUIRE(turns < 100);  // the clock stands still: a loop that serves only timers never ends
        bench.loop->after(Millis{0}, again);
    };
    bench.loop->after(Millis{0}, again);
    bench.run();
    CHECK(turns <= 4);
}

TEST_CASE("work is posted from other threads and runs on the loop's thread, each once and in order") {
    Bench bench;
    constexpr int k_each = 200;
    std::array<std::vector<int>, 3> got;
    int all = 0;
    const auto own = std::this_thread::get_id();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < got.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < k_each; ++i) {
                bench.loop->post([&, t, i] {
                    CHECK(std::this_thread::get_id() == own);
                    got[t].push_back(i);
                    if (++all == k_each * static_cast<int>(got.size())) {
                        bench.loop->stop();
                    }
                });
            }
        });
    }
    bench.run();
    for (auto& thread : threads) {
        thread.join();
    }
    for (const auto& list : got) {
        REQUIRE(list.size() == k_each);
        CHECK(std::is_sorted(list.begin(), list.end()));
    }
}

TEST_CASE("posted work may post, and runs in the next round") {
    Bench bench;
    bench.loop->post([&] {
        bench.seen.push_back("one");
        bench.loop->post([&] {
            bench.seen.push_back("two");
            bench.loop->stop();
        });
    });
    bench.run();
    CHECK(bench.seen == std::vector<std::string>{"one", "two"});
}

TEST_CASE("stop ends run from any thread, also before it began") {
    Bench bench;
    SUBCASE("from another thread") {
        std::thread other([&] { bench.loop->stop(); });
        bench.run();
        other.join();
    }
    SUBCASE("before") {
        bench.loop->stop();
        bench.run();
    }
}

TEST_CASE("every wake is seen by the one who looks for flags") {
    Bench bench;
    bench.loop->wake();
    bench.loop->run([&] { bench.loop->stop(); });
}

TEST_CASE("a socket is told when it can be read, and again as long as something is left") {
    Bench bench;
    Pair pair;
    int calls = 0;
    std::string read;
    bench.loop->watch(pair.near->id(), {true, false}, [&](Interest ready) {
        ++calls;
        CHECK(ready.read);
        CHECK_FALSE(ready.write);
        if (calls == 2) {
            std::array<char, 8> buffer{};
            const auto got = pair.near->read(buffer);
            REQUIRE(got.ok());
            read.assign(buffer.data(), got->value_or(0));
            bench.loop->stop();
        }
    });
    REQUIRE(pair.far->write("hello").ok());
    bench.run();
    CHECK(calls == 2);
    CHECK(read == "hello");
}

TEST_CASE("interest can be changed, taken away, and taken away by the callback itself") {
    Bench bench;
    Pair pair;
    bench.loop->watch(pair.near->id(), {true, false}, [&](Interest ready) {
        CHECK(ready.write);
        CHECK_FALSE(ready.read);
        bench.seen.push_back("near");
        bench.loop->unwatch(pair.near->id());
        bench.loop->post([&] { bench.loop->stop(); });
    });
    bench.loop->set_interest(pair.near->id(), {false, true});
    bench.loop->set_interest(pair.far->id(), {true, true});  // not watched: nothing happens
    bench.loop->unwatch(pair.far->id());
    bench.run();
    CHECK(bench.seen == std::vector<std::string>{"near"});
}

TEST_CASE("of two sockets that are ready together, one may take the other away before its turn") {
    Bench bench;
    Pair pair;
    REQUIRE(pair.near->write("a").ok());
    REQUIRE(pair.far->write("b").ok());
    REQUIRE(platform::wait_readable(pair.near->id(), 10000).value_or(false));
    REQUIRE(platform::wait_readable(pair.far->id(), 10000).value_or(false));
    int calls = 0;
    const auto first_wins = [&](Interest) {
        ++calls;
        bench.loop->unwatch(pair.near->id());
        bench.loop->unwatch(pair.far->id());
        bench.loop->post([&] { bench.loop->stop(); });
    };
    bench.loop->watch(pair.near->id(), {true, false}, first_wins);
    bench.loop->watch(pair.far->id(), {true, false}, first_wins);
    bench.run();
    CHECK(calls == 1);
}

TEST_CASE("a callback may watch more sockets") {
    Bench bench;
    Pair first, second;
    REQUIRE(first.far->write("a").ok());
    REQUIRE(second.far->write("b").ok());
    bench.loop->watch(first.near->id(), {true, false}, [&](Interest) {
        bench.seen.push_back("first");
        bench.loop->unwatch(first.near->id());
        bench.loop->watch(second.near->id(), {true, false}, [&](Interest) {
            bench.seen.push_back("second");
            bench.loop->stop();
        });
    });
    bench.run();
    CHECK(bench.seen == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a peer that goes away makes a socket ready, whatever is waited for") {
    for (const bool write : {false, true}) {
        CAPTURE(write);
        Bench bench;
        Pair pair;
        REQUIRE(pair.near->write("unread, so that closing resets").ok());
        REQUIRE(platform::wait_readable(pair.far->id(), 10000).value_or(false));
        pair.far.reset();
        bench.loop->watch(pair.near->id(), {!write, write}, [&](Interest ready) {
            CHECK((ready.read || ready.write));
            bench.loop->stop();
        });
        bench.run();
    }
}

}  // namespace
}  // namespace hagent::loop
