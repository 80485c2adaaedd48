// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the board: what is current, what is recent, and readers on other threads.
#include "agent/status/board.h"

#include <doctest/doctest.h>

#include <thread>

#include "agent/base/limits.h"

namespace hagent::status {
namespace {

session::SessionRecord record(const std::string& id, bool ended = false) {
    session::SessionRecord out;
    out.id = id;
    if (ended) {
        out.phase = session::Phase::completed;
        out.ended = WallTime{Millis{1}};
    }
    return out;
}

TEST_CASE("a session is current until it ends, then the newest of the recent ones") {
    Board board;
    CHECK(board.current() == nullptr);
    CHECK(board.recent().empty());
    board.publish(record("1"));
    REQUIRE(board.current() != nullptr);
    CHECK(board.current()->id == "1");
    CHECK(board.find("1") == board.current());
    board.publish(record("1", true));
    CHECK(board.current() == nullptr);
    board.publish(record("2", true));
    board.publish(record("2", true));
    REQUIRE(board.recent().size() == 2);
    CHECK(board.recent()[0]->id == "2");
    CHECK(board.find("1") != nullptr);
    CHECK(board.find("3") == nullptr);
    CHECK(board.version() == 4);
}

TEST_CASE("the end of another session leaves the current one where it is") {
    Board board;
    board.publish(record("2"));
    board.publish(record("1", true));
    REQUIRE(board.current() != nullptr);
    CHECK(board.current()->id == "2");
}

TEST_CASE(
    "a session that rests until it is tried again lets another one be the current one, and is shown all the time") {
    Board board;
    auto resting = record("1");
    board.publish(resting);
    resting.try_again = WallTime{Millis{5}};
    board.publish(resting);
    CHECK(board.current() == nullptr);
    board.publish(record("2"));
    CHECK(board.current()->id == "2");
    REQUIRE(board.find("1") != nullptr);
    CHECK(board.find("1")->try_again.has_value());
    resting.try_again.reset();
    board.publish(record("2", true));
    board.publish(resting);
    CHECK(board.current()->id == "1");
    CHECK(board.recent().size() == 1);
}

TEST_CASE("the recent ones are bounded, the oldest goes first") {
    Board board;
    for (std::size_t i = 0; i < limits::k_kept_sessions + 5; ++i) {
        board.publish(record(std::to_string(i), true));
    }
    CHECK(board.recent().size() == limits::k_kept_sessions);
    CHECK(board.find("0") == nullptr);
    CHECK(board.find("5") != nullptr);
}

TEST_CASE("a reader keeps what it has taken while the next state is published on another thread") {
    Board board;
    board.publish(record("1"));
    const auto taken = board.current();
    std::thread writer([&] {
        for (int i = 0; i < 1000; ++i) {
            auto next = record("1");
            next.package = std::string(100, 'x');
            board.publish(next);
        }
        board.publish(record("1", true));
    });
    std::uint64_t last = 0;
    while (last < 1002) {
        const auto version = board.version();
        CHECK(version >= last);
        last = version;
        if (const auto now = board.current()) {
            CHECK((now->package.empty() || now->package.size() == 100));
        }
        (void)board.recent();
    }
    writer.join();
    CHECK(taken->package.empty());
    CHECK(board.current() == nullptr);
}

}  // namespace
}  // namespace hagent::status
