// SPDX-License-Identifier: Apache-2.0
// Owns the tests of concat().
#include "agent/base/concat.h"

#include <doctest/doctest.h>

#include <string>

namespace hagent {
namespace {

TEST_CASE("the parts of a text stand one after the other, whatever they are made of") {
    const std::string name = "vmlinuz";
    CHECK(concat({"file '", name, "' has ", std::to_string(42), " bytes", std::string_view(&name[2], 1)}) ==
          "file 'vmlinuz' has 42 bytesl");
}

TEST_CASE("nothing put together is an empty text") {
    CHECK(concat({}).empty());
    CHECK(concat({"", std::string(), std::string_view()}).empty());
}

TEST_CASE("zero bytes are kept") {
    CHECK(concat({std::string_view("a\0b", 3), std::string_view("\0", 1)}).size() == 4);
}

}  // namespace
}  // namespace hagent
