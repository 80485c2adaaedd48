// SPDX-License-Identifier: Apache-2.0
// Owns the tests of downloads whose answers and sources differ: each is judged by its own word and has its own tries.
#include <doctest/doctest.h>

#include "tests/unit/transfer/download_fixture.h"

using namespace hagent;
using namespace hagent::transfer;

TEST_CASE("the size of one answer never judges another one") {
    for (const bool digest : {true, false}) {
        for (const std::uint64_t cut : {std::uint64_t{0}, std::uint64_t{5}}) {
            for (const bool told : {true, false}) {
                DownloadFixture world(17);
                world.request.bytes.reset();
                if (!digest) {
                    world.request.sha256.clear();
                }
                auto& file = world.fetcher.files["http://a/f"];
                file = {.bytes = std::string(500000, 'o'), .validator = "\"old\""};
                world.fetcher.faults.push_back({.cut_after = cut});
                world.fetcher.faults.push_back(
                    {.before = [&] { file = {.bytes = world.content, .validator = "\"new\"", .tells_size = told}; }});
                REQUIRE(world.run().ok());
                CHECK(world.part_is_right());
            }
        }
    }
}

TEST_CASE("the size of one source never judges another one, across a restart too") {
    for (const bool restarts : {false, true}) {
        DownloadFixture world(17);
        world.options.attempts = 1;
        world.request.bytes.reset();
        world.request.sources = {{"http://old/f"}, {"http://a/f"}};
        world.fetcher.files["http://old/f"] = {.bytes = std::string(500000, 'o'), .validator = "\"old\""};
        world.fetcher.files["http://a/f"].tells_size = false;
        world.fetcher.faults.push_back({.cut_after = 1000});
        if (restarts) {
            world.request.sources = {{"http://old/f"}};
            CHECK_FALSE(world.run().ok());
            world.request.sources = {{"http://a/f"}};
        }
        REQUIRE(world.run().ok());
        CHECK(world.part_is_right());
    }
}

TEST_CASE("a source that is down takes no attempt from the next one, and there is an end") {
    DownloadFixture world;
    world.options.attempts = 1;
    world.request.sources = {{"http://down/f"}, {"http://a/f"}};
    world.fetcher.faults.push_back({.refuse = errors::winsock(10061), .retry_after = Seconds(3600)});
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->attempts == 2);
    CHECK(world.clock.waits() == std::vector<Millis>{Millis(0)});

    DownloadFixture worse;
    worse.options.attempts = 3;
    worse.request.sources = {{"http://b/f"}, {"http://c/f"}, {"http://d/f"}};
    for (int i = 0; i < 50; ++i) {
        worse.fetcher.faults.push_back({.refuse = errors::winsock(10061)});
    }
    const auto failed = worse.run();
    REQUIRE_FALSE(failed.ok());
    CHECK(worse.fetcher.asked.size() == 9);
    for (const char* source : {"http://b/f", "http://c/f", "http://d/f"}) {
        CHECK(failed.error().context.find(source) != std::string::npos);
    }
}

TEST_CASE("a source that may come back counts for more than one that has refused, but a wrong login ends it") {
    DownloadFixture world;
    world.options.attempts = 1;
    world.request.sources = {{"http://down/f"}, {"http://gone/f"}};
    world.fetcher.faults.push_back({.refuse = errors::winsock(10061)});
    CHECK(world.run().error().id == errors::winsock(10061));

    DownloadFixture login;
    login.options.attempts = 1;
    login.request.sources = {{"http://down/f"}, {"ftp://b/f"}};
    login.fetcher.faults.push_back({.refuse = errors::winsock(10061)});
    login.fetcher.faults.push_back({.refuse = errors::ftp(530), .stage = Stage::pass});
    CHECK(login.run().error().id == errors::ftp(530));
}

TEST_CASE("bytes with the wanted digest are the file, whatever became of the connection") {
    DownloadFixture world;
    world.options.attempts = 1;
    world.fetcher.files["http://a/f"].tells_size = false;
    world.fetcher.files["http://a/f"].bytes += "x";
    world.request.bytes.reset();
    world.fetcher.faults.push_back({.refuse = errors::winsock(10054), .cut_after = world.content.size()});
    REQUIRE(world.run().ok());
    CHECK(world.part_is_right());
}

TEST_CASE("a source that asked for a rest has it, also when another one was asked meanwhile") {
    DownloadFixture world;
    world.options.attempts = 3;
    world.request.sources = {{"http://a/f"}, {"http://gone/f"}};
    world.fetcher.faults.push_back({.cut_after = 0});
    world.fetcher.faults.push_back({.refuse = errors::http(503), .retry_after = Seconds(42)});
    REQUIRE(world.run().ok());
    CHECK(world.clock.waits() == std::vector<Millis>{Millis(500), Millis(0), Millis(42000)});
}
