// SPDX-License-Identifier: Apache-2.0
// Owns the tests of libcurl's fetcher over HTTP: redirects, secrets, hostile heads, dead peers, cancel.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "agent/base/limits.h"
#include "agent/transfer/curl_fetcher.h"
#include "agent/transfer/download.h"
#include "agent/transfer/reply_policy.h"
#include "tests/fakes/temp_directory.h"
#include "tests/servers/http_server.h"

using namespace hagent;
using namespace hagent::transfer;
using namespace hagent::servers;
using errors::AgentCode;

namespace {

Result<Reply> get(Fetcher& fetcher, const std::string& url, Sink& sink, Headers headers = {},
                  std::uint64_t offset = 0) {
    Exchange exchange;
    exchange.url = url;
    exchange.headers = std::move(headers);
    exchange.offset = offset;
    return fetcher.exchange(exchange, sink, CancelToken());
}

struct HeadSink final : Sink {
    Status begin(const ReplyHead& reply_head) override {
        head = reply_head;
        return {};
    }
    Status write(std::string_view) override { return {}; }
    ReplyHead head;
};

}  // namespace

TEST_CASE("secrets go to their own origin and not across a redirect") {
    HttpServer far([](const HttpAsked&) { return status_answer("200 OK", "", "far"); });
    HttpServer near([&](const HttpAsked& asked) {
        return asked.target == "/a" ? status_answer("302 Found", "Location: /b\r\n")
                                    : status_answer("307 Away", "Location: " + far.url("/c") + "\r\n");
    });
    const auto near_origin = *parse_url(near.url("/"));
    const auto fetcher = curl_fetcher(Options(), [&](const Url& url) {
        return same_origin(url, near_origin) ? Headers{{"Authorization", "TargetToken t0ken"}} : Headers{};
    });
    StringSink sink(100);
    auto url = near.url("/a");
    url.insert(7, "bob:hunter2@");
    const auto reply = get(*fetcher, url, sink, {{"X-Own", "1"}});
    REQUIRE(reply.ok());
    CHECK_FALSE(reply->error);
    CHECK(sink.text() == "far");
    CHECK(reply->url == far.url("/c"));
    const auto asked = near.asked();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].field("authorization") == "TargetToken t0ken");
    CHECK(asked[1].field("authorization") == "TargetToken t0ken");
    CHECK(asked[1].field("x-own") == "1");
    CHECK(far.asked().at(0).field("authorization").empty());
    CHECK(far.asked().at(0).field("x-own").empty());
    for (const auto& line : reply->transcript) {
        CHECK(line.find("hunter2") == std::string::npos);
        CHECK(line.find("t0ken") == std::string::npos);
    }
}

