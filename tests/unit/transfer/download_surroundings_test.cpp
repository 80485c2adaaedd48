// SPDX-License-Identifier: Apache-2.0
// Owns the tests of downloads on a device in trouble: files that fail at any single call, clocks that jump.
#include <doctest/doctest.h>

#include <array>

#include "tests/unit/transfer/download_fixture.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

/// What a volume can say to a change, and what becomes of the part.
struct Trouble {
    AgentCode code;
    bool freed;  // the device is left as it was
};
constexpr std::array k_troubles = {
    Trouble{AgentCode::disk_full, true},          Trouble{AgentCode::quota_exceeded, true},
    Trouble{AgentCode::io_error, false},          Trouble{AgentCode::read_only, false},
    Trouble{AgentCode::permission_denied, false}, Trouble{AgentCode::file_not_found, false}};

void prepare(DownloadFixture& world) {
    world.fetcher.piece_bytes = 65536;
    world.fetcher.faults.push_back({.cut_after = 70000});
    world.clock.advance(Millis(2000));  // checkpoints are due
}

/// One download whose call number `call` fails; false once it takes fewer calls.
bool fails_at(const Trouble& trouble, std::uint64_t call) {
    DownloadFixture world(160000);
    prepare(world);
    world.files.forget_calls();
    world.files.fail_call(call, error(trouble.code, "volume"));
    const auto done = world.run();
    const auto calls = world.files.calls();
    INFO("call ", call, " of ", calls.size(), ": ", calls.empty() ? std::string() : calls.back());
    if (done.ok()) {
        CHECK(world.part_is_right());
    } else {
        CHECK(done.error().is(trouble.code));
        CHECK((!trouble.freed || world.files.content("/state/d1/part").value_or("").empty()));
    }
    world.fetcher.faults.clear();
    REQUIRE(world.run().ok());  // the trouble is over
    REQUIRE(world.part_is_right());
    return calls.size() >= call;
}

}  // namespace

TEST_CASE("a file error at any single change is told by its own code, and the next call brings the right bytes") {
    for (const auto& trouble : k_troubles) {
        INFO(static_cast<int>(trouble.code));
        std::uint64_t call = 1;
        while (fails_at(trouble, call)) {
            ++call;
        }
        CHECK(call > 10);
    }
}

TEST_CASE("a volume that is read-only from the start is told before anything is asked") {
    DownloadFixture world;
    world.files.set_read_only(true);
    CHECK(world.run().error().is(AgentCode::read_only));
    CHECK(world.fetcher.asked.empty());
}

TEST_CASE("a clock that jumps either way changes nothing: waits, progress and the bytes are the same") {
    constexpr auto k_decade_ms = std::int64_t{10} * 365 * 86400 * 1000;
    for (const std::int64_t jump : {-k_decade_ms, std::int64_t{-1}, std::int64_t{1}, k_decade_ms}) {
        CAPTURE(jump);
        DownloadFixture world(2000000);
        const auto leap = [&] { world.clock.set_wall({world.clock.wall().since_epoch + Millis(jump)}); };
        world.clock.on_wait = [&](Millis) { leap(); };
        for (int i = 0; i < 5; ++i) {
            world.fetcher.faults.push_back({.cut_after = 300000, .before = leap});
        }
        world.fetcher.faults.push_back({.refuse = errors::http(503), .retry_after = Seconds(7), .before = leap});
        const auto done = world.run();
        REQUIRE(done.ok());
        CHECK(world.part_is_right());
        CHECK(done->attempts == 7);
        CHECK(world.clock.waits() ==
              std::vector<Millis>{Millis(500), Millis(500), Millis(500), Millis(500), Millis(500), Millis(7000)});
    }
}

TEST_CASE("a device that slept through a download goes on with it") {
    DownloadFixture world(2000000);
    world.fetcher.faults.push_back({.refuse = errors::winsock(10054), .cut_after = 300000, .before = [&] {
                                        world.clock.advance(Millis(86400000));
                                    }});
    world.clock.on_wait = [&](Millis) { world.clock.advance(Millis(86400000)); };
    const auto done = world.run();
    REQUIRE(done.ok());
    CHECK(done->resumed_at == std::vector<std::uint64_t>{300000});
    CHECK(world.part_is_right());
}
