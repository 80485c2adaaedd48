// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform/dialog.h that can be kept without anybody at the screen, over the machine's dialogs and
// the fake.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/fakes/fake_dialogs.h"

namespace hagent {
namespace {

struct RealDialogs {
    std::unique_ptr<platform::Dialogs> owner = platform::system_dialogs();
    platform::Dialogs& dialogs = *owner;
};

struct FakeDialogsUnderTest {
    fakes::FakeDialogs owner;
    platform::Dialogs& dialogs = owner;
};

TEST_CASE_TEMPLATE("a question that is cancelled already is not waited for", T, RealDialogs, FakeDialogsUnderTest) {
    T t;
    CancelToken cancel;
    cancel.request();
    const auto began = std::chrono::steady_clock::now();
    const auto answer = t.dialogs.ask("now?", Seconds{600}, cancel);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().is(errors::AgentCode::cancelled));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(60));
}

TEST_CASE_TEMPLATE("taking back what was never told is success", T, RealDialogs, FakeDialogsUnderTest) {
    T t;
    CHECK(t.dialogs.take_back().ok());
}

}  // namespace
}  // namespace hagent
