// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the loop guard: what counts, what holds a job, what lets it go, and what a power cut leaves.
#include "agent/session/parking.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_files.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

constexpr std::string_view k_path = "/s/rounds";
const WallTime k_start{std::chrono::hours{24 * 365 * 56}};

SessionRecord record_of(unsigned session, JobKind kind, std::string package, std::string version) {
    SessionRecord record;
    record.id = "00000" + std::to_string(session);
    record.job.id = "job-" + std::to_string(session);
    record.job.kind = kind;
    record.package = std::move(package);
    record.version = std::move(version);
    record.started = k_start;
    return record;
}

TaskResult failure(errors::Id id) { return {id, errors::Severity::error, 1, {}, {}}; }

/// A device that lives as long as its files.
struct Guarded {
    fakes::FakeFiles files;
    LoopLimits limits{3, std::chrono::hours{24}};
    std::unique_ptr<Parking> parking;
    WallTime now = k_start;
    unsigned sessions = 0;

    Guarded() {
        REQUIRE(files.make_directories("/s", 0700).ok());
        restart();
    }
    void restart() {
        parking.reset();
        auto opened = Parking::open(files, std::string(k_path), limits);
        REQUIRE(opened.ok());
        parking = std::move(*opened);
    }
    void later(Millis by) { now.since_epoch += by; }
    SessionRecord offered(JobKind kind, const std::string& package, const std::string& version) {
        later(Seconds{60});
        return record_of(++sessions, kind, package, version);
    }
    /// The code that holds it, or nothing: then it was done, and ended so.
    std::optional<AgentCode> round(SessionRecord record, ReportStage stage, const std::string& from = "0") {
        if (const auto admitted = parking->admit(record, now); !admitted.ok()) {
            return admitted.error().is(AgentCode::parked) ? AgentCode::parked : AgentCode::job_in_circle;
        }
        REQUIRE(parking->begins(record, from, "boot", now).ok());
        REQUIRE(parking->ends(record, stage, true).ok());
        return std::nullopt;
    }
    std::optional<AgentCode> image(const std::string& version = "11.1") {
        return round(offered(JobKind::image, "thin", version), ReportStage::success, "11.0");
    }
    std::optional<AgentCode> upgrade(const std::string& version = "0.2.0.0") {
        return round(offered(JobKind::upgrade, "hagent", version), ReportStage::success, "0.1.0.0");
    }
    std::optional<AgentCode> failed_upgrade(errors::Id why) {
        auto record = offered(JobKind::upgrade, "hagent", "0.3.0.0");
        record.results.push_back(failure(errors::agent(AgentCode::step_failed)));
        record.results.push_back(failure(why));
        return round(record, ReportStage::failure);
    }
};

TEST_CASE(
    "an image with an old agent and the upgrade of that agent go round as often as allowed, then the image is held") {
    Guarded device;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(device.image());
        device.restart();
        CHECK_FALSE(device.upgrade());
    }
    CHECK(device.image() == AgentCode::job_in_circle);
    const auto parked = device.parking->list();
    REQUIRE(parked.size() == 1);
    CHECK(parked[0].job == "job-7");
    CHECK(parked[0].rounds == 3);
    CHECK(parked[0].circle);
    CHECK(parked[0].why ==
          "image thin 11.1 was done 3 times within 24 h, in a circle with upgrade hagent 0.2.0.0 (from 0.1.0.0); "
          "rebuild the configuration with an image that holds agent 0.2.0.0");
}

TEST_CASE("a circle that is released goes round as often again, whichever of its jobs was held") {
    Guarded device;
    const auto goes_round = [&] {
        for (int i = 0; i < 3; ++i) {
            CHECK_FALSE(device.image());
            CHECK_FALSE(device.upgrade());
        }
        CHECK(device.image() == AgentCode::job_in_circle);
    };
    goes_round();
    REQUIRE(device.parking->release("thin").ok());
    device.restart();
    goes_round();
}

TEST_CASE("a job that failed and is released does not give the jobs of a circle more rounds") {
    Guarded device;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(device.image());
        CHECK_FALSE(device.failed_upgrade(errors::agent(AgentCode::io_error)));
    }
    CHECK(device.failed_upgrade(errors::agent(AgentCode::io_error)) == AgentCode::parked);
    REQUIRE(device.parking->release("hagent").ok());
    CHECK(device.image() == AgentCode::job_in_circle);
}

TEST_CASE("a circle is told without versions that are not known") {
    Guarded device;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(device.upgrade());
        CHECK_FALSE(device.round(device.offered(JobKind::image, "thin", "11.1"), ReportStage::success, ""));
    }
    CHECK(device.upgrade() == AgentCode::job_in_circle);
    CHECK(device.parking->list().at(0).why.find("in a circle with image thin 11.1; rebuild") != std::string::npos);
}

TEST_CASE("what is held stays held over restarts and for ever, under any id, until somebody releases it") {
    Guarded device;
    while (!device.image()) {
    }
    device.restart();
    device.later(std::chrono::hours{1000});
    CHECK(device.image() == AgentCode::job_in_circle);
    CHECK(device.parking->holds("job-4"));
    CHECK(device.parking->holds("job-5"));
    CHECK(Parking::look(device.files, std::string(k_path)).value().at(0).job == "job-5");

    SUBCASE("by the id of any job that was stopped") {
        CHECK(device.parking->release("job-4").value() == std::vector<std::string>{"job-4", "job-5"});
    }
    SUBCASE("by its package") { CHECK(device.parking->release("thin").value().size() == 2); }
    SUBCASE("by all that it is") { CHECK(device.parking->release("image thin 11.1").value().size() == 2); }
    device.restart();
    CHECK(device.parking->list().empty());
    CHECK_FALSE(device.parking->holds("job-4"));
    CHECK_FALSE(device.image());
    CHECK_FALSE(device.image());
    CHECK_FALSE(device.image());
    CHECK(device.image() == AgentCode::job_in_circle);
}

