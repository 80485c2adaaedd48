// SPDX-License-Identifier: Apache-2.0
// Owns the tests of uploads over fakes.
#include "agent/transfer/upload.h"

#include <doctest/doctest.h>

#include "tests/unit/transfer/download_fixture.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {
struct World : DownloadFixture {
    Result<Uploaded> send(const UploadRequest& what) {
        observer = RememberingObserver();
        return upload(what, {files, clock, fetcher, options, random, cancel}, observer);
    }
};
}  // namespace

TEST_CASE("bytes and files are sent whole") {
    World world;
    UploadRequest request;
    request.url = "ftp://u:p@h/r.json";
    request.bytes = "{}";
    const auto sent = world.send(request);
    REQUIRE(sent.ok());
    CHECK(sent->bytes == 2);
    CHECK(world.fetcher.files["ftp://h/r.json"].bytes == "{}");
    CHECK(sent->decisions.at(0).source == "ftp://h/r.json");

    world.files.put("/log", world.content);
    request.file = "/log";
    request.url = "http://h/log";
    REQUIRE(world.send(request).ok());
    CHECK(world.fetcher.files["http://h/log"].bytes == world.content);
    CHECK(world.fetcher.asked.back().headers.back().first == "Content-Type");
}

TEST_CASE("a transient reply is waited out and a permanent one is final") {
    World world;
    UploadRequest request;
    request.url = "http://h/x";
    request.bytes = "x";
    world.fetcher.faults.push_back({.refuse = errors::http(503), .retry_after = Seconds(3)});
    world.fetcher.faults.push_back({.refuse = errors::ftp(452), .stage = Stage::stor});
    const auto sent = world.send(request);
    REQUIRE(sent.ok());
    CHECK(sent->attempts == 3);
    CHECK(world.clock.waits().at(0) == Millis(3000));

    world.fetcher.faults.push_back({.refuse = errors::ftp(553), .stage = Stage::stor});
    const auto refused = world.send(request);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().id == errors::ftp(553));
    CHECK(world.observer.attempts.size() == 1);
}

TEST_CASE("attempts to send are bounded, fallbacks included") {
    World world;
    world.options.attempts = 3;
    UploadRequest request;
    request.url = "ftp://h/x";
    for (int i = 0; i < 50; ++i) {
        world.fetcher.faults.push_back({.refuse = errors::ftp(522), .stage = Stage::epsv});
    }
    CHECK_FALSE(world.send(request).ok());
    CHECK(world.fetcher.asked.size() == 2);
    world.fetcher.asked.clear();
    for (auto& fault : world.fetcher.faults) {
        fault = {.refuse = errors::ftp(421), .stage = Stage::greeting};
    }
    CHECK(world.send(request).error().id == errors::ftp(421));
    CHECK(world.fetcher.asked.size() == 3);
}

TEST_CASE("a file that is not there is the device's fault") {
    World world;
    UploadRequest request;
    request.url = "http://h/x";
    request.file = "/nothing";
    CHECK(world.send(request).error().is(AgentCode::file_not_found));
    CHECK(world.fetcher.asked.empty());
}

TEST_CASE("a cancel ends the waiting") {
    World world;
    UploadRequest request;
    request.url = "http://h/x";
    world.fetcher.faults.push_back({.refuse = errors::http(503)});
    world.clock.on_wait = [&](Millis) { world.cancel.request(); };
    CHECK(world.send(request).error().is(AgentCode::cancelled));
}
