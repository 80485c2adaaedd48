// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the download loop over fakes.
#include "agent/transfer/download.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "tests/unit/transfer/download_fixture.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;
using fakes::FakeFault;

TEST_CASE("a file comes in one go and is found complete afterwards without asking again") {
    DownloadFixture world;
    const auto first = world.run();
    REQUIRE(first.ok());
    CHECK(first->path == "/state/d1/part");
    CHECK(first->bytes == world.content.size());
    CHECK(first->sha256 == world.request.sha256);
    CHECK(first->attempts == 1);
    CHECK(first->resumed_at.empty());
    CHECK(world.part_is_right());
    CHECK(world.observer.last_progress == world.content.size());

    const auto again = world.run();
    REQUIRE(again.ok());
    CHECK(again->attempts == 0);
    CHECK(again->bytes == world.content.size());
    CHECK(world.fetcher.asked.size() == 1);
}

TEST_CASE("a cut connection is resumed where it broke, after a wait") {
    DownloadFixture world;
    world.fetcher.faults.push_back({.refuse = errors::winsock(10054), .cut_after = 100000});
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(world.part_is_right());
    CHECK(done->attempts == 2);
    CHECK(done->resumed_at == std::vector<std::uint64_t>{100000});
    CHECK(world.fetcher.asked[1].offset == 100000);
    CHECK(world.fetcher.asked[1].if_range == "\"v1\"");
    REQUIRE(world.observer.attempts.size() == 2);
    CHECK(world.observer.attempts[0].decision == Decide::resume);
    CHECK(world.observer.attempts[0].reply == errors::winsock(10054));
    CHECK(world.observer.attempts[0].at_bytes == 100000);
    CHECK(world.observer.attempts[0].wait_ms == 500);
    CHECK(world.observer.attempts[1].decision == Decide::accept);
}

TEST_CASE("a file that keeps being cut is fetched as long as it makes progress") {
    DownloadFixture world(2000000);
    world.options.attempts = 2;
    for (int i = 0; i < 19; ++i) {
        world.fetcher.faults.push_back({.cut_after = 100000});
    }
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->attempts == 20);
    CHECK(world.part_is_right());
}

TEST_CASE("cuts without progress are bounded") {
    DownloadFixture world;
    world.options.attempts = 3;
    for (int i = 0; i < 10; ++i) {
        world.fetcher.faults.push_back({.cut_after = 0});
    }
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::truncated));
    CHECK(world.fetcher.asked.size() == 3);
    CHECK(world.observer.attempts.back().because == errors::agent(AgentCode::attempts_exhausted));
}

TEST_CASE("a server that ignores ranges and always cuts at the same byte makes no progress") {
    DownloadFixture world;
    world.options.attempts = 4;
    world.fetcher.files["http://a/f"].ranges = false;
    for (int i = 0; i < 20; ++i) {
        world.fetcher.faults.push_back({.cut_after = 200000});
    }
    CHECK_FALSE(world.run().ok());
    CHECK(world.fetcher.asked.size() == 4);
}

TEST_CASE("one attempt is one attempt, and the next call goes on") {
    DownloadFixture world;
    world.options.attempts = 1;
    world.fetcher.faults.push_back({.cut_after = 123456});
    CHECK_FALSE(world.run().ok());
    CHECK(world.fetcher.asked.size() == 1);
    CHECK(bytes_at_hand(world.files, "/state/d1") == 123456);
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->resumed_at == std::vector<std::uint64_t>{123456});
    CHECK(world.part_is_right());
}

TEST_CASE("a server without ranges sends the whole file and it begins afresh in the same try") {
    DownloadFixture world;
    world.fetcher.files["http://a/f"].ranges = false;
    world.fetcher.faults.push_back({.cut_after = 1000});
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(world.part_is_right());
    CHECK(done->attempts == 2);
    CHECK(done->resumed_at.empty());
}

