// SPDX-License-Identifier: Apache-2.0
// Owns the tests of number parsing.
#include "agent/base/number.h"

#include <doctest/doctest.h>

#include <string>

namespace hagent {
namespace {

TEST_CASE("parse_u64 takes decimal digits and nothing else") {
    CHECK(parse_u64("0") == 0U);
    CHECK(parse_u64("007") == 7U);
    CHECK(parse_u64("18446744073709551615") == UINT64_MAX);
    for (const char* text :
         {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "a", "18446744073709551616", "99999999999999999999999"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_u64(text).has_value());
    }
}

TEST_CASE("parse_u64 keeps to the maximum") {
    CHECK(parse_u64("65535", 65535) == 65535U);
    CHECK_FALSE(parse_u64("65536", 65535).has_value());
}

TEST_CASE("parse_size knows K, M and G as powers of 1024") {
    CHECK(parse_size("5") == 5U);
    CHECK(parse_size("1k") == 1024U);
    CHECK(parse_size("2M") == 2U << 20U);
    CHECK(parse_size("3g") == std::uint64_t{3} << 30U);
    CHECK(parse_size("17179869183G") == std::uint64_t{17179869183} << 30U);
    for (const char* text : {"", "k", "1T", "1 k", "-1k", "1kk", "17179869184G"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_size(text).has_value());
    }
}

TEST_CASE("narrow keeps values that fit") {
    CHECK(narrow<std::uint8_t>(255) == 255);
    CHECK(narrow<std::int64_t>(std::uint64_t{7}) == 7);
}

}  // namespace
}  // namespace hagent