TEST_CASE("user and password of an address become basic authentication") {
    HttpServer server([](const HttpAsked&) { return status_answer("200 OK"); });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    auto url = server.url("/");
    url.insert(7, "Aladdin:open%20sesame@");
    REQUIRE(get(*fetcher, url, sink).ok());
    CHECK(server.asked().at(0).field("authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST_CASE("a netrc file gives the login of its machine") {
    HttpServer server([](const HttpAsked&) { return status_answer("200 OK"); });
    const fakes::TempDirectory folder;
    Options options;
    options.netrc_file = folder.path() + "/netrc";
    REQUIRE(platform::system_files()
                ->write_durable(options.netrc_file, "machine 127.0.0.1 login Aladdin password x\n", 0600)
                .ok());
    const auto fetcher = curl_fetcher(options);
    StringSink sink(100);
    REQUIRE(get(*fetcher, server.url("/"), sink).ok());
    CHECK(server.asked().at(0).field("authorization") == "Basic QWxhZGRpbjp4");
}

TEST_CASE("a user in the address gets the password of that user from netrc, and nobody else's") {
    const fakes::TempDirectory folder;
    Options options;
    options.netrc_file = folder.path() + "/netrc";
    REQUIRE(platform::system_files()
                ->write_durable(options.netrc_file,
                                "machine 127.0.0.1 login first password 1\n"
                                "machine 127.0.0.1 password sesame login bob\n"
                                "machine 127.0.0.1 login last password 3\ndefault login any password 4\n",
                                0600)
                .ok());
    const auto fetcher = curl_fetcher(options);
    const auto sent = [&](const std::string& login) {
        HttpServer server([](const HttpAsked&) { return status_answer("200 OK"); });
        StringSink sink(100);
        REQUIRE(get(*fetcher, server.url("/").insert(7, login), sink).ok());
        return server.asked().at(0).field("authorization");
    };
    CHECK(sent("bob@") == "Basic Ym9iOnNlc2FtZQ==");  // bob:sesame
    CHECK(sent("last@") == "Basic bGFzdDoz");         // last:3
    CHECK(sent("bob:own@") == "Basic Ym9iOm93bg==");  // bob:own
    CHECK(sent("carol@") == "Basic Y2Fyb2w6");        // carol: and no password
}

TEST_CASE("redirects end: in a circle, without a place, to another protocol") {
    HttpServer server([&](const HttpAsked& asked) {
        if (asked.target == "/ftp") {
            return status_answer("301 Away", "Location: ftp://127.0.0.1/x\r\n");
        }
        return asked.target == "/none" ? status_answer("302 Where")
                                       : status_answer("302 Round", "Location: /again\r\n");
    });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    CHECK(get(*fetcher, server.url("/"), sink)->error->is(AgentCode::redirect_limit));
    CHECK(server.asked().size() == limits::k_redirects + 1);
    CHECK(get(*fetcher, server.url("/none"), sink)->error->is(AgentCode::protocol_garbage));
    CHECK(get(*fetcher, server.url("/ftp"), sink)->error->is(AgentCode::redirect_downgrade));
}

TEST_CASE("a post keeps its body across 307 and the answer of an error is kept in part") {
    HttpServer server([&](const HttpAsked& asked) {
        return asked.target == "/a" ? status_answer("307 There", "Location: /b\r\n")
                                    : status_answer("400 Bad", "Content-Type: t/x\r\n", std::string(10000, 'e'));
    });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    Exchange exchange;
    exchange.url = server.url("/a");
    exchange.method = Method::post;
    exchange.headers = {{"Content-Type", "application/json"}};
    exchange.body = "{\"a\":1}";
    const auto reply = fetcher->exchange(exchange, sink, CancelToken());
    REQUIRE(reply.ok());
    CHECK(reply->error->id == errors::http(400));
    CHECK(reply->body.size() == k_error_body_bytes);
    CHECK(reply->content_type == "t/x");
    const auto asked = server.asked();
    CHECK(asked.at(1).method == "POST");
    CHECK(asked.at(1).body == exchange.body);
    CHECK(asked.at(1).field("content-type") == "application/json");
    CHECK(asked.at(1).field("expect").empty());
}

TEST_CASE("a lying Content-Range is seen before the first byte is kept") {
    const std::array<const char*, 8> ranges = {"bytes 99-999/1000",  "bytes 101-999/1000", "bytes 100-998/1000",
                                               "bytes 100-999/2000", "bytes 100-/1000",    "bytes abc/1000",
                                               "items 100-999/1000", "bytes 999-100/1000"};
    for (const char* range : ranges) {
        CAPTURE(range);
        HttpServer server([&](const HttpAsked&) {
            return HttpAnswer{
                "HTTP/1.1 206 Part\r\nContent-Length: 900\r\nContent-Range: " + std::string(range) + "\r\n",
                std::string(900, 'x')};
        });
        const auto fetcher = curl_fetcher(Options());
        HeadSink sink;
        REQUIRE(get(*fetcher, server.url("/"), sink, {}, 100).ok());
        CHECK(judge_range(sink.head, {100}, "", 1000) != RangeVerdict::fits);
        CHECK(server.asked().at(0).field("range") == "bytes=100-");
    }
}

TEST_CASE("a server that speaks no HTTP, or nothing at all, is told apart") {
    LoopbackServer garbage([](Connection& peer) {
        (void)peer.line();
        peer.write("SSH-2.0-x\r\n\r\n");
    });
    LoopbackServer silent([](Connection& peer) { (void)peer.line(); });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    const auto url = [](const LoopbackServer& server) {
        return "http://127.0.0.1:" + std::to_string(server.port()) + "/";
    };
    CHECK(get(*fetcher, url(garbage), sink)->error->is(AgentCode::protocol_garbage));
    CHECK(get(*fetcher, url(silent), sink)->error->is(AgentCode::empty_reply));
}

TEST_CASE("a port where nobody listens is a refused connection") {
    std::uint16_t port = 0;
    {
        LoopbackServer gone([](Connection&) {});
        port = gone.port();
    }
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    const auto reply = get(*fetcher, "http://127.0.0.1:" + std::to_string(port) + "/", sink);
    REQUIRE(reply.ok());
    CHECK(reply->error->id == errors::winsock(errors::Winsock::econnrefused));
    CHECK(reply->stage == Stage::connect);
}

TEST_CASE("a clear port does not do for https") {
    HttpServer server([](const HttpAsked&) { return status_answer("200 OK"); });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    auto url = server.url("/");
    url.replace(0, 4, "https");
    const auto reply = get(*fetcher, url, sink);
    REQUIRE(reply.ok());
    CHECK(reply->stage == Stage::tls);
    CHECK(server.asked().empty());
}

TEST_CASE("a peer that stops sending is given up after the stall time") {
    HttpServer server([](const HttpAsked&) {
        return HttpAnswer{.head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n", .body = "some", .hang = true};
    });
    Options options;
    options.stall_timeout = Seconds(1);
    const auto fetcher = curl_fetcher(options);
    StringSink sink(10000);
    const auto reply = get(*fetcher, server.url("/"), sink);
    REQUIRE(reply.ok());
    CHECK(reply->error->is(AgentCode::stalled));
    CHECK(sink.text() == "some");
}

TEST_CASE("a cancel ends a hanging exchange within a second") {
    CancelToken cancel;
    HttpServer server([&](const HttpAsked&) {
        cancel.request();
        return HttpAnswer{.head = "", .body = "", .hang = true};
    });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    Exchange exchange;
    exchange.url = server.url("/");
    const auto start = std::chrono::steady_clock::now();
    const auto reply = fetcher->exchange(exchange, sink, cancel);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
    CHECK(reply.error().is(AgentCode::cancelled));
}

TEST_CASE("a bandwidth limit slows a download down") {
    const std::string bytes(300000, 'x');
    HttpServer server([&](const HttpAsked& asked) { return file_answer(asked, bytes, "\"e\""); });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(1000000);
    Exchange exchange;
    exchange.url = server.url("/");
    exchange.limit_bytes_per_s = 200000;
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(fetcher->exchange(exchange, sink, CancelToken()).ok());
    CHECK(std::chrono::steady_clock::now() - start > std::chrono::milliseconds(400));
    CHECK(sink.text().size() == bytes.size());
}

TEST_CASE("a download survives a server that cuts every answer and says 500 in between") {
    std::string bytes;
    for (int i = 0; bytes.size() < 1000000; ++i) {
        bytes += std::to_string(i) + ";";
    }
    std::atomic<int> count = 0;
    HttpServer server([&](const HttpAsked& asked) {
        if (++count % 3 == 0) {
            return status_answer("500 Flaky");
        }
        auto answer = file_answer(asked, bytes, "bare-etag");
        answer.cut_after = 150000;
        return answer;
    });
    const fakes::TempDirectory folder;
    const auto files = platform::system_files();
    platform::SystemClock clock;
    Options options;
    options.attempts = 3;
    options.backoff_base = options.backoff_cap = Millis(1);
    const auto fetcher = curl_fetcher(options);
    const Random random = [] { return std::uint64_t{0}; };
    const CancelToken cancel;
    SilentObserver observer;
    DownloadRequest request(UINT64_MAX);
    request.sources = {{server.url("/f")}};
    request.directory = folder.path() + "/d";
    const auto done = download(request, {*files, clock, *fetcher, options, random, cancel}, observer);
    REQUIRE(done.ok());
    CHECK(files->read(done->path, 2000000).value_or("") == bytes);
    CHECK(done->resumed_at.size() == 6);
    CHECK(server.asked().back().field("if-range") == "bare-etag");
}
