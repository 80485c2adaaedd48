// SPDX-License-Identifier: Apache-2.0
// Owns the tests of CancelToken.
#include "agent/base/cancel.h"

#include <doctest/doctest.h>

#include <thread>

namespace hagent {
namespace {

TEST_CASE("a token is not requested until somebody asks, and stays so") {
    CancelToken token;
    CHECK_FALSE(token.requested());
    CHECK_FALSE(token.wait(Millis{0}));
    token.request();
    token.request();
    CHECK(token.requested());
    CHECK(token.wait(Millis{0}));
}

TEST_CASE("a waiting thread wakes up when another one asks") {
    CancelToken token;
    std::thread other([&] { token.request(); });
    CHECK(token.wait(Millis{60'000}));
    other.join();
}

}  // namespace
}  // namespace hagent
