// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what a peer may make libcurl's fetcher take: bytes and time that nobody wants, and words.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "agent/transfer/curl_fetcher.h"
#include "tests/servers/http_server.h"

using namespace hagent;
using namespace hagent::transfer;
using namespace hagent::servers;
using errors::AgentCode;

namespace {

/// Answers each request with this head and then with pieces for as long as they are taken, a pause before each.
struct Endless {
    explicit Endless(std::string head, std::string piece = std::string(65536, 'x'), Millis pause = Millis(0))
        : server([this, head = std::move(head), piece = std::move(piece), pause](Connection& peer) {
              while (const auto line = peer.line()) {
                  if (line->empty()) {
                      peer.write(head + "\r\n");
                      while (!ended && peer.write(piece)) {
                          sent += piece.size();
                          std::this_thread::sleep_for(pause);
                      }
                      return;
                  }
              }
          }) {}
    ~Endless() { ended = true; }
    Endless(const Endless&) = delete;
    Endless& operator=(const Endless&) = delete;
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port()) + "/f"; }

    std::atomic<std::uint64_t> sent = 0;
    std::atomic<bool> ended = false;
    LoopbackServer server;
};

constexpr std::uint64_t k_few_bytes = 16U << 20U;  // what the two sockets may hold is among them

Result<Reply> ask(const std::string& url, Sink& sink, Exchange exchange = {}) {
    exchange.url = url;
    return curl_fetcher(Options())->exchange(exchange, sink, CancelToken());
}

Error refused_with(const std::string& type, const std::string& body, const std::string& login = "") {
    HttpServer server(
        [&](const HttpAsked&) { return status_answer("422 Unprocessable", "Content-Type: " + type + "\r\n", body); });
    StringSink sink(10);
    const auto reply = ask("http://" + login + server.url("/f").substr(7), sink);
    REQUIRE(reply.ok());
    REQUIRE(reply->error);
    return *reply->error;
}

}  // namespace

TEST_CASE("the body of an error that has no end is cut") {
    for (const std::string framing : {"", "Content-Length: 99999999999\r\n"}) {
        Endless server("HTTP/1.1 404 Not Found\r\n" + framing);
        StringSink sink(10);
        const auto reply = ask(server.url(), sink);
        REQUIRE(reply.ok());
        REQUIRE(reply->error);
        CHECK(reply->error->id == errors::http(404));
        CHECK(reply->body.size() == k_error_body_bytes);
        CHECK(server.sent < k_few_bytes);
    }
}

TEST_CASE("the body of a redirect that has no end is cut, and the redirect followed") {
    HttpServer there([](const HttpAsked&) { return status_answer("200 OK", "", "there"); });
    Endless server("HTTP/1.1 302 Found\r\nLocation: " + there.url("/") + "\r\n");
    StringSink sink(10);
    const auto reply = ask(server.url(), sink);
    REQUIRE(reply.ok());
    CHECK_FALSE(reply->error);
    CHECK(sink.text() == "there");
    CHECK(server.sent < k_few_bytes);
}

TEST_CASE("an answer to an upload that has no end is cut, and the upload is done") {
    Endless server("HTTP/1.1 201 Created\r\n");
    StringSink sink(10);
    Exchange exchange;
    exchange.method = Method::put;
    exchange.body = "report";
    exchange.answer_wanted = false;
    const auto reply = ask(server.url(), sink, exchange);
    REQUIRE(reply.ok());
    CHECK_FALSE(reply->error);
    CHECK(reply->head.number == 201);
    CHECK(sink.text().empty());
    CHECK(server.sent < k_few_bytes);
}

TEST_CASE("a file that comes byte by byte is given up at the time limit, and an error's body is not waited for") {
    Endless slow("HTTP/1.1 200 OK\r\n", "x", Millis(100));
    StringSink sink(1000);
    Exchange exchange;
    exchange.time_limit = Seconds(1);
    const auto begin = std::chrono::steady_clock::now();
    const auto reply = ask(slow.url(), sink, exchange);
    REQUIRE(reply.ok());
    REQUIRE(reply->error);
    CHECK(reply->error->is(AgentCode::timed_out));
    CHECK_FALSE(sink.text().empty());

    Endless refusal("HTTP/1.1 403 No\r\n", "x", Millis(100));
    const auto refused = ask(refusal.url(), sink, exchange);
    REQUIRE(refused.ok());
    REQUIRE(refused->error);
    CHECK(refused->error->id == errors::http(403));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(8));
}

TEST_CASE("news is asked for past caches, also across a redirect; anything else is not") {
    HttpServer far([](const HttpAsked&) { return status_answer("200 OK", "", "far"); });
    HttpServer near(
        [&](const HttpAsked&) { return status_answer("302 Found", "Location: " + far.url("/c") + "\r\n"); });
    StringSink sink(10);
    Exchange exchange;
    for (const bool news : {true, false}) {
        exchange.past_caches = news;
        REQUIRE(ask(near.url("/"), sink, exchange).ok());
        for (const auto* server : {&near, &far}) {
            const auto asked = const_cast<HttpServer*>(server)->asked().back();
            CHECK(asked.field("cache-control") == (news ? "no-cache" : ""));
            CHECK(asked.field("pragma") == (news ? "no-cache" : ""));
        }
    }
}

TEST_CASE("an error has the peer's own words") {
    CHECK(refused_with(
              "application/problem+json",
              R"({"type":"about:blank","title":"Not accepted","status":422,"detail":"version 9 is not compatible"})")
              .context == "\"Not accepted: version 9 is not compatible\"");
    CHECK(refused_with("application/json",
                       R"({"exceptionClass":"x","errorCode":"hawkbit.server.error.quota","message":"Quota exceeded"})")
              .context == "\"Quota exceeded: hawkbit.server.error.quota\"");
    CHECK(refused_with("application/json", R"({"detail":[{"loc":["body"],"msg":"field required"}]})").context ==
          "\"field required\"");
    CHECK(refused_with("text/html", "<html><head>\n<TITLE>Maintenance\nuntil 18:00</TITLE></head>").context ==
          "\"Maintenance until 18:00\"");
    CHECK(refused_with("text/plain", "\r\nis \x1B[31mred\r\nsecond line").context == "\"is ?[31mred\"");
    CHECK(refused_with("text/plain", "").context == "\"Unprocessable\"");
    CHECK(refused_with("image/png", std::string("\x89PNG\r\n\0\0", 8)).context == "\"Unprocessable\"");
    CHECK(refused_with("text/plain", std::string(5000, 'w')).context.size() == 202);
    CHECK(refused_with("text/plain", "bob has hunter2", "bob:hunter2@").context == "\"bob has ***\"");
}
