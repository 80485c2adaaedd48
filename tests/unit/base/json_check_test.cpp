// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the check before JSON is parsed.
#include <doctest/doctest.h>

#include "agent/base/json_check.h"

using namespace hagent;

namespace {

JsonFault fault(std::string_view text, JsonComments comments = JsonComments::refused) {
    const auto found = find_json_fault(text, comments, 4);
    REQUIRE(found);
    return *found;
}

}  // namespace

TEST_CASE("JSON without fault passes") {
    for (const char* text : {"{}", "null", "[1, -2.5, \"x\"]", R"({"a": {"b": [[1]]}, "c": {"b": 1}})"}) {
        CHECK_FALSE(find_json_fault(text, JsonComments::refused, 4));
    }
    CHECK_FALSE(find_json_fault("// c\n{/* c */}", JsonComments::allowed));
}

TEST_CASE("a syntax fault has its place") {
    CHECK(fault("{\n  \"a\": 1,\n  \"b\": x\n}") == JsonFault{JsonFault::Kind::syntax, 3, 8, ""});
    CHECK(fault("") == JsonFault{JsonFault::Kind::syntax, 1, 1, ""});
    CHECK(fault("{}\n}").line == 2);
    CHECK(fault("// c\n{}").kind == JsonFault::Kind::syntax);
    CHECK(fault("\"\xFF\"").kind == JsonFault::Kind::syntax);
    CHECK(fault("1e999").kind == JsonFault::Kind::syntax);
}

TEST_CASE("a repeated member is named by its path") {
    CHECK(fault(R"({"a": [0, {"b": 1, "c": 2, "b": 3}]})") == JsonFault{JsonFault::Kind::repeated_member, 0, 0, "a[1].b"});
}

TEST_CASE("nesting beyond the limit is refused where it begins") {
    CHECK(fault("[[[[[1]]]]]").kind == JsonFault::Kind::too_deep);
    CHECK(fault(R"({"a": [{"b": [[1]]}]})").path == "a[0].b[0]");
    CHECK(fault(std::string(1000000, '[')).kind == JsonFault::Kind::too_deep);
}
