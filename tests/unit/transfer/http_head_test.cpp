// SPDX-License-Identifier: Apache-2.0
// Owns the tests of HTTP heads.
#include "agent/transfer/http_head.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace hagent;
using namespace hagent::transfer;

namespace {
HttpHead head_of(std::initializer_list<const char*> lines) {
    HttpHead head;
    for (const char* line : lines) {
        head.line(line);
    }
    return head;
}
}  // namespace

TEST_CASE("a content range is believed only when it is well-formed") {
    const auto range = parse_content_range("bytes 100-199/1000");
    REQUIRE(range);
    CHECK(range->satisfied);
    CHECK(range->first == 100);
    CHECK(range->last == 199);
    CHECK(range->total == 1000);
    CHECK(parse_content_range("bytes 0-0/*")->total == std::nullopt);
    CHECK(parse_content_range("bytes 1-2")->last == 2);
    CHECK(parse_content_range("bytes 1-2")->total == std::nullopt);
    CHECK_FALSE(parse_content_range("bytes */1000")->satisfied);
    CHECK(parse_content_range("bytes */1000")->total == 1000);
    for (const char* text :
         {"", "bytes", "bytes 1", "bytes *", "bytes=1-2/3", "bytes 5-4/10", "bytes 5-10/10", "bytes -4/10",
          "bytes 5-/10", "items 1-2/3", "bytes 1-2/", "bytes 1-2/x", "bytes */*", "bytes a-b/c", "bytes 1 -2/3",
          "bytes +1-2/3", "bytes 1-2/3/4", "bytes 99999999999999999999-99999999999999999999/*"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_content_range(text));
    }
}

TEST_CASE("files over four gigabytes fit") {
    const auto range = parse_content_range("bytes 5000000000-5000000009/5000000010");
    REQUIRE(range);
    CHECK(range->first == 5000000000U);
}

TEST_CASE("Retry-After is seconds or a date seen from the server's own clock") {
    CHECK(parse_retry_after("120", "") == Seconds(120));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", "Sun, 06 Nov 1994 08:49:37 GMT") == Seconds(10));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:47 GMT") == Seconds(0));
    CHECK_FALSE(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", ""));
    CHECK_FALSE(parse_retry_after("-1", ""));
    CHECK_FALSE(parse_retry_after("soon", "now"));
}

TEST_CASE("Trap 9: the validator goes back exactly as it came, with its quotes or without") {
    CHECK(head_of({"HTTP/1.1 200 OK", "ETag: \"x\"", "Last-Modified: d"}).reply_head().validator == "\"x\"");
    CHECK(head_of({"HTTP/1.1 200 OK", "etag: a94a8fe5"}).reply_head().validator == "a94a8fe5");
    CHECK(head_of({"HTTP/1.1 200 OK", "ETag: W/\"x\"", "Last-Modified: d"}).reply_head().validator == "d");
    CHECK(head_of({"HTTP/1.1 200 OK", "ETag: W/\"x\""}).reply_head().validator.empty());
}

TEST_CASE("a new status line forgets what the reply before it said") {
    const auto head =
        head_of({"HTTP/1.1 302 Found", "ETag: \"x\"", "Location: /y", "", "HTTP/1.1 200 OK", "Content-Length: 7\r\n"});
    CHECK(head.status() == 200);
    CHECK(head.location().empty());
    CHECK_FALSE(head.believable());
    CHECK(head.reply_head().total == 7);
    CHECK(head.reply_head().validator.empty());
}

TEST_CASE("a range that contradicts its length is broken") {
    CHECK_FALSE(
        head_of({"HTTP/1.1 206 P", "Content-Range: bytes 2-9/10", "Content-Length: 8"}).reply_head().range_broken);
    CHECK(head_of({"HTTP/1.1 206 P", "Content-Range: bytes 2-9/10", "Content-Length: 7"}).reply_head().range_broken);
    CHECK(head_of({"HTTP/1.1 206 P", "Content-Length: 8"}).reply_head().range_broken);
    CHECK(head_of({"HTTP/1.1 206 P", "Content-Range: bytes */10"}).reply_head().range_broken);
    const auto head = head_of({"HTTP/1.1 206 P", "Content-Range: bytes 2-9/10"}).reply_head();
    CHECK(head.start == 2);
    CHECK(head.end == 10);
    CHECK(head.total == 10);
}

TEST_CASE("a length says nothing when the body is coded") {
    CHECK_FALSE(head_of({"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 7"}).reply_head().total);
    CHECK(head_of({"HTTP/1.1 416 R", "Content-Range: bytes */42"}).size_if_unsatisfied() == 42);
}

TEST_CASE("garbage lines are passed over") {
    const auto head = head_of({"HTTP/1.1", ": x", "no colon", "HTTP/1.1 20x OK", "HTTP/1.1 2000 OK"});
    CHECK(head.status() == 0);
}

TEST_CASE("a head is believed when it is whole and tells one length") {
    CHECK(head_of({"HTTP/1.1 200 OK", ""}).believable());
    CHECK(head_of({"HTTP/1.1 200 OK", "Content-Length: 7", "Content-Length: 7", ""}).believable());
    CHECK(head_of({"HTTP/1.1 200 OK", "Content-Length: 7", "Content-Length: 8", "Transfer-Encoding: chunked", ""})
              .believable());
    CHECK_FALSE(head_of({"HTTP/1.1 200 OK", "Content-Length: 7", "Content-Length: 8", ""}).believable());
    for (const char* length : {"-1", "7, 7", "0x7", "", "99999999999999999999"}) {
        CAPTURE(length);
        CHECK_FALSE(head_of({"HTTP/1.1 200 OK", ("Content-Length: " + std::string(length)).c_str(), ""}).believable());
    }
}

TEST_CASE("a trailer changes nothing") {
    const auto head = head_of(
        {"HTTP/1.1 200 OK", "ETag: \"x\"", "Transfer-Encoding: chunked", "", "ETag: \"y\"", "Content-Length: 7"});
    CHECK(head.etag() == "\"x\"");
    CHECK_FALSE(head.reply_head().total);
}

TEST_CASE("a file that changed in the second of the reply has no validator but its ETag") {
    const auto validator = [](const char* changed, const char* now, const char* etag = "A: b") {
        return head_of({"HTTP/1.1 200 OK", changed, now, etag}).reply_head().validator;
    };
    const auto* changed = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
    CHECK(validator(changed, "Date: Sun, 06 Nov 1994 08:49:38 GMT") == changed + 15);
    CHECK(validator(changed, "Date: nonsense") == changed + 15);
    CHECK(validator(changed, "Date: Sun, 06 Nov 1994 08:49:37 GMT").empty());
    CHECK(validator(changed, "Date: Sun, 06 Nov 1994 08:49:36 GMT").empty());
    CHECK(validator(changed, "Date: Sun, 06 Nov 1994 08:49:37 GMT", "ETag: \"x\"") == "\"x\"");
}
