// SPDX-License-Identifier: Apache-2.0
// Owns what paths.h promises on every system.
#include "platform/paths.h"

#include <doctest/doctest.h>

#include "platform/files.h"
#include "tests/fakes/rooted.h"

namespace hagent {
namespace {

using fakes::rooted;

TEST_CASE("the default places are absolute and apart") {
    const std::vector<std::string> places = {platform::default_config_file(), platform::default_state_directory(),
                                             platform::default_keys_directory(), platform::default_hooks_directory()};
    for (std::size_t i = 0; i < places.size(); ++i) {
        CHECK(platform::is_absolute(places[i]));
        for (std::size_t j = 0; j < i; ++j) {
            CHECK_FALSE(platform::same_path(places[i], places[j]));
        }
    }
}

TEST_CASE("this program's own file exists") {
    const auto info = platform::system_files()->info(platform::own_program());
    REQUIRE(info.ok());
    CHECK(info->has_value());
}

TEST_CASE("absolute folds dots and keeps what is absolute") {
    const std::string here = platform::absolute(".");
    CHECK(platform::is_absolute(here));
    CHECK(platform::absolute("a/./b/../c") == platform::absolute("a/c"));
    CHECK(platform::absolute(here) == here);
    CHECK(platform::absolute(here + "/x/..") == here);
    CHECK(platform::absolute(rooted("/x") + "/..") == rooted("/"));  // with the separator: "C:" is another place
    CHECK_FALSE(platform::is_absolute("a/b"));
    CHECK_FALSE(platform::is_absolute(""));
}

TEST_CASE("spellings of the same path have one in common, others do not") {
    for (const char* other : {"/a/B", "/A/b", "\\a\\b", "/a/c", "/a/b"}) {
        CAPTURE(other);
        CHECK((platform::common_spelling("/a/b") == platform::common_spelling(other)) ==
              platform::same_path("/a/b", other));
    }
}

TEST_CASE("a variable that is not set is empty") { CHECK(platform::environment("HAGENT_NO_SUCH_VARIABLE").empty()); }

}  // namespace
}  // namespace hagent
