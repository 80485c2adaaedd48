// SPDX-License-Identifier: Apache-2.0
// Owns the tests of reading JSON: what is refused and where, and what the views show.
#include <doctest/doctest.h>

#include "agent/base/json.h"
#include "agent/base/json_writer.h"

using namespace hagent;

namespace {

JsonFault fault(std::string_view text, JsonComments comments = JsonComments::refused) {
    const JsonDocument document(text, comments, 4);
    REQUIRE(document.fault());
    CHECK_FALSE(document.root().exists());
    return *document.fault();
}

JsonDocument parsed(std::string_view text) {
    JsonDocument document(text);
    REQUIRE_FALSE(document.fault());
    return document;
}

std::string rewritten(const JsonDocument& document) {
    JsonWriter out;
    document.root().write(out);
    return out.take();
}

}  // namespace

TEST_CASE("JSON without fault passes") {
    for (const char* text : {"{}", "null", "[1, -2.5, \"x\"]", R"({"a": {"b": [[1]]}, "c": {"b": 1}})"}) {
        CHECK_FALSE(JsonDocument(text, JsonComments::refused, 4).fault());
    }
    CHECK_FALSE(JsonDocument("// c\n{/* c */}", JsonComments::allowed).fault());
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
    CHECK(fault(R"({"a": [0, {"b": 1, "c": 2, "b": 3}]})") ==
          JsonFault{JsonFault::Kind::repeated_member, 0, 0, "a[1].b"});
    CHECK(fault(R"({"a": 1, "\u0061": 2})").path == "a");
}

TEST_CASE("nesting beyond the limit is refused where it begins") {
    CHECK(fault("[[[[[1]]]]]").kind == JsonFault::Kind::too_deep);
    CHECK(fault(R"({"a": [{"b": [[1]]}]})").path == "a[0].b[0]");
    CHECK(fault(R"([[], {"a": {"b": {"c": {}}}}])").path == "[1].a.b.c");
    CHECK(fault(std::string(1000000, '[')).kind == JsonFault::Kind::too_deep);
}

TEST_CASE("a view shows each type as what it is and as nothing else") {
    const auto document =
        parsed(R"({"n": null, "t": true, "f": false, "u": 18446744073709551615, "i": -5, "d": 1.5, "s": "x\u00e4",
                                     "a": [1, [2, 3], {}], "o": {"k": {"z": 1}, "l": 2}})");
    const JsonView root = document.root();
    CHECK(root.is_object());
    CHECK(root.size() == 9);
    CHECK(root.find("n").is_null());
    CHECK(root.find("t").boolean() == true);
    CHECK(root.find("f").boolean() == false);
    CHECK(root.find("u").whole() == UINT64_MAX);
    CHECK_FALSE(root.find("u").integer());
    CHECK_FALSE(root.find("u").whole(100));
    CHECK(root.find("i").integer() == -5);
    CHECK_FALSE(root.find("i").whole());
    CHECK(root.find("i").is_integer());
    CHECK_FALSE(root.find("d").is_integer());
    CHECK_FALSE(root.find("d").whole());
    CHECK(root.find("s").text() == "x\xC3\xA4");
    CHECK_FALSE(root.find("s").boolean());
    CHECK_FALSE(root.find("t").text());
    CHECK(root.find("a").is_array());
    CHECK(root.find("o").find("k").find("z").whole() == 1);
    CHECK(root.find("o").find("l").whole() == 2);
    CHECK_FALSE(root.find("z").exists());
    CHECK_FALSE(root.find("a").find("k").exists());
}

TEST_CASE("iteration goes over a container's own values, and over none of anything else") {
    const auto document = parsed(R"({"a": [1, [2, 3], {"x": 4}], "b": {}, "c": 5})");
    std::string names;
    for (const JsonView member : document.root()) {
        names += member.name();
    }
    CHECK(names == "abc");
    const JsonView list = document.root().find("a");
    std::size_t count = 0;
    for (const JsonView item : list) {
        CHECK(item.name().empty());
        ++count;
    }
    CHECK(count == 3);
    CHECK(list.size() == 3);
    for (const JsonView none : {document.root().find("b"), document.root().find("c"), JsonView()}) {
        CHECK(none.size() == 0);
        CHECK(none.begin() == none.end());
    }
}

TEST_CASE("views stay good when the document moves") {
    JsonDocument first("\"x\"");
    const JsonView view = first.root();
    const JsonDocument second = std::move(first);
    CHECK(view.text() == "x");
    CHECK(second.root().text() == "x");
}

TEST_CASE("a document that is written again says the same, in the same order") {
    CHECK(rewritten(parsed(" { \"b\" : [ 1 , -2, 2.50e1, null, true, [], {} ], \"a\" : \"\\u00e4\\/\" } ")) ==
          "{\"b\":[1,-2,2.50e1,null,true,[],{}],\"a\":\"\xC3\xA4/\"}");
}
