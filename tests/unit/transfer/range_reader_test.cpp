// SPDX-License-Identifier: Apache-2.0
// Owns the tests of parts of a file that are read from its sources over fakes.
#include "agent/transfer/range_reader.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "tests/unit/transfer/download_fixture.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

struct Ranges {
    explicit Ranges(std::vector<std::string> urls = {"http://a/f"}, std::size_t bytes = 3000000)
        : content(pattern(bytes)) {
        RangedFile file;
        file.bytes = content.size();
        for (const auto& url : urls) {
            fetcher.files[url] = {.bytes = content, .validator = url.starts_with("ftp") ? "3 2026" : "\"v1\""};
            file.sources.push_back({url});
        }
        options.backoff_base = Millis(1000);
        reader.emplace(file, clock, options.attempts);
    }

    Status read(std::uint64_t offset, std::uint64_t bytes, bool another_source = false) {
        got.clear();
        observer = RememberingObserver();
        return reader->read(
            {offset, bytes, another_source},
            [this](std::string_view piece) {
                got += piece;
                return refuse && got.size() > 1000 ? Status(error(*refuse, "taken")) : Status();
            },
            {files, clock, fetcher, options, random, cancel}, observer);
    }
    [[nodiscard]] bool right(std::uint64_t offset, std::uint64_t bytes) const {
        return got == content.substr(narrow<std::size_t>(offset), narrow<std::size_t>(bytes));
    }
    [[nodiscard]] std::size_t asked_of(const std::string& url) const {
        std::size_t times = 0;
        for (const auto& exchange : fetcher.asked) {
            times += exchange.url == url ? 1U : 0U;
        }
        return times;
    }

    std::string content, got;
    fakes::FakeFiles files;
    fakes::FakeClock clock;
    fakes::FakeFetcher fetcher;
    Options options;
    Random random = [] { return std::uint64_t{500}; };
    CancelToken cancel;
    RememberingObserver observer;
    std::optional<AgentCode> refuse;
    std::optional<RangeReader> reader;
};

}  // namespace

TEST_CASE("parts come as they are asked for, no byte beside them, and each request says which version it means") {
    for (const char* url : {"http://a/f", "ftp://a/f"}) {
        Ranges world({url});
        for (const auto& [offset, bytes] : {std::pair{0U, 1U}, {1U, 299999U}, {2000000U, 1000000U}, {300000U, 5U}}) {
            REQUIRE(world.read(offset, bytes).ok());
            CHECK(world.right(offset, bytes));
            CHECK(world.observer.last_progress == bytes);
        }
        CHECK(world.read(3000000, 0).ok());
        CHECK(world.fetcher.asked.size() == 4);
        CHECK(world.fetcher.asked[0].if_range.empty());
        CHECK(world.fetcher.asked[1].if_range == world.fetcher.files[url].validator);
        CHECK(world.fetcher.asked[1].offset == 1);
        CHECK(world.fetcher.asked[1].end == 300000);
        CHECK(world.fetcher.sent_bytes == 1300005);
        CHECK(world.read(2999999, 2).error().id == errors::agent(AgentCode::limit_exceeded));
        CHECK(world.read(UINT64_MAX, 2).error().id == errors::agent(AgentCode::limit_exceeded));
    }
}

TEST_CASE("a part that is cut off goes on where it was, and gives no byte twice") {
    for (const char* url : {"http://a/f", "ftp://a/f"}) {
        Ranges world({url});
        for (int i = 0; i < 12; ++i) {
            world.fetcher.faults.push_back({.refuse = errors::winsock(10054), .cut_after = 70000});
        }
        REQUIRE(world.read(1000000, 1000000).ok());
        CHECK(world.right(1000000, 1000000));
        CHECK(world.fetcher.asked.size() == 13);
        CHECK(world.fetcher.sent_bytes == 1000000);
        CHECK(world.observer.resumed_at.size() == 12);
        CHECK(world.observer.resumed_at[0] == 1070000);
        CHECK(world.observer.attempts.back().decision == Decide::accept);
    }
}

TEST_CASE("without progress the tries have an end, and a part of little is not for ever") {
    Ranges world;
    world.options.attempts = 3;
    for (int i = 0; i < 50; ++i) {
        world.fetcher.faults.push_back({.refuse = errors::winsock(10054), .cut_after = 10});
    }
    const auto failed = world.read(0, 1000000);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().id == errors::winsock(10054));
    CHECK(failed.error().context.find("gave up after 3 tries") != std::string::npos);
    world.fetcher.faults.clear();
    REQUIRE(world.read(0, 1000000).ok());  // whoever asks again is served again
    CHECK(world.right(0, 1000000));
}

TEST_CASE("a busy source is waited for as long as it says, a missing file is looked for elsewhere and not here again") {
    Ranges world({"http://gone/f", "http://b/f"});
    world.fetcher.files.erase("http://gone/f");
    REQUIRE(world.read(0, 1000).ok());
    REQUIRE(world.read(1000, 1000).ok());
    CHECK(world.asked_of("http://gone/f") == 1);

    Ranges busy;
    busy.fetcher.faults.push_back({.refuse = errors::http(503), .retry_after = Seconds(20)});
    REQUIRE(busy.read(5, 1000).ok());
    CHECK(busy.right(5, 1000));
    CHECK(busy.clock.waits().at(0) >= Seconds(20));
}

