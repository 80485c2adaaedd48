// SPDX-License-Identifier: Apache-2.0
// Owns the tests of number parsing.
#include "agent/base/number.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>
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

TEST_CASE("fits_double is false where strtod says infinity") {
    for (const char* text : {"0",
                             "-0.0",
                             "1",
                             "-1.5",
                             "0.0001e312",
                             "1e308",
                             "1e309",
                             "-1e309",
                             "1.7976931348623157e308",
                             "1E+308",
                             "1e999",
                             "1.7976931348623158e308",
                             "1.797693134862315808e308",
                             "0.17976931348623159e309",
                             "17976931348623157e292",
                             "0e999",
                             "17976931348623159e292",
                             "0.00000000001e319",
                             "0.00000000001e320",
                             "1e-999",
                             "1e99999999999999999999",
                             "1e-99999999999999999999",
                             "0.000e99999999999999999999"}) {
        CAPTURE(std::string(text));
        CHECK(fits_double(text) == std::isfinite(std::strtod(text, nullptr)));
    }
    for (const std::size_t zeros : {300U, 307U, 308U, 309U, 400U}) {
        const std::string text = '1' + std::string(zeros, '0');
        CAPTURE(zeros);
        CHECK(fits_double(text) == (zeros <= 308));
        CHECK(fits_double(text + ".5e-100"));
        CHECK(fits_double("0." + std::string(zeros, '0') + "1e308"));
    }
    std::mt19937 random(1);
    for (int i = 0; i < 20000; ++i) {
        const std::string text = std::to_string(random()) + '.' + std::to_string(random()) + 'e' +
                                 (random() % 2 == 0 ? "" : "+") + std::to_string(295 + random() % 10);
        CAPTURE(text);
        REQUIRE(fits_double(text) == std::isfinite(std::strtod(text.c_str(), nullptr)));
    }
}

TEST_CASE("narrow keeps values that fit") {
    CHECK(narrow<std::uint8_t>(255) == 255);
    CHECK(narrow<std::int64_t>(std::uint64_t{7}) == 7);
}

}  // namespace
}  // namespace hagent
