// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the request grammar: each refusal with its status, limits, and that pieces do not matter.
#include "agent/http/request_parser.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"

namespace hagent::http {
namespace {

using State = RequestParser::State;

struct Parsed {
    State state;
    std::uint16_t status;
    std::size_t used;
    Request request;
    friend bool operator==(const Parsed& a, const Parsed& b) {
        return a.state == b.state && a.status == b.status && a.used == b.used && a.request.method == b.request.method &&
               a.request.path == b.request.path && a.request.query == b.request.query &&
               a.request.headers == b.request.headers && a.request.body == b.request.body &&
               a.request.keep_alive == b.request.keep_alive;
    }
};

/// In pieces that end at these offsets.
Parsed parse(std::string_view bytes, std::initializer_list<std::size_t> cuts = {}) {
    RequestParser parser;
    std::size_t used = 0, from = 0;
    std::vector<std::size_t> ends(cuts);
    ends.push_back(bytes.size());
    for (const std::size_t end : ends) {
        used += parser.feed(bytes.substr(from, end - from));
        from = end;
    }
    return {parser.state(), parser.failure_status(), used, parser.request()};
}

const std::string k_host = "Host: 127.0.0.1\r\n";

std::string get(const std::string& headers) { return "GET / HTTP/1.1\r\n" + k_host + headers + "\r\n"; }

const std::vector<std::string> k_valid = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\n\r\nGET /v1/log?since=3 HTTP/1.1\r\nHOST:\t a \t\r\nX-Empty:\r\n\r\n",
    "POST /v1/check-in HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    "POST /%2e%41 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
    "Chunked\r\n\r\n5;name=value\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
    "GET /old HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
};

TEST_CASE("valid requests are understood") {
    auto parsed = parse(k_valid[1]);
    CHECK(parsed.state == State::complete);
    CHECK(parsed.request.method == "GET");
    CHECK(parsed.request.path == "/v1/log");
    CHECK(parsed.request.query == "since=3");
    CHECK(parsed.request.header("host") == "a");
    CHECK(parsed.request.header("x-empty").empty());
    CHECK(parsed.request.keep_alive);
    parsed = parse(k_valid[2]);
    CHECK(parsed.request.body == "hello");
    parsed = parse(k_valid[3]);
    CHECK(parsed.request.body == "hello!");
    CHECK(parsed.request.path == "/.A");
    CHECK_FALSE(parse(k_valid[4]).request.keep_alive);
    CHECK_FALSE(parse(k_valid[5]).request.keep_alive);
}

TEST_CASE("it does not matter in which pieces a request comes") {
    for (const auto& text : k_valid) {
        CAPTURE(text);
        const Parsed whole = parse(text);
        REQUIRE(whole.state == State::complete);
        CHECK(whole.used == text.size());
        for (std::size_t a = 0; a <= text.size(); ++a) {
            CHECK(parse(text, {a}) == whole);
            for (std::size_t b = a; b <= text.size(); b += 3) {
                REQUIRE(parse(text, {a, b}) == whole);
            }
        }
        RequestParser parser;
        for (const char c : text) {
            CHECK(parser.state() != State::complete);
            CHECK(parser.feed({&c, 1}) == 1);
        }
        CHECK(parser.state() == State::complete);
    }
}

TEST_CASE("what follows a request is not touched") {
    for (const auto& text : k_valid) {
        const auto parsed = parse(text + "GET /next HTTP/1.1\r\n");
        CHECK(parsed.state == State::complete);
        CHECK(parsed.used == text.size());
    }
}

/// Requests that are refused, and the status that says why.
std::vector<std::pair<std::string, std::uint16_t>> refused_requests() {
    return {
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},       // bare LF
        {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},  // bare CR
        {get("A: b\n"), 400},
        {get("A: b\r\n c\r\n"), 400},  // folded line
        {get("A : b\r\n"), 400},       // blank before the colon
        {get(": b\r\n"), 400},
        {get("no colon\r\n"), 400},
        {get("A: b\x01\r\n"), 400},
        {get(std::string("A: b\0c\r\n", 8)), 400},
        {"GET  / HTTP/1.1\r\n\r\n", 400},
        {" GET / HTTP/1.1\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"G(T / HTTP/1.1\r\n\r\n", 400},
        {"GET http://a/ HTTP/1.1\r\n\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\n\r\n", 400},
        {"CONNECT a:443 HTTP/1.1\r\n\r\n", 400},
        {"GET /%4 HTTP/1.1\r\n\r\n", 400},
        {"GET /%zz HTTP/1.1\r\n\r\n", 400},
        {"GET /%00 HTTP/1.1\r\n\r\n", 400},
        {"GET /%0d%0a HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\n\r\n", 505},
        {"GET / http/1.1\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\n\r\n", 400},                            // no Host
        {"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", 400},  // no Host either
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
        {get("Host: b\r\n"), 400},  // two
        {get("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
        {get("Content-Length: 3, 3\r\n"), 400},
        {get("Content-Length: -1\r\n"), 400},
        {get("Content-Length: +1\r\n"), 400},
        {get("Content-Length: 0x10\r\n"), 400},
        {get("Content-Length:\r\n"), 400},
        {get("Content-Length: 18446744073709551616\r\n"), 400},
        {get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
        {get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {get("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {get("Transfer-Encoding: identity\r\n"), 501},
        {get("Transfer-Encoding: xchunked\r\n"), 501},
        {get("Content-Length: " + std::to_string(limits::k_http_body_bytes + 1) + "\r\n"), 413},
        {get("Transfer-Encoding: chunked\r\n") + "x\r\n", 400},
        {get("Transfer-Encoding: chunked\r\n") + "\r\n", 400},
        {get("Transfer-Encoding: chunked\r\n") + "0x5\r\n", 400},
        {get("Transfer-Encoding: chunked\r\n") + "-1\r\n", 400},
        {get("Transfer-Encoding: chunked\r\n") + "5\nhello", 400},
        {get("Transfer-Encoding: chunked\r\n") + "3\r\nhello\r\n", 400},
        {get("Transfer-Encoding: chunked\r\n") + "11111111111111111\r\n", 400},
        {get("Transfer-Encoding: chunked\r\n") + "fffffff\r\n", 413},
        {"GET /" + std::string(limits::k_http_request_line_bytes, 'a') + " HTTP/1.1\r\n\r\n", 414},
        {std::string(limits::k_http_request_line_bytes + 2, 'a'), 414},
        {get("A: " + std::string(limits::k_http_header_bytes + limits::k_http_request_line_bytes, 'a') + "\r\n"), 431},
    };
}

TEST_CASE("what is malformed, or could be read in two ways, is refused") {
    for (const auto& [text, status] : refused_requests()) {
        const auto beginning = text.substr(0, 100);
        CAPTURE(beginning);
        const auto parsed = parse(text);
        CHECK(parsed.state == State::failed);
        CHECK(parsed.status == status);
        CHECK(parse(text, {text.size() / 2}).status == status);
    }
}

TEST_CASE("the number of headers and the bytes of lines without a body are bounded") {
    std::string headers;
    for (std::size_t i = 1; i < limits::k_http_headers; ++i) {
        headers += "A: b\r\n";
    }
    CHECK(parse(get(headers)).state == State::complete);
    CHECK(parse(get(headers + "A: b\r\n")).status == 431);
    const std::string trickle = get("Transfer-Encoding: chunked\r\n");
    std::string chunks;
    for (int i = 0; i < 100000; ++i) {
        chunks += "1\r\na\r\n";
    }
    const auto parsed = parse(trickle + chunks);
    CHECK(parsed.state == State::failed);
    CHECK(parse("\r\n" + std::string(limits::k_http_header_bytes * 4, '\n')).state == State::failed);
}

TEST_CASE("a body of exactly the limit is taken, in one piece or in chunks") {
    const std::string body(limits::k_http_body_bytes, 'b');
    const auto one = parse(get("Content-Length: " + std::to_string(body.size()) + "\r\n") + body);
    CHECK(one.state == State::complete);
    CHECK(one.request.body == body);
    const auto chunked = parse(get("Transfer-Encoding: chunked\r\n") + "20000\r\n" + body.substr(0, 0x20000) +
                               "\r\n20000\r\n" + body.substr(0x20000) + "\r\n0\r\n\r\n");
    CHECK(chunked.state == State::complete);
    CHECK(chunked.request.body.size() == body.size());
    CHECK(
        parse(get("Transfer-Encoding: chunked\r\n") + "20000\r\n" + body.substr(0, 0x20000) + "\r\n20001\r\n").status ==
        413);
}

TEST_CASE("a connection that is to be closed says so, alone or in a list") {
    CHECK_FALSE(parse(get("Connection: Close\r\n")).request.keep_alive);
    CHECK_FALSE(parse(get("Connection: keep-alive, close\r\n")).request.keep_alive);
    CHECK(parse(get("Connection: keep-alive\r\n")).request.keep_alive);
    CHECK(parse(get("Connection: upgrade\r\n")).request.keep_alive);
}

}  // namespace
}  // namespace hagent::http
