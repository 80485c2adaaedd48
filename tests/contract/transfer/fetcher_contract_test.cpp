// SPDX-License-Identifier: Apache-2.0
// Owns the suite that every Fetcher passes, the fake one and libcurl's, over HTTP and FTP.
#include <doctest/doctest.h>

#include <memory>

#include "agent/transfer/curl_fetcher.h"
#include "agent/transfer/reply_policy.h"
#include "tests/fakes/fake_fetcher.h"
#include "tests/servers/ftp_server.h"
#include "tests/servers/http_server.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

/// A fetcher and the server it talks to.
class World {
public:
    virtual ~World() = default;
    [[nodiscard]] virtual Fetcher& fetcher() = 0;
    [[nodiscard]] virtual bool ftp() const = 0;
    [[nodiscard]] virtual std::string url(const std::string& path) const = 0;
    virtual void put(const std::string& path, const std::string& bytes) = 0;
    [[nodiscard]] virtual std::string content(const std::string& path) = 0;
    virtual void cut_next(std::size_t after) = 0;
    /// The next exchange gets HTTP 503 with Retry-After 7, or FTP 450 to RETR.
    virtual void refuse_next() = 0;
};

class FakeWorld final : public World {
public:
    explicit FakeWorld(std::string scheme) : scheme_(std::move(scheme)) {}
    Fetcher& fetcher() override { return fetcher_; }
    bool ftp() const override { return scheme_ == "ftp"; }
    std::string url(const std::string& path) const override { return scheme_ + "://h" + path; }
    void put(const std::string& path, const std::string& bytes) override {
        fetcher_.files[url(path)] = {.bytes = bytes,
                                     .validator = ftp() ? std::to_string(bytes.size()) + " 20260101000000" : "\"e\""};
    }
    std::string content(const std::string& path) override { return fetcher_.files[url(path)].bytes; }
    void cut_next(std::size_t after) override { fetcher_.faults.push_back({.cut_after = after}); }
    void refuse_next() override {
        if (ftp()) {
            fetcher_.faults.push_back({.refuse = errors::ftp(450), .stage = Stage::retr});
        } else {
            fetcher_.faults.push_back({.refuse = errors::http(503), .retry_after = Seconds(7)});
        }
    }

private:
    std::string scheme_;
    fakes::FakeFetcher fetcher_;
};

class CurlHttpWorld final : public World {
public:
    Fetcher& fetcher() override { return *fetcher_; }
    bool ftp() const override { return false; }
    std::string url(const std::string& path) const override { return server_.url(path); }
    void put(const std::string& path, const std::string& bytes) override {
        const std::lock_guard lock(mutex_);
        files_[path] = bytes;
    }
    std::string content(const std::string& path) override {
        const std::lock_guard lock(mutex_);
        return files_[path];
    }
    void cut_next(std::size_t after) override {
        const std::lock_guard lock(mutex_);
        cut_ = after;
    }
    void refuse_next() override {
        const std::lock_guard lock(mutex_);
        refuse_ = true;
    }

private:
    servers::HttpAnswer answer(const servers::HttpAsked& asked) {
        const std::lock_guard lock(mutex_);
        if (std::exchange(refuse_, false)) {
            return servers::status_answer("503 Busy", "Retry-After: 7\r\n", "later");
        }
        if (asked.method == "PUT") {
            files_[asked.target] = asked.body;
            return servers::status_answer("201 Created");
        }
        const auto found = files_.find(asked.target);
        if (found == files_.end()) {
            return servers::status_answer("404 Gone", "", "not here");
        }
        auto reply = servers::file_answer(asked, found->second, "\"e\"");
        reply.cut_after = std::exchange(cut_, std::nullopt);
        return reply;
    }

    std::mutex mutex_;
    std::map<std::string, std::string> files_;
    std::optional<std::size_t> cut_;
    bool refuse_ = false;
    servers::HttpServer server_{[this](const servers::HttpAsked& asked) { return answer(asked); }};
    std::unique_ptr<Fetcher> fetcher_ = curl_fetcher(Options());
};

class CurlFtpWorld final : public World {
public:
    Fetcher& fetcher() override { return *fetcher_; }
    bool ftp() const override { return true; }
    std::string url(const std::string& path) const override { return server_.url(path); }
    void put(const std::string& path, const std::string& bytes) override {
        server_.change([&](auto& script) { script.files[path].bytes = bytes; });
    }
    std::string content(const std::string& path) override {
        std::string bytes;
        server_.change([&](auto& script) { bytes = script.files[path].bytes; });
        return bytes;
    }
    void cut_next(std::size_t after) override {
        server_.change([&](auto& script) { script.cut_after = after; });
    }
    void refuse_next() override {
        server_.change([](auto& script) { script.replies["RETR"] = {"450 Busy."}; });
    }

private:
    servers::FtpServer server_;
    std::unique_ptr<Fetcher> fetcher_ = curl_fetcher(Options());
};