TEST_CASE("a file that changed on the server is never mixed with the old one") {
    for (const char* url : {"http://a/f", "ftp://a/f"}) {
        CAPTURE(url);
        DownloadFixture world;
        world.request.sources = {{url}};
        world.request.sha256.clear();
        world.request.bytes.reset();
        auto& file = world.fetcher.files[url];
        file.bytes = std::string(world.content.size(), 'o');
        file.validator = "300000 20250101000000";
        world.fetcher.faults.push_back({.cut_after = 100000});
        world.fetcher.faults.push_back({.before = [&] {
            file.bytes = world.content;
            file.validator = "300000 20260101000000";
        }});
        REQUIRE(world.run().ok());
        CHECK(world.part_is_right());
    }
}

TEST_CASE("without digest and validator nothing is resumed") {
    DownloadFixture world;
    world.request.sha256.clear();
    world.fetcher.files["http://a/f"].validator.clear();
    world.fetcher.faults.push_back({.cut_after = 100000});
    REQUIRE(world.run().ok());
    CHECK(world.fetcher.asked[1].offset == 0);
    CHECK(world.part_is_right());
}

TEST_CASE("FTP's size alone is not enough to resume a file of unknown digest") {
    DownloadFixture world;
    world.request.sources = {{"ftp://a/f"}};
    world.fetcher.files["ftp://a/f"] = {.bytes = world.content, .validator = "300000 -"};
    world.request.sha256.clear();
    world.fetcher.faults.push_back({.cut_after = 100000});
    REQUIRE(world.run().ok());
    CHECK(world.fetcher.asked[1].offset == 0);
}

TEST_CASE("a range that starts early or late, or ends wrong, is refused and the file fetched whole") {
    for (const FakeFault& fault :
         {FakeFault{.shift_start = -1}, FakeFault{.shift_start = 1}, FakeFault{.claimed_total = 400000}}) {
        DownloadFixture world;
        world.fetcher.faults.push_back({.cut_after = 100000});
        world.fetcher.faults.push_back(fault);
        const auto done = world.run();
        REQUIRE(done.ok());
        CHECK(world.part_is_right());
        CHECK(world.observer.attempts[1].decision == Decide::restart);
        CHECK(world.fetcher.asked[2].offset == 0);
    }
}

TEST_CASE("sources are tried in order and a permanent refusal strikes one out") {
    DownloadFixture world;
    world.request.sources = {{"http://u:p@gone/f"}, {"ftp://b/f"}, {"http://a/f"}};
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->attempts == 3);
    CHECK(done->source == "http://a/f");
    CHECK(world.observer.attempts[0].source == "http://gone/f");
    CHECK(world.observer.attempts[0].reply == errors::http(404));
    CHECK(world.observer.attempts[0].decision == Decide::next_source);
    CHECK(world.observer.attempts[1].reply == errors::ftp(550));
    CHECK(world.clock.waits() == std::vector<Millis>{Millis(0), Millis(0)});
}

TEST_CASE("another source continues what the first one began when the digest is known") {
    DownloadFixture world;
    world.request.sources = {{"http://a/f"}, {"ftp://b/f"}};
    world.fetcher.files["ftp://b/f"] = {.bytes = world.content, .validator = "300000 20200101000000"};
    world.fetcher.faults.push_back({.cut_after = 100000});
    world.fetcher.faults.push_back({.refuse = errors::winsock(10061)});
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(world.part_is_right());
    CHECK(world.fetcher.asked[2].url == "ftp://b/f");
    CHECK(world.fetcher.asked[2].offset == 100000);
    CHECK(world.fetcher.asked[2].if_range.empty());
}

TEST_CASE("rounds over sources end") {
    DownloadFixture world;
    world.options.attempts = 5;
    world.request.sources = {{"http://a/f"}, {"http://b/f"}};
    for (int i = 0; i < 50; ++i) {
        world.fetcher.faults.push_back({.refuse = errors::http(503)});
    }
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().id == errors::http(503));
    CHECK(world.fetcher.asked.size() == 10);
}

TEST_CASE("Retry-After is honoured") {
    DownloadFixture world;
    world.fetcher.faults.push_back({.refuse = errors::http(503), .retry_after = Seconds(42)});
    REQUIRE(world.run().ok());
    CHECK(world.clock.waits() == std::vector<Millis>{Millis(42000)});
}

