// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the fetcher that runs on the event loop.
#include <doctest/doctest.h>

#include <chrono>

#include "agent/transfer/curl_fetcher.h"
#include "tests/servers/http_server.h"

using namespace hagent;
using namespace hagent::transfer;
using namespace hagent::servers;
using errors::AgentCode;

namespace {

struct World {
    World() { REQUIRE(loop.get() != nullptr); }
    /// Runs until stop() or, as a failure, for ten seconds.
    void run() {
        const auto guard = loop->after(Millis(10000), [this] {
            late = true;
            loop->stop();
        });
        loop->run([] {});
        loop->cancel(guard);
        CHECK_FALSE(late);
    }
    Exchange asking(const std::string& url) {
        Exchange exchange;
        exchange.url = url;
        return exchange;
    }

    platform::SystemClock clock;
    std::unique_ptr<loop::Loop> loop = loop::Loop::create(clock).value();
    bool late = false;
};

}  // namespace

TEST_CASE("check-ins run on the loop, several at a time, redirects included") {
    HttpServer server([](const HttpAsked& asked) {
        return asked.target == "/r" ? status_answer("302 F", "Location: /x\r\n")
                                    : status_answer("200 OK", "ETag: \"1\"\r\n", asked.target);
    });
    World world;
    LoopFetcher fetcher(*world.loop, Options(), [](const Url&) { return Headers{{"Authorization", "T"}}; });
    std::vector<std::string> bodies;
    for (const char* path : {"/a", "/b", "/r"}) {
        fetcher.start(world.asking(server.url(path)), 100, Millis(0), [&](Result<Reply> reply, std::string body) {
            REQUIRE(reply.ok());
            CHECK_FALSE(reply->error);
            CHECK(reply->etag == "\"1\"");
            bodies.push_back(body);
            if (bodies.size() == 3) {
                world.loop->stop();
            }
        });
    }
    CHECK(bodies.empty());
    world.run();
    std::sort(bodies.begin(), bodies.end());
    CHECK(bodies == std::vector<std::string>{"/a", "/b", "/x"});
    CHECK(server.asked().at(0).field("authorization") == "T");
}

TEST_CASE("an error's body comes along, a body that is too long ends it, a bad address is told later") {
    HttpServer server([](const HttpAsked& asked) {
        return asked.target == "/err" ? status_answer("400 Bad", "", "why")
                                      : status_answer("200 OK", "", std::string(1000, 'x'));
    });
    World world;
    LoopFetcher fetcher(*world.loop, Options());
    int done = 0;
    const auto count = [&] {
        if (++done == 3) {
            world.loop->stop();
        }
    };
    fetcher.start(world.asking(server.url("/err")), 100, Millis(0), [&](Result<Reply> reply, std::string body) {
        CHECK(reply->error->id == errors::http(400));
        CHECK(body == "why");
        count();
    });
    fetcher.start(world.asking(server.url("/long")), 100, Millis(0), [&](Result<Reply> reply, std::string) {
        CHECK(reply.error().is(AgentCode::limit_exceeded));
        count();
    });
    fetcher.start(world.asking("nonsense"), 100, Millis(0), [&](Result<Reply> reply, std::string) {
        CHECK(reply.error().is(AgentCode::bad_url));
        count();
    });
    CHECK(done == 0);
    world.run();
    CHECK(done == 3);
}

TEST_CASE("an exchange that takes too long is ended, an aborted one is silent") {
    HttpServer server([](const HttpAsked&) { return HttpAnswer{.head = "", .body = "", .hang = true}; });
    World world;
    LoopFetcher fetcher(*world.loop, Options());
    bool aborted_called = false;
    const auto number = fetcher.start(world.asking(server.url("/")), 100, Millis(0),
                                      [&](Result<Reply>, std::string) { aborted_called = true; });
    fetcher.start(world.asking(server.url("/")), 100, Millis(100), [&](Result<Reply> reply, std::string) {
        CHECK(reply.error().is(AgentCode::timed_out));
        fetcher.abort(number);
        fetcher.abort(12345);
        world.loop->stop();
    });
    world.run();
    CHECK_FALSE(aborted_called);
}

TEST_CASE("a fetcher may go away with exchanges under way, and a new one may begin in the callback") {
    HttpServer server([](const HttpAsked& asked) {
        return asked.target == "/hang" ? HttpAnswer{.head = "", .body = "", .hang = true}
                                       : status_answer("200 OK", "", "x");
    });
    World world;
    {
        LoopFetcher fetcher(*world.loop, Options());
        fetcher.start(world.asking(server.url("/hang")), 100, Millis(1000),
                      [](Result<Reply>, std::string) { FAIL("called"); });
        fetcher.start(world.asking(server.url("/1")), 100, Millis(0), [&](Result<Reply>, std::string) {
            fetcher.start(world.asking(server.url("/2")), 100, Millis(0), [&](Result<Reply> reply, std::string body) {
                CHECK(reply.ok());
                CHECK(body == "x");
                world.loop->stop();
            });
        });
        world.run();
    }
    CHECK(server.asked().size() >= 2);
}
