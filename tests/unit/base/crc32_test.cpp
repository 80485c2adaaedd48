// SPDX-License-Identifier: Apache-2.0
// Owns the tests of crc32().
#include "agent/base/crc32.h"

#include <doctest/doctest.h>

#include <string>

namespace hagent {
namespace {

TEST_CASE("the standard's check value and known sums come out") {
    CHECK(crc32("123456789") == 0xCBF43926U);
    CHECK(crc32("") == 0U);
    CHECK(crc32("a") == 0xE8B7BE43U);
    CHECK(crc32(std::string_view("\0\0\0\0", 4)) == 0x2144DF1CU);
    CHECK(crc32("\xFF\xFF\xFF\xFF") == 0xFFFFFFFFU);
}

TEST_CASE("a sum goes on from an earlier one") { CHECK(crc32("6789", crc32("12345")) == crc32("123456789")); }

TEST_CASE("one flipped bit anywhere changes the sum") {
    const std::string text = "journal record";
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        std::string other = text;
        other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
        CHECK(crc32(other) != crc32(text));
    }
}

}  // namespace
}  // namespace hagent
