// SPDX-License-Identifier: Apache-2.0
// Owns the tests of Result, Error and TRY.
#include "agent/base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace hagent {
namespace {

using errors::AgentCode;

Result<int> half(int number) {
    if (number % 2 != 0) {
        return error(AgentCode::bad_argument, std::to_string(number));
    }
    return number / 2;
}

Result<int> quarter(int number) {
    const int first = TRY(half(number));
    return TRY(half(first));
}

Status check_quarter(int number) {
    (void)TRY(quarter(number));
    return {};
}

Result<std::string> described(int number) {
    TRY(check_quarter(number));
    return std::string("fine");
}

TEST_CASE("a result holds a value or an error") {
    CHECK(half(4).ok());
    CHECK(half(4).value() == 2);
    CHECK_FALSE(half(3).ok());
    CHECK(half(3).error().is(AgentCode::bad_argument));
    CHECK(half(3).value_or(9) == 9);
    CHECK(half(4).value_or(9) == 2);
}

TEST_CASE("TRY gives the value or passes the error on, also between result types") {
    CHECK(quarter(8).value() == 2);
    CHECK(quarter(6).error().context == "3");
    CHECK(check_quarter(8).ok());
    CHECK(described(8).value() == "fine");
    CHECK(described(5).error().context == "5");
}

TEST_CASE("TRY moves values that cannot be copied") {
    const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
    const auto pass = [&]() -> Result<std::unique_ptr<int>> {
        auto value = TRY(make());
        *value += 1;
        return value;
    };
    CHECK(*pass().value() == 8);
}

TEST_CASE("an error gathers where it came from") {
    CHECK(error(AgentCode::io_error).with("disk").context == "disk");
    CHECK(error(AgentCode::io_error, "sector 7").with("disk").with("journal").context == "journal: disk: sector 7");
    CHECK(error(errors::ftp(550)).id == errors::ftp(550));
}

TEST_CASE("the same number of two protocols is two codes") {
    CHECK_FALSE(errors::ftp(503) == errors::http(503));
    CHECK(errors::http(503) == errors::http(503));
}

}  // namespace
}  // namespace hagent
