// SPDX-License-Identifier: Apache-2.0
// Owns the tests of dates as text.
#include "agent/base/time.h"

#include <doctest/doctest.h>

#include <string>

namespace hagent {
namespace {

WallTime at(std::int64_t seconds) { return {Seconds{seconds}}; }

TEST_CASE("rfc3339 shows whole seconds of every century") {
    CHECK(rfc3339(at(0)) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339(at(784111777)) == "1994-11-06T08:49:37Z");
    CHECK(rfc3339(at(2147483648)) == "2038-01-19T03:14:08Z");
    CHECK(rfc3339(at(4294967296)) == "2106-02-07T06:28:16Z");
    CHECK(rfc3339(at(951782400)) == "2000-02-29T00:00:00Z");
    CHECK(rfc3339(at(253402300799)) == "9999-12-31T23:59:59Z");
}

TEST_CASE("rfc3339 rounds down, also before 1970") {
    CHECK(rfc3339({Millis{999}}) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339({Millis{-1}}) == "1969-12-31T23:59:59Z");
}

TEST_CASE("parse_rfc3339 takes Z, offsets and fractions") {
    CHECK(parse_rfc3339("1994-11-06T08:49:37Z") == at(784111777));
    CHECK(parse_rfc3339("1994-11-06t08:49:37z") == at(784111777));
    CHECK(parse_rfc3339("1994-11-06T09:49:37+01:00") == at(784111777));
    CHECK(parse_rfc3339("1994-11-05T22:19:37-10:30") == at(784111777));
    CHECK(parse_rfc3339("1994-11-06T08:49:37.999999Z") == at(784111777));
    CHECK(parse_rfc3339("2106-02-07T06:28:16Z") == at(4294967296));
    CHECK(parse_rfc3339("2000-02-29T00:00:00Z") == at(951782400));
    CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == at(1483228800));
}

TEST_CASE("parse_rfc3339 takes back what rfc3339 wrote") {
    for (std::int64_t seconds = -2'000'000'000; seconds < 20'000'000'000; seconds += 98'765'431) {
        CHECK(parse_rfc3339(rfc3339(at(seconds))) == at(seconds));
    }
}

TEST_CASE("parse_rfc3339 refuses everything else") {
    for (const char* text : {"",
                             "Z",
                             "1994-11-06",
                             "1994-11-06T08:49:37",
                             "1994-11-06 08:49:37Z",
                             "1994-11-06T08:49Z",
                             "1994-13-06T08:49:37Z",
                             "1994-00-06T08:49:37Z",
                             "1994-11-31T08:49:37Z",
                             "1900-02-29T00:00:00Z",
                             "1994-11-06T24:00:00Z",
                             "1994-11-06T08:60:37Z",
                             "1994-11-06T08:49:61Z",
                             "1994-11-06T08:49:37.Z",
                             "1994-11-06T08:49:37.5",
                             "1994-11-06T08:49:37+0100",
                             "1994-11-06T08:49:37+01:00x",
                             "1994-11-06T08:49:37ZZ",
                             "1994/11/06T08:49:37Z",
                             "1994-11-06T08-49-37Z",
                             "+994-11-06T08:49:37Z",
                             "1994-11-06T08:49:37+24:00",
                             "1994-11-06T08:49:37+01:60",
                             "1994-11- 6T08:49:37Z"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_rfc3339(text).has_value());
    }
}

TEST_CASE("parse_http_date takes the three forms of RFC 9110") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == at(784111777));
    CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == at(784111777));
    CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == at(784111777));
    CHECK(parse_http_date("Wed Nov 16 08:49:37 1994") == at(784975777));
    CHECK(parse_http_date("Sun, 07 Feb 2106 06:28:16 GMT") == at(4294967296));
}

TEST_CASE("two-digit years are of this century below 70") {
    CHECK(parse_http_date("Friday, 01-Jan-38 00:00:00 GMT") == parse_rfc3339("2038-01-01T00:00:00Z"));
    CHECK(parse_http_date("Thursday, 01-Jan-70 00:00:00 GMT") == at(0));
}

TEST_CASE("parse_http_date refuses everything else") {
    for (const char* text : {"",
                             ",",
                             "Sun, ",
                             "Sun, 06 Nov 1994 08:49:37",
                             "Sun, 06 Nov 1994 08:49:37 UTC",
                             "Sun, 6 Nov 1994 08:49:37 GMT",
                             "Sun, 06 Nox 1994 08:49:37 GMT",
                             "Sun, 32 Nov 1994 08:49:37 GMT",
                             "Sun, 06 Nov 1994 25:49:37 GMT",
                             "Sun, 06 Nov 1994 08.49.37 GMT",
                             "Sunday, 06-Nov-94 08:49:37 UTC",
                             "Sunday, 06-Nov-1994 08:49:37 GMT",
                             "Sun Nov 06 08:49:37 94",
                             "Sun Nov  6 08:49:37 1994 ",
                             "Sun Nox  6 08:49:37 1994",
                             "0",
                             "-1",
                             "Sun, 06-Nov 1994 08:49:37 GMT",
                             "Sunday, 06 Nov 94 08:49:37 GMT",
                             "SunxNov  6 08:49:37 1994"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_http_date(text).has_value());
    }
}

TEST_CASE("no byte string of any length makes the parsers read beyond its end") {
    const std::string_view whole = "Sunday, 06-Nov-94 08:49:37 GMT 1994-11-06T08:49:37.123+01:00 Sun Nov  6";
    for (std::size_t from = 0; from < whole.size(); ++from) {
        for (std::size_t size = 0; from + size <= whole.size(); ++size) {
            const std::string text(whole.substr(from, size));
            const auto date = parse_http_date(text), stamp = parse_rfc3339(text);
            const bool both = date && stamp;
            CHECK_FALSE(both);
        }
    }
}

}  // namespace
}  // namespace hagent
