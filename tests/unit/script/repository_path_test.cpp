// SPDX-License-Identifier: Apache-2.0
// Owns the tests of repository paths and wildcards.
#include <doctest/doctest.h>

#include "agent/script/repository_path.h"

namespace hagent::script {
namespace {

TEST_CASE("the package's root is named by <regroot> or not at all") {
    for (const char* text :
         {"fw/kernel", "<regroot>/fw/kernel", "<REGROOT>\\fw\\kernel", "<regroot>fw//kernel", "//fw/kernel/"}) {
        CHECK(repository_path(text).value() == "fw/kernel");
    }
    CHECK(repository_path("<regroot>").value().empty());
    CHECK(repository_path("").value().empty());
}

TEST_CASE("a repository path cannot lead upwards") {
    for (const char* text : {"../x", "<regroot>/../x", "a/../b", "a\\..\\b", "./a", ".."}) {
        const auto path = repository_path(text);
        REQUIRE(!path.ok());
        CHECK(path.error().is(errors::AgentCode::path_refused));
    }
}

TEST_CASE("wildcards stay within a folder") {
    CHECK(matches("*", "a"));
    CHECK(matches("fw/*.bin", "fw/a.bin"));
    CHECK(matches("fw/*.bin", "fw/.bin"));
    CHECK(matches("f?/a*c*e", "fw/abcde"));
    CHECK(matches("a**b", "ab"));
    CHECK(matches("", ""));
    CHECK_FALSE(matches("fw/*", "fw/sub/a"));
    CHECK_FALSE(matches("fw?a", "fw/a"));
    CHECK_FALSE(matches("*", "a/b"));
    CHECK_FALSE(matches("fw/*.bin", "fw/a.bin2"));
    CHECK_FALSE(matches("a", "ab"));
    CHECK_FALSE(matches("ab", "a"));
}

TEST_CASE("a pattern made to be slow is not") {
    std::string pattern;
    for (int i = 0; i < 200; ++i) {
        pattern += "*a";
    }
    CHECK_FALSE(matches(pattern + "b", std::string(900, 'a')));
}

}  // namespace
}  // namespace hagent::script
