// SPDX-License-Identifier: Apache-2.0
// Owns the tests of TextView and of what takes one.
#include "agent/base/text_view.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "agent/base/concat.h"

namespace hagent {
namespace {

std::string taken(TextView text) { return std::string(text.view()); }

TEST_CASE("a text view has the bytes of what it was made from") {
    const std::string small = "small";
    const std::string large(100, 'x');
    CHECK(taken("literal") == "literal");
    CHECK(taken(std::string_view("a\0b", 3)) == std::string_view("a\0b", 3));
    CHECK(taken(small) == small);
    CHECK(taken(large) == large);
    CHECK(taken(std::string(40, 'y')) == std::string(40, 'y'));
    CHECK(taken(std::string()).empty());
    CHECK(taken({}).empty());
    CHECK(std::string_view(TextView(small)) == small);
}

TEST_CASE("a text is put together out of parts of each kind") {
    const std::string part = "b";
    CHECK(concat({"a", part, std::string_view("c"), std::string("d"), {}}) == "abcd");
    CHECK(concat({}).empty());
}

}  // namespace
}  // namespace hagent