TEST_CASE("the rest of a part comes from the next source, which has a validator of its own") {
    Ranges world({"http://a/f", "http://b/f"});
    world.fetcher.files["http://b/f"].validator = "\"other\"";
    world.options.attempts = 1;
    world.fetcher.faults.push_back({.refuse = errors::winsock(10054), .cut_after = 10});
    REQUIRE(world.read(100, 500000).ok());
    CHECK(world.right(100, 500000));
    CHECK(world.fetcher.asked[1].url == "http://b/f");
    CHECK(world.fetcher.asked[1].offset == 110);
    CHECK(world.fetcher.asked[1].if_range.empty());
}

TEST_CASE("what was wrong comes from another source, or past the caches") {
    Ranges two({"http://a/f", "http://b/f"});
    REQUIRE(two.read(0, 1000).ok());
    REQUIRE(two.read(0, 1000, true).ok());
    CHECK(two.fetcher.asked[1].url == "http://b/f");
    REQUIRE(two.read(1000, 1000).ok());  // and those behind it from there as well
    CHECK(two.fetcher.asked[2].url == "http://b/f");

    Ranges one;
    REQUIRE(one.read(0, 1000).ok());
    CHECK_FALSE(one.fetcher.asked[0].past_caches);
    REQUIRE(one.read(0, 1000, true).ok());
    CHECK(one.fetcher.asked[1].past_caches);
}

TEST_CASE("a server without ranges is read from the front while that costs little, else another one is asked") {
    Ranges world({"http://a/f", "http://b/f"}, 12U << 20U);
    world.fetcher.files["http://a/f"].ranges = false;
    REQUIRE(world.read(0, 1000).ok());  // the front is what is wanted
    REQUIRE(world.read(1000, 100000).ok());
    CHECK(world.right(1000, 100000));
    CHECK(world.asked_of("http://a/f") == 2);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(world.read(11U << 20U, 1000).ok());
        CHECK(world.right(11U << 20U, 1000));
    }
    CHECK(world.asked_of("http://a/f") == 3);  // it is known by now
    CHECK(world.clock.waits() == std::vector<Millis>{Millis(0)});

    Ranges only({"http://a/f"}, 40U << 20U);
    only.fetcher.files["http://a/f"].ranges = false;
    REQUIRE(only.read(11U << 20U, 1000).ok());  // the last resort
    CHECK(only.right(11U << 20U, 1000));
    const auto failed = only.read(39U << 20U, 1000);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().id == errors::agent(AgentCode::no_ranges));
}

TEST_CASE("an FTP server that refuses REST is read from the front too") {
    Ranges world({"ftp://a/f"});
    world.fetcher.faults.push_back({.refuse = errors::ftp(502), .stage = Stage::rest});
    REQUIRE(world.read(2000000, 1000).ok());
    CHECK(world.right(2000000, 1000));
    CHECK_FALSE(world.fetcher.asked[1].ftp.rest);
    CHECK(world.fetcher.asked[1].offset == 0);
}

TEST_CASE("a file that changed is asked for as it is now, one of another size is another file") {
    for (const char* url : {"http://a/f", "ftp://a/f"}) {
        Ranges world({url});
        REQUIRE(world.read(0, 1000).ok());
        world.fetcher.files[url].validator = url[0] == 'f' ? "3 2027" : "\"v2\"";
        REQUIRE(world.read(1000, 1000).ok());
        CHECK(world.right(1000, 1000));
        CHECK(world.observer.attempts.at(0).reply == errors::agent(AgentCode::changed_on_server));
        REQUIRE(world.read(2000, 1000).ok());
        CHECK(world.observer.attempts.size() == 1);
        CHECK(world.fetcher.asked.back().if_range == world.fetcher.files[url].validator);

        world.fetcher.files[url].bytes += "x";
        const auto failed = world.read(0, 1000);
        REQUIRE_FALSE(failed.ok());
        CHECK(failed.error().id == errors::agent(AgentCode::size_mismatch));
        CHECK(world.fetcher.asked.size() < 12);
    }
}

TEST_CASE("a range that was not asked for is refused, and so is a file without the range") {
    Ranges world({"http://a/f", "http://b/f"});
    for (int i = 0; i < 40; ++i) {
        world.fetcher.faults.push_back({.shift_start = 1});
    }
    CHECK(world.read(1000, 1000).error().id == errors::agent(AgentCode::bad_range));
    CHECK(world.got.empty());
    CHECK(world.fetcher.asked.size() <= 2 * world.options.attempts);

    Ranges shorter({"http://a/f", "http://b/f"});
    shorter.fetcher.files["http://a/f"].bytes.resize(500);
    REQUIRE(shorter.read(1000, 1000).ok());  // HTTP 416
    CHECK(shorter.right(1000, 1000));
}

TEST_CASE("what the taker refuses with ends it, whatever it is called, and so does a cancel") {
    for (const auto code : {AgentCode::digest_mismatch, AgentCode::size_mismatch, AgentCode::disk_full}) {
        Ranges world({"http://a/f", "http://b/f"});
        world.refuse = code;
        const auto ended = world.read(0, 100000);
        REQUIRE_FALSE(ended.ok());
        CHECK(ended.error().id == errors::agent(code));
        CHECK(world.fetcher.asked.size() == 1);
    }
    Ranges world;
    world.fetcher.on_piece = [&] { world.cancel.request(); };
    CHECK(world.read(0, 100000).error().id == errors::agent(AgentCode::cancelled));
}
