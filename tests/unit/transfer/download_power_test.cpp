// SPDX-License-Identifier: Apache-2.0
// Owns the crash tests of downloads: the power goes at every single change, and the file comes out right.
#include <doctest/doctest.h>

#include "tests/unit/transfer/download_fixture.h"

using namespace hagent;
using namespace hagent::transfer;
using fakes::Unsynced;

namespace {

/// A download with a cut in it, so that resuming is among the calls under test.
void script(DownloadFixture& world) {
    world.fetcher.piece_bytes = 65536;
    world.fetcher.faults.clear();
    world.fetcher.faults.push_back({.cut_after = 70000});
    world.clock.advance(Millis(2000));  // checkpoints are due
}

std::uint64_t try_every_cut(Unsynced unsynced, bool digest_known, bool changes) {
    for (std::uint64_t call = 1;; ++call) {
        CAPTURE(call);
        DownloadFixture world(160000);
        if (!digest_known) {
            world.request.sha256.clear();
            world.request.bytes.reset();
        }
        script(world);
        world.files.forget_calls();
        world.files.cut_power_at(call);
        const bool done = world.run().ok();
        if (!world.files.power_is_off()) {
            REQUIRE(done);
            return call;
        }
        world.start_again(unsynced);
        if (changes) {
            auto& file = world.fetcher.files["http://a/f"];
            world.content = pattern(150001).substr(1);
            file = {.bytes = world.content, .validator = "\"v2\""};
        }
        world.fetcher.faults.clear();
        const auto after = world.run();
        REQUIRE(after.ok());
        REQUIRE(world.part_is_right());
        CHECK(after->sha256 == trust::sha256_hex(world.content));
    }
}

}  // namespace

TEST_CASE("a power cut at any change leaves a download that completes with the right bytes") {
    for (const auto unsynced : {Unsynced::lost, Unsynced::kept, Unsynced::torn}) {
        CAPTURE(static_cast<int>(unsynced));
        CHECK(try_every_cut(unsynced, true, false) > 10);
    }
}

TEST_CASE("without a digest to catch it, a power cut never mixes old and new bytes either") {
    for (const auto unsynced : {Unsynced::lost, Unsynced::kept, Unsynced::torn}) {
        CAPTURE(static_cast<int>(unsynced));
        CHECK(try_every_cut(unsynced, false, false) > 10);
        CHECK(try_every_cut(unsynced, false, true) > 10);
    }
}

TEST_CASE("a power cut while a changed file replaces the old one") {
    for (const auto unsynced : {Unsynced::lost, Unsynced::kept, Unsynced::torn}) {
        for (std::uint64_t call = 1;; ++call) {
            CAPTURE(call);
            DownloadFixture world(160000);
            world.request.sha256.clear();
            world.request.bytes.reset();
            world.options.attempts = 1;
            world.fetcher.faults.push_back({.cut_after = 100000});
            REQUIRE_FALSE(world.run().ok());
            world.content = pattern(150001).substr(1);
            world.fetcher.files["http://a/f"] = {.bytes = world.content, .validator = "\"v2\""};
            world.files.forget_calls();
            world.files.cut_power_at(call);
            const bool done = world.run().ok();
            if (!world.files.power_is_off()) {
                REQUIRE(done);
                break;
            }
            world.start_again(unsynced);
            REQUIRE(world.run().ok());
            REQUIRE(world.part_is_right());
        }
    }
}

TEST_CASE(
    "a process that is killed at any change costs no byte that it had written, once it is known where they came from") {
    constexpr std::uint64_t k_piece = 65536;
    for (std::uint64_t call = 1;; ++call) {
        CAPTURE(call);
        DownloadFixture world(300000);
        world.fetcher.piece_bytes = k_piece;
        world.fetcher.on_piece = [&] { world.clock.advance(Millis(700)); };  // a checkpoint for every second piece
        world.files.forget_calls();
        world.files.cut_power_at(call);
        const bool done = world.run().ok();
        if (!world.files.power_is_off()) {
            REQUIRE(done);
            CHECK(call > 10);
            break;
        }
        world.start_process_again();
        const auto written = world.files.content("/state/d1/part").value_or("").size();
        const bool known = world.files.exists("/state/d1/checkpoint");
        const auto sent_before = world.fetcher.sent_bytes;
        const auto after = world.run();
        REQUIRE(after.ok());
        REQUIRE(world.part_is_right());
        CHECK(after->sha256 == trust::sha256_hex(world.content));
        if (known) {
            CHECK(world.fetcher.sent_bytes - sent_before == world.content.size() - written);
        }
    }
}

