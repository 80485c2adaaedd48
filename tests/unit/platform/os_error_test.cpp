// SPDX-License-Identifier: Apache-2.0
// Owns what the error mapping promises on every system.
#include "platform/os_error.h"

#include <doctest/doctest.h>

#include "platform/paths.h"

namespace hagent {
namespace {

using errors::AgentCode;

TEST_CASE("an unknown number becomes os_error and keeps number and context") {
    for (const Error& error :
         {platform::file_error(987654, "here").error(), platform::socket_error(987654, "here").error()}) {
        CHECK(error.is(AgentCode::os_error));
        CHECK(error.os == 987654);
        CHECK(error.context.starts_with("here"));
    }
}

TEST_CASE("what no row of ours says is told with the system's number") {
    const auto context = platform::file_error(987654, "here").error().context;
    CHECK(context.find("os-987654") != std::string::npos);
}

TEST_CASE("a missing file has the same number everywhere") {
    CHECK(platform::file_error(2, "").error().is(AgentCode::file_not_found));
}

TEST_CASE("an unknown resolver result is a failure that does not go away") {
    CHECK(platform::resolver_error(987654, "").error().id == errors::resolver(11003));
}

}  // namespace
}  // namespace hagent