struct Collector final : Sink {
    Status begin(const ReplyHead& reply_head) override {
        ++begins;
        head = reply_head;
        return fail_begin ? Status(error(AgentCode::bad_range, "sink")) : Status();
    }
    Status write(std::string_view piece) override {
        bytes += piece;
        return fail_write ? Status(error(AgentCode::disk_full, "sink")) : Status();
    }
    int begins = 0;
    ReplyHead head;
    std::string bytes;
    bool fail_begin = false;
    bool fail_write = false;
};

std::string sample() {
    std::string text;
    for (int i = 0; text.size() < 200000; ++i) {
        text += std::to_string(i) + ",";
    }
    return text;
}

template <class Check>
void in_every_world(Check&& check_world) {
    FakeWorld fake_http("http");
    FakeWorld fake_ftp("ftp");
    CurlHttpWorld http;
    CurlFtpWorld ftp;
    int number = 0;
    for (World* world : {static_cast<World*>(&fake_http), static_cast<World*>(&fake_ftp), static_cast<World*>(&http),
                         static_cast<World*>(&ftp)}) {
        CAPTURE(number++);  // 0 fake HTTP, 1 fake FTP, 2 libcurl HTTP, 3 libcurl FTP
        check_world(*world);
    }
}

Exchange asking(const World& world, const std::string& path) {
    Exchange exchange;
    exchange.url = world.url(path);
    return exchange;
}

}  // namespace

TEST_CASE("a whole file arrives after one begin that tells its size and validator") {
    in_every_world([](World& world) {
        const auto bytes = sample();
        world.put("/d/f", bytes);
        Collector sink;
        const auto reply = world.fetcher().exchange(asking(world, "/d/f"), sink, CancelToken());
        REQUIRE(reply.ok());
        CHECK_FALSE(reply->error);
        CHECK(sink.begins == 1);
        CHECK(sink.head.start == 0);
        CHECK(sink.head.total == bytes.size());
        CHECK_FALSE(sink.head.validator.empty());
        CHECK(sink.bytes == bytes);
        CHECK(reply->body_bytes == bytes.size());
        CHECK(reply->head.number == (world.ftp() ? 226 : 200));
        CHECK(reply->url == world.url("/d/f"));
    });
}

TEST_CASE("an empty file begins and ends") {
    in_every_world([](World& world) {
        world.put("/f", "");
        Collector sink;
        const auto reply = world.fetcher().exchange(asking(world, "/f"), sink, CancelToken());
        REQUIRE(reply.ok());
        CHECK_FALSE(reply->error);
        CHECK(sink.begins == 1);
        CHECK(sink.bytes.empty());
    });
}

TEST_CASE("the rest of a file follows where it was asked from") {
    in_every_world([](World& world) {
        const auto bytes = sample();
        world.put("/f", bytes);
        auto exchange = asking(world, "/f");
        exchange.offset = 150000;
        exchange.if_range = world.ftp() ? "" : "\"e\"";
        Collector sink;
        const auto reply = world.fetcher().exchange(exchange, sink, CancelToken());
        REQUIRE(reply.ok());
        CHECK_FALSE(reply->error);
        CHECK(judge_range(sink.head, {150000}, "", bytes.size()) == RangeVerdict::fits);
        CHECK(sink.bytes == bytes.substr(150000));
    });
}

TEST_CASE("a part with an end brings no byte behind it, and the next one comes as well") {
    in_every_world([](World& world) {
        const auto bytes = sample();
        world.put("/f", bytes);
        for (const auto& [from, until] : {std::pair<std::size_t, std::size_t>{0, 1},
                                          {0, 70000},
                                          {70000, 70001},
                                          {70001, 150000},
                                          {150000, bytes.size()}}) {
            const std::size_t first = from;
            CAPTURE(first);
            auto exchange = asking(world, "/f");
            exchange.offset = from;
            exchange.end = until;
            Collector sink;
            const auto reply = world.fetcher().exchange(exchange, sink, CancelToken());
            REQUIRE(reply.ok());
            CHECK_FALSE(reply->error);
            CHECK(judge_range(sink.head, {from, until}, "", bytes.size()) == RangeVerdict::fits);
            CHECK(sink.bytes == bytes.substr(from, until - from));
            CHECK(reply->body_bytes == until - from);
            Situation situation;
            situation.reply = {reply->head.protocol, reply->head.number};
            situation.stage = reply->stage;
            CHECK(decide(situation).kind == Decide::accept);
        }
    });
}

TEST_CASE("a part of a file that has changed meanwhile is told apart") {
    in_every_world([](World& world) {
        const auto bytes = sample();
        world.put("/f", bytes);
        auto exchange = asking(world, "/f");
        exchange.offset = 1000;
        exchange.if_range = "\"other\"";
        Collector sink;
        const auto reply = world.fetcher().exchange(exchange, sink, CancelToken());
        REQUIRE(reply.ok());
        const auto verdict = judge_range(sink.head, {1000}, "7 20000101000000", std::nullopt);
        CHECK(verdict == (world.ftp() ? RangeVerdict::changed : RangeVerdict::afresh));
        CHECK(sink.bytes == (world.ftp() ? bytes.substr(1000) : bytes));
    });
}

