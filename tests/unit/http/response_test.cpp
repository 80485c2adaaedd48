// SPDX-License-Identifier: Apache-2.0
// Owns the tests of answers: their bytes, entity tags, problem documents.
#include "agent/http/response.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace hagent::http {
namespace {

std::string tag_of(const Response& response) {
    for (const auto& [name, value] : response.headers) {
        if (name == "ETag") {
            return value;
        }
    }
    return {};
}

TEST_CASE("an answer on the wire") {
    const std::string wire = to_wire({200, "text/plain", "hello", {{"X-A", "b"}}}, true, false);
    CHECK(wire.starts_with("HTTP/1.1 200 "));
    for (const char* part : {"\r\nX-A: b\r\n", "\r\nContent-Type: text/plain\r\n", "\r\nContent-Length: 5\r\n",
                             "\r\nConnection: keep-alive\r\n", "\r\nX-Content-Type-Options: nosniff\r\n",
                             "\r\nCache-Control: no-store\r\n", "frame-ancestors 'none'", "default-src 'none'",
                             "\r\nReferrer-Policy: no-referrer\r\n"}) {
        CAPTURE(part);
        CHECK(wire.find(part) != std::string::npos);
    }
    CHECK(wire.ends_with("\r\n\r\nhello"));
    CHECK(wire.find("Server:") == std::string::npos);
    CHECK(to_wire({200, "a", "", {}}, false, false).find("\r\nConnection: close\r\n") != std::string::npos);
}

TEST_CASE("HEAD gets the same head without the body") {
    const Response response{200, "text/plain", "hello", {}};
    const std::string whole = to_wire(response, true, false);
    CHECK(to_wire(response, true, true) == whole.substr(0, whole.size() - 5));
}

TEST_CASE("an entity tag belongs to the content and saves sending it again") {
    const Response answer{200, "application/json", "{}", {}};
    const Response first = with_etag(answer, "");
    const std::string tag = tag_of(first);
    CHECK(first.status == 200);
    CHECK(first.body == "{}");
    REQUIRE(tag.size() > 2);
    CHECK(tag.front() == '"');
    CHECK(tag.back() == '"');
    CHECK(tag_of(with_etag({200, "application/json", "{ }", {}}, "")) != tag);

    const Response again = with_etag(answer, tag);
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(tag_of(again) == tag);
    const std::string wire = to_wire(again, true, false);
    CHECK(wire.starts_with("HTTP/1.1 304 "));
    CHECK(wire.find("Content-Length") == std::string::npos);
    CHECK(wire.ends_with("\r\n\r\n"));

    CHECK(with_etag(answer, "\"other\"").status == 200);
    CHECK(with_etag(answer, "\"other\", " + tag).status == 304);
    CHECK(with_etag(answer, "W/" + tag).status == 304);
    CHECK(with_etag(answer, "*").status == 304);
    CHECK(with_etag({404, "a", "x", {}}, "*").status == 404);
}

TEST_CASE("a problem document holds what happened, also when the text is hostile") {
    const Response response = problem(405, "no \"\xff\r\n<b>");
    CHECK(response.status == 405);
    CHECK(response.content_type == "application/problem+json");
    const auto value = nlohmann::json::parse(response.body, nullptr, false);
    REQUIRE(value.is_object());
    CHECK(value["status"] == 405);
    CHECK(value["title"] == "Method Not Allowed");
    CHECK(value["type"] == "about:blank");
    CHECK(value["detail"].is_string());
    CHECK(response.body.find('\n') == std::string::npos);
    for (const int status : {400, 401, 403, 404, 405, 408, 409, 413, 414, 429, 431, 501, 503, 505}) {
        CAPTURE(status);
        CHECK(nlohmann::json::parse(problem(static_cast<std::uint16_t>(status), "").body)["title"] != "Status");
    }
}

}  // namespace
}  // namespace hagent::http