TEST_CASE("an announced wrong size costs no download") {
    DownloadFixture world;
    world.fetcher.files["http://a/f"].bytes += "x";
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::size_mismatch));
    CHECK(world.observer.last_progress == 0);
    CHECK(world.fetcher.asked.size() == 2);  // a cache may have an old copy
}

TEST_CASE("what did not fit is read once more past caches, and only then") {
    DownloadFixture world;
    auto& file = world.fetcher.files["http://a/f"];
    file.bytes[5] ^= 1;
    world.fetcher.faults.push_back({});
    world.fetcher.faults.push_back({.before = [&] { file.bytes = world.content; }});
    REQUIRE(world.run().ok());
    REQUIRE(world.fetcher.asked.size() == 2);
    CHECK_FALSE(world.fetcher.asked[0].past_caches);
    CHECK(world.fetcher.asked[1].past_caches);

    DownloadFixture stays_wrong;
    stays_wrong.fetcher.files["http://a/f"].bytes[5] ^= 1;
    CHECK(stays_wrong.run().error().is(AgentCode::digest_mismatch));
    CHECK(stays_wrong.fetcher.asked.size() == 2);

    DownloadFixture news;
    news.request.past_caches = true;
    news.fetcher.files["http://a/f"].bytes[5] ^= 1;
    CHECK_FALSE(news.run().ok());
    CHECK(news.fetcher.asked.size() == 1);
    CHECK(news.fetcher.asked[0].past_caches);

    DownloadFixture ftp;
    ftp.request.sources = {{"ftp://a/f"}};
    ftp.fetcher.files["ftp://a/f"].bytes = std::string(ftp.content.size(), 'x');
    CHECK_FALSE(ftp.run().ok());
    CHECK(ftp.fetcher.asked.size() == 1);
}

TEST_CASE("a range or a condition that failed is asked for past caches") {
    for (const auto why :
         {errors::agent(AgentCode::bad_range), errors::agent(AgentCode::changed_on_server), errors::http(412)}) {
        DownloadFixture world;
        world.fetcher.faults.push_back({.cut_after = 100000});
        world.fetcher.faults.push_back({.refuse = why});
        REQUIRE(world.run().ok());
        CHECK_FALSE(world.fetcher.asked.at(1).past_caches);
        CHECK(world.fetcher.asked.at(2).past_caches);
    }
}

TEST_CASE("nothing is fetched beyond its maximum, announced or not") {
    for (const bool tells_size : {true, false}) {
        DownloadFixture world;
        world.request = DownloadRequest(100000);
        world.request.sources = {{"http://a/f"}, {"http://b/f"}};
        world.request.directory = "/state/d1";
        world.fetcher.files["http://a/f"].tells_size = tells_size;
        world.fetcher.files["http://b/f"].bytes = "small";
        const auto done = world.run();  // the next source may have the right one
        REQUIRE(done.ok());
        CHECK(done->bytes == 5);
        CHECK(world.fetcher.sent_bytes < 120000);

        world.request.sources = {{"http://a/f"}};
        world.request.directory = "/state/d2";
        const auto failed = world.run();
        REQUIRE_FALSE(failed.ok());
        CHECK(failed.error().is(AgentCode::limit_exceeded));
        CHECK(failed.error().context.find("at most 100000 are taken") != std::string::npos);
        CHECK(world.files.content("/state/d2/part").value_or("").empty());
    }
}

TEST_CASE("a file whose size nobody tells leaves others room on its volume") {
    DownloadFixture world;
    world.request.bytes.reset();
    world.fetcher.files["http://a/f"].tells_size = false;
    fakes::FakeDisks disks;
    disks.all[0].free_bytes = disks.all[0].available_bytes = 310000;
    world.request.disks = &disks;
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::disk_full));
    CHECK_FALSE(world.files.content("/state/d1/part"));
}