TEST_CASE("asking for what lies behind the end brings nothing and tells the size") {
    in_every_world([](World& world) {
        world.put("/f", "12345");
        auto exchange = asking(world, "/f");
        exchange.offset = 5;
        Collector sink;
        const auto reply = world.fetcher().exchange(exchange, sink, CancelToken());
        REQUIRE(reply.ok());
        CHECK(sink.bytes.empty());
        CHECK(reply->head.total == 5);
        if (world.ftp()) {
            CHECK_FALSE(reply->error);
            CHECK(sink.head.start == 5);
        } else {
            REQUIRE(reply->error);
            CHECK(reply->error->id == errors::http(416));
        }
    });
}

TEST_CASE("a missing file is an error of the protocol and the sink is left alone") {
    in_every_world([](World& world) {
        auto exchange = asking(world, "/none");
        exchange.ftp.size = false;
        Collector sink;
        const auto reply = world.fetcher().exchange(exchange, sink, CancelToken());
        REQUIRE(reply.ok());
        REQUIRE(reply->error);
        CHECK(reply->error->id == (world.ftp() ? errors::ftp(550) : errors::http(404)));
        CHECK(reply->stage == (world.ftp() ? Stage::retr : Stage::http_body));
        CHECK(sink.begins == 0);
    });
}

TEST_CASE("a refusal tells its number, and when to come back") {
    in_every_world([](World& world) {
        world.put("/f", "x");
        world.refuse_next();
        Collector sink;
        const auto reply = world.fetcher().exchange(asking(world, "/f"), sink, CancelToken());
        REQUIRE(reply.ok());
        REQUIRE(reply->error);
        CHECK(reply->error->id == (world.ftp() ? errors::ftp(450) : errors::http(503)));
        CHECK(reply->retry_after == (world.ftp() ? std::nullopt : std::optional(Seconds(7))));
        CHECK(sink.begins == 0);
        Collector second;
        CHECK_FALSE(world.fetcher().exchange(asking(world, "/f"), second, CancelToken())->error);
        CHECK(second.bytes == "x");
    });
}

TEST_CASE("a cut connection is transient and what came before it counts") {
    in_every_world([](World& world) {
        const auto bytes = sample();
        world.put("/f", bytes);
        world.cut_next(70000);
        Collector sink;
        const auto reply = world.fetcher().exchange(asking(world, "/f"), sink, CancelToken());
        REQUIRE(reply.ok());
        REQUIRE(reply->error);
        CHECK(sink.bytes == bytes.substr(0, 70000));
        CHECK(reply->body_bytes == 70000);
        Situation situation;
        situation.reply = reply->error->id;
        situation.stage = reply->stage;
        situation.bytes = 70000;
        situation.can_resume = true;
        CHECK(decide(situation).kind == Decide::resume);
    });
}

TEST_CASE("what a sink refuses with is the result") {
    in_every_world([](World& world) {
        world.put("/f", sample());
        Collector sink;
        sink.fail_begin = true;
        auto reply = world.fetcher().exchange(asking(world, "/f"), sink, CancelToken());
        REQUIRE_FALSE(reply.ok());
        CHECK(reply.error().is(AgentCode::bad_range));
        Collector full;
        full.fail_write = true;
        reply = world.fetcher().exchange(asking(world, "/f"), full, CancelToken());
        REQUIRE_FALSE(reply.ok());
        CHECK(reply.error().is(AgentCode::disk_full));
        Collector fine;
        REQUIRE(world.fetcher().exchange(asking(world, "/f"), fine, CancelToken()).ok());
        CHECK(fine.bytes == sample());
    });
}

TEST_CASE("a cancelled exchange is a local error") {
    in_every_world([](World& world) {
        world.put("/f", "x");
        CancelToken cancel;
        cancel.request();
        Collector sink;
        const auto reply = world.fetcher().exchange(asking(world, "/f"), sink, cancel);
        REQUIRE_FALSE(reply.ok());
        CHECK(reply.error().is(AgentCode::cancelled));
    });
}

TEST_CASE("what is put arrives whole") {
    in_every_world([](World& world) {
        auto exchange = asking(world, "/up");
        exchange.method = Method::put;
        exchange.body = sample();
        Collector sink;
        const auto reply = world.fetcher().exchange(exchange, sink, CancelToken());
        REQUIRE(reply.ok());
        CHECK_FALSE(reply->error);
        CHECK(reply->head.number == (world.ftp() ? 226 : 201));
        CHECK(world.content("/up") == sample());
    });
}

TEST_CASE("an address that is none is a local error") {
    in_every_world([](World& world) {
        Exchange exchange;
        exchange.url = "gopher://h/";
        Collector sink;
        CHECK(world.fetcher().exchange(exchange, sink, CancelToken()).error().is(AgentCode::unsupported_scheme));
        exchange.url = "x";
        CHECK(world.fetcher().exchange(exchange, sink, CancelToken()).error().is(AgentCode::bad_url));
    });
}