TEST_CASE("nothing that is not held can be released") {
    Guarded device;
    CHECK_FALSE(device.image());
    CHECK(device.parking->release("job-1").error().is(AgentCode::not_parked));
}

TEST_CASE("another version, another package and another kind are other jobs") {
    Guarded device;
    while (!device.image("11.1")) {
    }
    CHECK_FALSE(device.image("11.2"));
    CHECK_FALSE(device.upgrade("11.1"));
    CHECK_FALSE(device.round(device.offered(JobKind::image, "thick", "11.1"), ReportStage::success));
}

TEST_CASE("rounds of another day do not count, whichever way the clock was set") {
    Guarded device;
    CHECK_FALSE(device.image());
    CHECK_FALSE(device.image());
    SUBCASE("later") { device.later(std::chrono::hours{25}); }
    SUBCASE("earlier") { device.later(-std::chrono::hours{25}); }
    CHECK_FALSE(device.image());
    CHECK_FALSE(device.image());
    CHECK_FALSE(device.image());
    CHECK(device.image() == AgentCode::job_in_circle);
}

TEST_CASE("an upgrade that fails again and again is held with what it failed of") {
    Guarded device;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(device.failed_upgrade(errors::agent(AgentCode::io_error)));
    }
    CHECK(device.failed_upgrade(errors::agent(AgentCode::io_error)) == AgentCode::parked);
    CHECK(device.parking->list().at(0).why ==
          "upgrade hagent 0.3.0.0 failed 3 times within 24 h, the last time with io_error");
    CHECK_FALSE(device.parking->list().at(0).circle);
}

TEST_CASE("want of space, network or power is no reason to hold a job") {
    Guarded device;
    errors::Id why = errors::agent(AgentCode::disk_full);
    SUBCASE("space") {}
    SUBCASE("quota") { why = errors::agent(AgentCode::quota_exceeded); }
    SUBCASE("space of an analysis") { why = errors::xdsa(errors::Xdsa::dsa_over_limit); }
    SUBCASE("network") { why = errors::winsock(errors::Winsock::econnrefused); }
    SUBCASE("a server") { why = errors::http(503); }
    SUBCASE("power") { why = errors::agent(AgentCode::step_interrupted); }
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(device.failed_upgrade(why));
    }
}

TEST_CASE("a job that has not begun to change the device, was cancelled, or was given at the device does not count") {
    Guarded device;
    for (int i = 0; i < 10; ++i) {
        auto refused = device.offered(JobKind::image, "thin", "11.1");
        refused.results.push_back(failure(errors::agent(AgentCode::image_mismatch)));
        CHECK(device.parking->admit(refused, device.now).ok());
        CHECK(device.parking->ends(refused, ReportStage::failure, false).ok());
        CHECK_FALSE(device.round(device.offered(JobKind::image, "thin", "11.1"), ReportStage::cancelled));
        auto local = device.offered(JobKind::image, "thin", "11.1");
        local.job.id = "local:" + local.job.id;
        CHECK_FALSE(device.round(local, ReportStage::success));
    }
}

TEST_CASE("other kinds of job count when they fail after they had gone on, not when they are done") {
    Guarded device;
    const auto script = [&](ReportStage stage, unsigned resumptions) {
        auto record = device.offered(JobKind::script, "demo", "1");
        record.resumptions = resumptions;
        record.results.push_back(failure(errors::agent(AgentCode::io_error)));
        return device.round(record, stage);
    };
    for (int i = 0; i < 5; ++i) {
        CHECK_FALSE(script(ReportStage::success, 1));
        CHECK_FALSE(script(ReportStage::failure, 0));
    }
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(script(ReportStage::failure, 1));
    }
    CHECK(script(ReportStage::failure, 0) == AgentCode::parked);
}

TEST_CASE("the same end told twice is one round") {
    Guarded device;
    for (int i = 0; i < 2; ++i) {
        const auto record = device.offered(JobKind::image, "thin", "11.1");
        for (int life = 0; life < 3; ++life) {
            CHECK(device.parking->begins(record, "11.0", "boot", device.now).ok());
            CHECK(device.parking->ends(record, ReportStage::success, true).ok());
            device.restart();
        }
    }
    CHECK_FALSE(device.image());
    CHECK(device.image() == AgentCode::job_in_circle);
}

TEST_CASE("the memory stays small and holds as before when it was made smaller") {
    Guarded device;
    while (!device.image("11.1")) {
    }
    for (unsigned i = 0; i < 2000; ++i) {
        REQUIRE_FALSE(device.upgrade("1.0." + std::to_string(i) + ".0"));
    }
    CHECK(device.files.content(std::string(k_path)).value_or("").size() < (256U << 10U));
    device.restart();
    CHECK(device.image("11.1") == AgentCode::job_in_circle);
}

TEST_CASE("damage of both copies is known to who opens the journal, and the guard goes on") {
    Guarded device;
    CHECK_FALSE(device.image());
    device.files.put(std::string(k_path), "damaged");
    device.files.put(std::string(k_path) + ".copy", "damaged");
    device.restart();
    CHECK(device.parking->list().empty());
    CHECK_FALSE(device.image());
}

}  // namespace
}  // namespace hagent::session