TEST_CASE("a small file has a time limit, with room for a slow link and our own limit of speed") {
    const auto limit_of = [](std::uint64_t most, std::optional<std::uint64_t> bytes, std::uint64_t speed) {
        DownloadFixture world(1000);
        world.request = DownloadRequest(most);
        world.request.sources = {{"http://a/f"}};
        world.request.directory = "/state/d1";
        world.request.bytes = bytes;
        world.request.limit_bytes_per_s = speed;
        CHECK(world.run().ok());
        return world.fetcher.asked.at(0).time_limit;
    };
    CHECK(limit_of(4096, std::nullopt, 0) == Seconds(120));
    CHECK(limit_of(4096, std::nullopt, 4) == Seconds(120 + 1024));
    CHECK(limit_of(2048, 1000, 0) == Seconds(120));
    CHECK(limit_of(1U << 20U, std::nullopt, 0) == Seconds(120));
    CHECK(limit_of((1U << 20U) + 1, std::nullopt, 0) == Seconds(0));
}

TEST_CASE("more bytes than wanted end the try even when no size was announced") {
    DownloadFixture world;
    world.fetcher.files["http://a/f"].bytes += std::string(100000, 'x');
    world.fetcher.files["http://a/f"].tells_size = false;
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::size_mismatch));
    CHECK(world.files.content("/state/d1/part").value_or("").size() <= world.content.size());
}

TEST_CASE("a file that turned out too long leaves nothing behind for the next source") {
    DownloadFixture world;
    world.request.sources = {{"http://long/f"}, {"http://a/f"}};
    world.fetcher.files["http://long/f"] = {.bytes = std::string(400000, 'x'), .tells_size = false};
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->attempts == 2);
    CHECK(world.part_is_right());
}

TEST_CASE("a wrong digest deletes the file and another source is asked once") {
    DownloadFixture world;
    world.request.sources = {{"http://bad/f"}, {"http://a/f"}};
    world.fetcher.files["http://bad/f"].bytes = std::string(world.content.size(), 'x');
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(world.part_is_right());
    CHECK(world.observer.attempts[0].because == errors::agent(AgentCode::digest_mismatch));
    CHECK(world.fetcher.asked[1].offset == 0);

    DownloadFixture worse;
    worse.request.sources = {{"http://bad/f"}, {"http://bad2/f"}, {"http://a/f"}};
    worse.fetcher.files["http://bad/f"].bytes = std::string(worse.content.size(), 'x');
    worse.fetcher.files["http://bad2/f"].bytes = std::string(worse.content.size(), 'y');
    const auto failed = worse.run();
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().is(AgentCode::digest_mismatch));
    CHECK(worse.fetcher.asked.size() == 2);
    CHECK_FALSE(worse.files.exists("/state/d1/part"));
    CHECK_FALSE(worse.files.exists("/state/d1/checkpoint"));
}

TEST_CASE("a SHA-1 is used when there is no SHA-256, also across a restart") {
    DownloadFixture world;
    trust::Sha1 sha1;
    sha1.update(world.content);
    const auto digest = sha1.finish();
    world.request.sha256.clear();
    world.request.sha1 = to_hex(digest);
    world.options.attempts = 1;
    world.fetcher.faults.push_back({.cut_after = 70001});
    CHECK_FALSE(world.run().ok());
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->resumed_at == std::vector<std::uint64_t>{70001});
    CHECK(world.part_is_right());
    world.request.sha1[0] = world.request.sha1[0] == '0' ? '1' : '0';
    CHECK_FALSE(world.run().ok());
}

TEST_CASE("a directory that was used for another file starts over") {
    DownloadFixture world;
    world.options.attempts = 1;
    world.fetcher.faults.push_back({.cut_after = 100000});
    CHECK_FALSE(world.run().ok());
    world.content = pattern(5000);
    world.fetcher.files["http://a/f"].bytes = world.content;
    world.request.bytes = 5000;
    world.request.sha256 = trust::sha256_hex(world.content);
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->resumed_at.empty());
    CHECK(world.part_is_right());
}

