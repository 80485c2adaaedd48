// SPDX-License-Identifier: Apache-2.0
// Owns the tests of when an upgrade that a manager offers may begin, and of what a release undoes.
#include "agent/job_guard.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_files.h"

namespace hagent {
namespace {

using errors::AgentCode;

struct Fixture {
    fakes::FakeFiles files;
    fakes::FakeClock clock;
    config::Settings settings = config::default_settings();
    WallTime midnight{std::chrono::hours{24 * 20000}};

    Fixture() {
        settings.state_dir = "/s";
        REQUIRE(files.make_directories("/s", 0700).ok());
        clock.set_wall(midnight);
    }
    static session::Job job(JobKind kind = JobKind::upgrade, work::Options options = {}) {
        session::Job out;
        out.id = "j1";
        out.kind = kind;
        out.options = std::move(options);
        return out;
    }
    Result<session::Leave::Wait> wait(const session::Job& job, Millis known_for = {},
                                      const std::string& device = "tc-7") {
        const WallTime now = clock.wall();
        return UpgradeLeave(files, clock, settings, device).wait_of(job, WallTime{now.since_epoch - known_for});
    }
};

TEST_CASE("without a word about it every job begins at once") {
    Fixture device;
    CHECK(device.wait(Fixture::job()).value().in == Millis{0});
    device.settings.upgrade.window = config::parse_window("12:00-13:00 UTC");
    device.settings.upgrade.automatic = false;
    for (const auto kind : {JobKind::script, JobKind::software, JobKind::image}) {
        CHECK(device.wait(Fixture::job(kind)).value().in == Millis{0});
    }
}

TEST_CASE("upgrade.auto off: no upgrade begins because a manager says so") {
    Fixture device;
    device.settings.upgrade.automatic = false;
    CHECK(device.wait(Fixture::job()).error().is(AgentCode::upgrade_by_hand));
}

TEST_CASE("a fleet begins evenly over the spread, each device always at its own place") {
    Fixture device;
    device.settings.upgrade.spread = Seconds{1000};
    unsigned early = 0;
    for (unsigned i = 0; i < 100; ++i) {
        const std::string id = "tc-" + std::to_string(i);
        const auto wait = device.wait(Fixture::job(), {}, id).value().in;
        CHECK(wait < Seconds{1000});
        CHECK(device.wait(Fixture::job(), {}, id).value().in == wait);
        const auto later = device.wait(Fixture::job(), Seconds{300}, id).value().in;
        CHECK(later == std::max(wait - Seconds{300}, Millis{0}));
        early += wait < Seconds{500} ? 1U : 0U;
    }
    CHECK(early >= 45);
    CHECK(early <= 55);
    CHECK(device.wait(Fixture::job(), Seconds{-5000}).value().in == Millis{0});  // the clock was set back
}

TEST_CASE("in a window a fleet begins evenly between its opening and its end") {
    Fixture device;
    device.settings.upgrade.window = config::parse_window("01:00-03:00 UTC");
    unsigned early = 0;
    for (unsigned i = 0; i < 100; ++i) {
        const std::string id = "tc-" + std::to_string(i);
        device.clock.set_wall(device.midnight);
        const auto wait = device.wait(Fixture::job(), {}, id).value().in;
        CHECK(wait >= Seconds{3600});
        CHECK(wait < Seconds{3 * 3600});
        device.clock.set_wall(WallTime{device.midnight.since_epoch + wait - Seconds{1}});
        CHECK(device.wait(Fixture::job(), {}, id).value().in <= Seconds{1});
        device.clock.set_wall(WallTime{device.midnight.since_epoch + wait});
        CHECK(device.wait(Fixture::job(), {}, id).value().in == Millis{0});
        early += wait < Seconds{2 * 3600} ? 1U : 0U;
    }
    CHECK(early >= 45);
    CHECK(early <= 55);
    device.settings.upgrade.spread = Seconds{60};
    device.clock.set_wall(device.midnight);
    CHECK(device.wait(Fixture::job()).value().in < Seconds{3660});
}

TEST_CASE("an offer brings its own window and the server's zone; the configuration goes before it") {
    Fixture device;
    const auto offered = Fixture::job(JobKind::upgrade, {{"window", "05:00-06:00"}, {"zone", "UTC"}});
    CHECK(device.wait(offered).value().in >= Seconds{5 * 3600});
    CHECK(device.wait(offered).value().in < Seconds{6 * 3600});
    device.settings.upgrade.window = config::parse_window("01:00-02:00");
    CHECK(device.wait(offered).value().in < Seconds{2 * 3600});
}

TEST_CASE("a zone that is not known here is no reason to wait for ever") {
    Fixture device;
    CHECK(
        device.wait(Fixture::job(JobKind::upgrade, {{"window", "00:00-24:00"}, {"zone", "Nowhere/Land"}})).value().in <
        std::chrono::hours{24 * 8});
}

TEST_CASE("what is released may be done again under its old id, also in the next life of the agent") {
    Fixture device;
    device.settings.upgrade.loop_rounds = 1;
    const auto open = [&] { return std::move(open_parking(device.files, device.settings)).value(); };
    auto parking = open();
    session::SessionRecord record;
    record.id = "000001";
    record.job = Fixture::job(JobKind::image);
    record.package = "thin";
    REQUIRE(parking->begins(record, "", "", device.clock.wall()).ok());
    REQUIRE(parking->ends(record, session::ReportStage::success, true).ok());
    record.id = "000002";
    REQUIRE_FALSE(parking->admit(record, device.clock.wall()).ok());

    auto reports = std::move(manager::ReportQueue::open(device.files, "/s/reports")).value();
    session::Report held{"j1", session::ReportStage::failure, {"held"}, 0, 0, true};
    REQUIRE(reports->add(held).ok());
    session::Store::Memory memory;
    memory.jobs.push_back({record.job, held});
    forget_released(*parking, memory);
    CHECK(memory.jobs[0].final.has_value());

    CHECK(release_job(*parking, *reports, "other").error().is(AgentCode::not_parked));
    CHECK(release_job(*parking, *reports, "j1").ok());
    CHECK_FALSE(reports->finished("j1"));
    reports.reset();
    parking = open();
    reports = std::move(manager::ReportQueue::open(device.files, "/s/reports")).value();
    forget_released(*parking, memory);
    CHECK_FALSE(memory.jobs[0].final.has_value());
    REQUIRE(reports->recover(memory, false).ok());
    CHECK_FALSE(reports->finished("j1"));
    CHECK_FALSE(reports->offered("j1", "content").value());
    CHECK(parking->admit(record, device.clock.wall()).ok());
}

}  // namespace
}  // namespace hagent
