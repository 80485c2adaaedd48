// SPDX-License-Identifier: Apache-2.0
// Owns the tests of user look-up against the machine's own files.
#include "platform/posix/accounts.h"

#include <doctest/doctest.h>

namespace hagent {
namespace {

using errors::AgentCode;

TEST_CASE("root is user 0 with group 0 first") {
    const auto root = platform::find_account("root");
    REQUIRE(root.ok());
    CHECK(root->user == 0);
    CHECK(root->group == 0);
    REQUIRE_FALSE(root->groups.empty());
    CHECK(root->groups.front() == 0);
}

TEST_CASE("names that are no user are refused") {
    for (const char* name : {"no-such-user", "", "roo", "root:x", "ROOT"}) {
        CAPTURE(std::string(name));
        const auto account = platform::find_account(name);
        REQUIRE_FALSE(account.ok());
        CHECK(account.error().is(AgentCode::bad_argument));
    }
}

}  // namespace
}  // namespace hagent
