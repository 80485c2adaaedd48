// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what the program says about its libraries.
#include "agent/base/libraries.h"

#include <doctest/doctest.h>

#include <string>

#include "agent/base/json.h"

namespace hagent {
namespace {

TEST_CASE("the table of libraries is JSON, and its columns agree with each other and with the text") {
    const JsonDocument document("[" + std::string(libraries_json()) + "]");
    REQUIRE_FALSE(document.fault());
    bool curl = false, all_patched = true, something_missing = false;
    for (const auto library : document.root()) {
        const auto name = library.find("name").text(), lacks = library.find("lacks").text();
        const auto patched = library.find("patched").boolean();
        REQUIRE((name && lacks && patched && library.find("version").text() && library.find("patches").text()));
        CHECK_MESSAGE((*patched || !lacks->empty()), *name);
        curl = curl || *name == "curl";
        all_patched = all_patched && *patched;
        something_missing = something_missing || !lacks->empty();
        CHECK(*name != "doctest");  // it is in no binary that ships
    }
    CHECK(curl);
    CHECK(libraries_patched() == all_patched);
    CHECK(missing_patches_text().empty() == !something_missing);
}

}  // namespace
}  // namespace hagent