TEST_CASE("after another start of the machine only what was synced counts, whatever the part holds") {
    DownloadFixture world(300000);
    world.request.sha256.clear();  // nothing would catch a mixture
    world.fetcher.piece_bytes = 65536;
    world.fetcher.faults.push_back({.cut_after = 150000});
    world.options.attempts = 1;
    REQUIRE_FALSE(world.run().ok());
    world.files.put("/state/d1/part", world.content.substr(0, 150000) + std::string(50000, 'x'));
    SUBCASE("another start") { world.options.boot_id = "later"; }
    SUBCASE("no start is known") { world.options.boot_id.clear(); }
    REQUIRE(world.run().ok());
    CHECK(world.part_is_right());
    CHECK(world.observer.resumed_at == std::vector<std::uint64_t>{150000});
}

TEST_CASE("bytes at hand that changed since their checkpoint are not used, in a part and in a finished file") {
    for (const bool finished : {false, true}) {
        for (const bool digest_known : {false, true}) {
            CAPTURE(finished);
            CAPTURE(digest_known);
            DownloadFixture world(300000);
            if (!digest_known) {
                world.request.sha256.clear();  // nothing else would catch it
            }
            world.fetcher.piece_bytes = 65536;
            world.options.attempts = 1;
            if (!finished) {
                world.fetcher.faults.push_back({.cut_after = 150000});
            }
            REQUIRE(world.run().ok() == finished);
            auto bytes = *world.files.content("/state/d1/part");
            SUBCASE("a flipped bit") { bytes[1000] = static_cast<char>(bytes[1000] ^ 1); }
            SUBCASE("an end that is lost") { bytes.resize(1000); }
            world.files.put("/state/d1/part", bytes);
            const auto again = world.run();
            REQUIRE(again.ok());
            CHECK(world.part_is_right());
            CHECK(again->sha256 == trust::sha256_hex(world.content));
        }
    }
}

TEST_CASE("a finished file survives a power cut without another request") {
    DownloadFixture world;
    REQUIRE(world.run().ok());
    world.files.power_cut();
    world.start_again(Unsynced::lost);
    const auto again = world.run();
    REQUIRE(again.ok());
    CHECK(again->attempts == 0);
    CHECK(world.part_is_right());
}

TEST_CASE("a hundred power cuts in a row cost no more than a tenth and one checkpoint interval each") {
    constexpr std::uint64_t k_piece = 16U << 10U, k_interval = 4 * k_piece, k_cuts = 100, k_seed = 20261123;
    DownloadFixture world(512U << 10U);
    world.fetcher.piece_bytes = k_piece;
    world.fetcher.on_piece = [&] { world.clock.advance(Millis(250)); };  // a checkpoint is due every second
    world.request.sha256.clear();  // resuming must be right by itself: nothing catches a mixture at the end
    std::uint64_t random = k_seed, cuts = 0, files = 0;
    CAPTURE(k_seed);
    while (cuts < k_cuts) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        world.files.forget_calls();
        world.files.cut_power_at(1 + (random >> 33U) % 60);
        const bool done = world.run().ok();
        if (world.files.power_is_off()) {
            ++cuts;
            world.start_again(static_cast<Unsynced>(cuts % 3));
            continue;
        }
        REQUIRE(done);
        REQUIRE(world.files.content(world.request.directory + "/part") == world.content);
        ++files;  // and the next one begins
        world.request.directory = "/state/f" + std::to_string(files);
        world.files.restart(Unsynced::kept);
    }
    const auto file = world.content.size();
    CHECK(world.fetcher.sent_bytes <= (files + 1) * (file + file / 10) + cuts * (k_interval + k_piece));
    CHECK(files >= 5);
}
