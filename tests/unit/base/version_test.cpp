// SPDX-License-Identifier: Apache-2.0
// Owns the tests of version order.
#include "agent/base/version.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

namespace hagent {
namespace {

TEST_CASE("parts are compared by value, not by letters") {
    CHECK(compare_versions("1.10", "1.9") > 0);
    CHECK(compare_versions("1.2.3", "1.2.3") == 0);
    CHECK(compare_versions("1.02", "1.2") == 0);
    CHECK(compare_versions("2", "10") < 0);
}

TEST_CASE("missing parts count as zero") {
    CHECK(compare_versions("1", "1.0.0.0") == 0);
    CHECK(compare_versions("1", "1.0.1") < 0);
    CHECK(compare_versions("", "0") == 0);
    CHECK(compare_versions("1..2", "1.0.2") == 0);
}

TEST_CASE("parts that are no numbers are compared byte by byte") {
    CHECK(compare_versions("1.a", "1.b") < 0);
    CHECK(compare_versions("1.B", "1.a") < 0);
    CHECK(compare_versions("1.2b", "1.2a") > 0);
    CHECK(compare_versions("99999999999999999999999", "5") > 0);
}

TEST_CASE("the order is the reverse when the sides change") {
    for (const auto& [a, b] : {std::pair{"1.0", "1.1"}, {"1.a", "1.1"}, {"", "1"}, {"3", "3.0.0.1"}}) {
        CHECK((compare_versions(a, b) < 0) == (compare_versions(b, a) > 0));
    }
}

TEST_CASE("the order goes round in no circle") {
    const std::string_view rising[] = {"0", "0.0.1", "0.a", "a", "1", "1.0.b", "1-rc", "1a", "2", "2.0b", "10", "10a"};
    for (std::size_t i = 0; i < std::size(rising); ++i) {
        for (std::size_t j = 0; j < std::size(rising); ++j) {
            CHECK((compare_versions(rising[i], rising[j]) <=> 0) == (i <=> j));
        }
    }
}

TEST_CASE("this agent's version has four numbers") {
    const auto version = agent_version();
    CHECK(std::count(version.begin(), version.end(), '.') == 3);
    CHECK(version.find_first_not_of("0123456789.") == std::string_view::npos);
}

TEST_CASE("a release is three or four plain numbers") {
    CHECK(parse_release("1.2.3.4") == Release{{1, 2, 3, 4}});
    CHECK(parse_release("0.10.0") == Release{{0, 10, 0, 0}});
    CHECK(parse_release("4294967295.0.0.0").has_value());
    for (const std::string_view text :
         {"", "1", "1.2", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.x", "v1.2.3", "1.2.-3", "1.2.+3", " 1.2.3",
          "1.2.3 ", "01.2.3", "1.2.00", "4294967296.0.0", "1.2.3/../4"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_release(text));
    }
}

TEST_CASE("only the first three numbers decide which release is newer") {
    const Release own{{1, 9, 9, 5}};
    CHECK(compare_release({{1, 9, 9, 5}}, own) == Newer::same);
    CHECK(compare_release({{1, 9, 9, 6}}, own) == Newer::same);
    CHECK(compare_release({{1, 9, 9, 0}}, own) == Newer::same);
    CHECK(compare_release({{1, 9, 10, 0}}, own) == Newer::newer);
    CHECK(compare_release({{1, 10, 0, 0}}, own) == Newer::newer);
    CHECK(compare_release({{2, 0, 0, 0}}, own) == Newer::newer);
    CHECK(compare_release({{1, 9, 8, 9}}, own) == Newer::older);
    CHECK(compare_release({{0, 10, 10, 9}}, own) == Newer::older);
}

}  // namespace
}  // namespace hagent
