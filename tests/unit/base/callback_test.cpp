// SPDX-License-Identifier: Apache-2.0
// Owns the tests of Callback.
#include "agent/base/callback.h"

#include <doctest/doctest.h>

#include <csetjmp>
#include <csignal>
#include <memory>
#include <string>

namespace hagent {
namespace {

std::jmp_buf& way_back() {
    static std::jmp_buf place;
    return place;
}

/// Whether calling it runs into abort().
bool aborts(const Callback<void()>& callback) {
    const auto before = std::signal(SIGABRT, [](int) { std::longjmp(way_back(), 1); });
    const bool aborted = setjmp(way_back()) != 0;
    if (!aborted) {
        callback();
    }
    std::signal(SIGABRT, before);
    return aborted;
}

TEST_CASE("a callback calls what it holds, with arguments and a result") {
    int calls = 0;
    const Callback<int(int, const std::string&)> add = [&calls](int a, const std::string& text) {
        ++calls;
        return a + static_cast<int>(text.size());
    };
    CHECK(add(1, "four") == 5);
    CHECK(add(2, "") == 2);
    CHECK(calls == 2);
}

TEST_CASE("a callback takes what can only be moved, as itself and as an argument") {
    Callback<std::unique_ptr<int>(std::unique_ptr<int>)> pass = [kept =
                                                                     std::make_unique<int>(1)](std::unique_ptr<int> n) {
        *n += *kept;
        return n;
    };
    CHECK(*pass(std::make_unique<int>(2)) == 3);
}

TEST_CASE("a callable keeps its state, and its result may be dropped") {
    Callback<void()> count;
    int last = 0;
    count = [n = 0, &last]() mutable { return last = ++n; };
    count();
    count();
    CHECK(last == 2);
}

TEST_CASE("moving hands the callable on and leaves none behind") {
    const auto alive = std::make_shared<int>(0);
    Callback<void()> first = [alive] { ++*alive; };
    CHECK(alive.use_count() == 2);
    Callback<void()> second = std::move(first);
    CHECK_FALSE(first);
    REQUIRE(second);
    second();
    CHECK(*alive == 1);
    second = Callback<void()>([] {});
    CHECK(alive.use_count() == 1);
    second = nullptr;
    CHECK_FALSE(second);
    CHECK_FALSE(Callback<void()>());
}

TEST_CASE("a callback may be replaced while it is called") {
    Callback<void()> self;
    int calls = 0;
    self = [&] {
        ++calls;
        self = [&calls] { calls += 10; };
    };
    Callback<void()> running = std::move(self);
    running();
    self();
    CHECK(calls == 11);
}

TEST_CASE("calling an empty callback aborts") {
    CHECK_FALSE(aborts([] {}));
    CHECK(aborts({}));
}

}  // namespace
}  // namespace hagent
