// SPDX-License-Identifier: Apache-2.0
// Owns the test that message boxes and questions come to an end on this machine, whether anybody sits at it or not.
#include "platform/dialog.h"

#include <doctest/doctest.h>

#include <chrono>

namespace hagent {
namespace {

TEST_CASE("a message is shown without waiting, a question is over when its time is") {
    const auto dialogs = platform::system_dialogs();
    const auto began = std::chrono::steady_clock::now();
    CHECK(dialogs->tell("The test of hagent shows this for a second.", Seconds{1}).ok());
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
    const auto answer = dialogs->ask("The test of hagent asks this for a second.", Seconds{1}, CancelToken());
    INFO((answer.ok() ? 0U : answer.error().os));
    REQUIRE(answer.ok());
    CHECK(*answer == platform::Answer::none);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(60));
    CHECK(dialogs->take_back().ok());
}

}  // namespace
}  // namespace hagent
