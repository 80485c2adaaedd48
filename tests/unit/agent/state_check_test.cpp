// SPDX-License-Identifier: Apache-2.0
// Owns the test of what is told of damaged notes of images; that of all other files is in state_flip_test.
#include "agent/state_check.h"

#include <doctest/doctest.h>

#include "agent/image/notes.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/rooted.h"

namespace hagent {
namespace {

using fakes::rooted;

TEST_CASE("notes of images that cannot be read are told, and kept when new ones are made") {
    fakes::FakeFiles files;
    files.put_directory("/state");
    const config::StatePaths paths(rooted("/state"));
    const std::size_t without = damage_of(files, paths).size();
    REQUIRE(image::save_notes(files, paths.images(), {}).ok());
    CHECK(damage_of(files, paths).size() == without);
    files.put("/state/images.json", R"({"format":1,"versions":{"A")");
    REQUIRE(damage_of(files, paths).size() == without + 1);
    CHECK(damage_of(files, paths).back() == "damaged: " + paths.images());
    REQUIRE(image::save_notes(files, paths.images(), {}).ok());
    REQUIRE(damage_of(files, paths).size() == without + 1);
    CHECK(damage_of(files, paths).back().find("images.json.damaged: was damaged on ") != std::string::npos);
    CHECK(files.content("/state/images.json.damaged") == R"({"format":1,"versions":{"A")");
}

}  // namespace
}  // namespace hagent
