// SPDX-License-Identifier: Apache-2.0
// Owns the tests of Result, Error and TRY.
#include "agent/base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
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

/// Counts those that live, to see that each begun one is ended once.
struct Counted {
    explicit Counted(int& count) : live(&count) { ++*live; }
    Counted(const Counted& other) : live(other.live) { ++*live; }
    Counted(Counted&& other) noexcept : live(other.live) { ++*live; }
    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&&) = default;
    ~Counted() { --*live; }
    int* live;
};

TEST_CASE("a success costs the value and one pointer, a failure that pointer only") {
    CHECK(sizeof(Status) == sizeof(void*));
    CHECK(sizeof(Result<void*>) == 2 * sizeof(void*));
}

TEST_CASE("values are ended once, also where a failure takes their place or gives way to one") {
    int live = 0;
    {
        Result<Counted> value = Counted(live);
        CHECK(live == 1);
        Result<Counted> copy = value;
        CHECK(live == 2);
        copy = error(AgentCode::io_error, "gone");
        CHECK(live == 1);
        CHECK(copy.error().context == "gone");
        copy = value;
        CHECK(live == 2);
        const Result<Counted> moved = std::move(value);
        CHECK(live == 3);  // what was moved from is still a value
        CHECK(value.ok());
        auto& same = copy;
        copy = std::move(same);
        CHECK(copy.ok());
        CHECK(live == 3);
    }
    CHECK(live == 0);
}

TEST_CASE("a copied failure is an error of its own") {
    Result<int> first = error(AgentCode::io_error, "disk");
    const Result<int> second = first;
    first.error().context = "other";
    CHECK(second.error().context == "disk");
    Status third = Error(second.error());
    const Status fourth = third;
    CHECK(fourth.error().is(AgentCode::io_error));
}

TEST_CASE("a failure that was moved out of is still no success") {
    Result<std::string> result = error(AgentCode::io_error, "disk");
    const Result<std::string> taken = std::move(result);
    CHECK_FALSE(result.ok());
    CHECK(taken.error().context == "disk");
    Status status = error(AgentCode::io_error, "disk");
    const Failure failure = std::move(status).failure();
    CHECK_FALSE(status.ok());
    const Status copy = status;
    CHECK_FALSE(copy.ok());
    CHECK(failure.error().context == "disk");
    status = {};
    CHECK(status.ok());
    const Status fine = std::move(status);
    CHECK(status.ok());
    CHECK(fine.ok());
}

TEST_CASE("a failure is an Error wherever one is asked for") {
    const Error kept = error(AgentCode::io_error, "disk");
    CHECK(kept.context == "disk");
    std::optional<Error> perhaps;
    perhaps = error(AgentCode::busy);
    CHECK(perhaps->is(AgentCode::busy));
    const Status numbered = Failure{errors::agent(AgentCode::os_error), 5, "disk"};
    CHECK(numbered.error().os == 5);
}

TEST_CASE("an error gathers where it came from") {
    CHECK(error(AgentCode::io_error).with("disk").error().context == "disk");
    CHECK(error(AgentCode::io_error, "sector 7").with("disk").with("journal").error().context ==
          "journal: disk: sector 7");
    CHECK(error(errors::ftp(550)).error().id == errors::ftp(550));
}

TEST_CASE("the same number of two protocols is two codes") {
    CHECK_FALSE(errors::ftp(503) == errors::http(503));
    CHECK(errors::http(503) == errors::http(503));
}

}  // namespace
}  // namespace hagent