TEST_CASE("a file of unknown digest is checked for news before it counts as complete") {
    for (const char* url : {"http://a/f", "ftp://a/f"}) {
        CAPTURE(url);
        DownloadFixture world;
        world.request.sources = {{url}};
        world.request.sha256.clear();
        world.request.bytes.reset();
        world.fetcher.files[url] = {.bytes = world.content, .validator = "300000 20250101000000"};
        REQUIRE(world.run().ok());
        const auto same = world.run();
        REQUIRE(same.ok());
        CHECK(same->attempts == 1);
        CHECK(world.part_is_right());
        world.content = pattern(1000);
        world.fetcher.files[url] = {.bytes = world.content, .validator = "1000 20260101000000"};
        REQUIRE(world.run().ok());
        CHECK(world.part_is_right());
    }
}

TEST_CASE("a full disk is a clear error and is freed again") {
    DownloadFixture world;
    world.files.set_capacity(150000);
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::disk_full));
    CHECK_FALSE(world.files.exists("/state/d1/part"));
    CHECK_FALSE(world.files.exists("/state/d1/checkpoint"));
    CHECK(world.fetcher.asked.size() == 1);
}

TEST_CASE("missing space is noticed before the first byte") {
    DownloadFixture world;
    fakes::FakeDisks disks;
    disks.all[0].free_bytes = disks.all[0].available_bytes = 1000;
    world.request.disks = &disks;
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::disk_full));
    CHECK(world.observer.last_progress == 0);
}

TEST_CASE("a cancel is seen between tries and what was fetched stays") {
    DownloadFixture world;
    world.fetcher.faults.push_back({.cut_after = 100000});
    world.clock.on_wait = [&](Millis) { world.cancel.request(); };
    const auto done = world.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::cancelled));
    CHECK(world.fetcher.asked.size() == 1);
    CHECK(bytes_at_hand(world.files, "/state/d1") == 100000);
}

TEST_CASE("an FTP command that a server lacks is left out at the next try, without waiting") {
    DownloadFixture world;
    world.options.attempts = 1;
    world.request.sources = {{"ftp://a/f"}};
    world.fetcher.files["ftp://a/f"] = {.bytes = world.content, .validator = "300000 20250101000000"};
    world.fetcher.faults.push_back({.refuse = errors::ftp(550), .stage = Stage::size});
    REQUIRE(world.run().ok());
    CHECK(world.fetcher.asked[0].ftp.size);
    CHECK_FALSE(world.fetcher.asked[1].ftp.size);
    CHECK(world.clock.waits() == std::vector<Millis>{Millis(0)});
}

TEST_CASE("fallbacks and rounds over sources together still end") {
    DownloadFixture world;
    world.options.attempts = 4;
    world.request.sources = {{"ftp://a/f"}, {"ftp://b/f"}};
    for (int i = 0; i < 100; ++i) {
        world.fetcher.faults.push_back({.refuse = errors::ftp(502), .stage = Stage::size});
        world.fetcher.faults.push_back({.refuse = errors::ftp(421), .stage = Stage::greeting});
    }
    CHECK_FALSE(world.run().ok());
    CHECK(world.fetcher.asked.size() < 20);
}

TEST_CASE("malformed requests are refused before anything happens") {
    DownloadFixture world;
    world.request.sources.clear();
    CHECK(world.run().error().is(AgentCode::no_source));
    world.request.sources.resize(limits::k_sources + 1);
    CHECK(world.run().error().is(AgentCode::limit_exceeded));
    world.request.sources = {{"http://a/f"}};
    world.request.sha256 = "abc";
    CHECK(world.run().error().is(AgentCode::usage));
    CHECK(world.fetcher.asked.empty());
}

TEST_CASE("an address that is no address gives way to the next source") {
    DownloadFixture world;
    world.request.sources = {{"gopher://x/"}, {"nonsense"}, {"http://a/f"}};
    CHECK(world.run().ok());
    world.request.sources = {{"nonsense"}};
    world.request.directory = "/state/d2";
    CHECK(world.run().error().is(AgentCode::bad_url));
}

TEST_CASE("an empty file is a file") {
    DownloadFixture world(0);
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->bytes == 0);
    CHECK(world.run()->attempts == 0);
}
