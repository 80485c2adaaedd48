// SPDX-License-Identifier: Apache-2.0
// Owns the tests of how trials hear of the manager, and of the time.
#include "agent/trials.h"

#include "tests/unit/manager/check_in_fixture.h"
#include "tests/unit/session/plant.h"
#include "tests/unit/session/probe.h"

namespace hagent {
namespace {

using errors::AgentCode;
using session::Offer;

struct Bed : session::Probed<session::Plant> {
    Bed() { idle = std::make_unique<session::Event>(); }

    void begin_trial(const std::string& line) {
        publish_probe(line + "\n", {}, JobKind::image);
        CHECK(engine->offer(probe_job(JobKind::image)) == Offer::taken);
        wait_idle();
        trials.jobs_idle();
        idle = std::make_unique<session::Event>();
    }
    /// The worker has become idle.
    void rest() {
        wait_idle();
        idle = std::make_unique<session::Event>();
        trials.jobs_idle();
    }
    [[nodiscard]] bool over() const { return !listener.finals().empty(); }
    [[nodiscard]] manager::ManagerView view(std::optional<Millis> success, std::optional<Millis> answer) const {
        manager::ManagerView shown;
        shown.last_success = success ? std::optional(WallTime{*success}) : std::nullopt;
        shown.last_answer = answer ? std::optional(WallTime{*answer}) : std::nullopt;
        return shown;
    }

    manager::fixture::HandTimers timers{clock};
    manager::fixture::Fixture manager;
    unsigned asked = 0;
    Trials trials{*engine, timers, clock, [this] { ++asked; }};
};

TEST_CASE("a trial is looked at when its time has come, by a timer") {
    Bed bed;
    bed.begin_trial("deadline");
    CHECK(bed.engine->has_trial());
    CHECK(bed.timers.next() == Seconds{600});
    bed.timers.advance(Seconds{600});
    bed.rest();
    CHECK(bed.over());
    CHECK_FALSE(bed.engine->has_trial());
    CHECK_FALSE(bed.timers.next().has_value());
}

TEST_CASE("a check-in that ended well decides it once, an answer alone is only told") {
    Bed bed;
    bed.begin_trial("deadline");
    bed.trials.heard(bed.view({}, {}));
    CHECK(bed.engine->idle());
    bed.trials.heard(bed.view({}, Millis{5}));
    bed.rest();
    CHECK_FALSE(bed.over());
    bed.trials.heard(bed.view({}, Millis{6}));  // no news for it
    CHECK(bed.engine->idle());
    bed.trials.heard(bed.view(Millis{7}, Millis{7}));
    bed.rest();
    CHECK(bed.over());
    CHECK(bed.listener.finals().at(0).stage == session::ReportStage::success);
}

TEST_CASE("work that asks the manager hears how the check-in ended") {
    Bed bed;
    const CancelToken cancel;
    CHECK(bed.trials.check_in(Seconds{5}, cancel).error().is(AgentCode::unsupported_here));
    bed.trials.attach(*bed.manager.check_in);
    CHECK(bed.trials.check_in(Seconds{5}, cancel).error().is(AgentCode::timed_out));
    CHECK(bed.asked == 1);
    bed.clock.on_wait = [&](Millis) { bed.trials.heard(bed.view(Millis{9}, {})); };
    CHECK(bed.trials.check_in(Seconds{5}, cancel).ok());
    bed.clock.on_wait = [&](Millis) {
        auto failed = bed.view(Millis{9}, {});
        failed.last_error = Error(error(AgentCode::connect_timeout));
        bed.trials.heard(failed);
    };
    CHECK(bed.trials.check_in(Seconds{5}, cancel).error().is(AgentCode::connect_timeout));
    CancelToken cancelled;
    cancelled.request();
    CHECK(bed.trials.check_in(Seconds{5}, cancelled).error().is(AgentCode::cancelled));
}

TEST_CASE("work reaches the manager through its session, and sees what the last offer of its job says") {
    Bed bed;
    bed.trials.attach(*bed.manager.check_in);
    bed.publish_probe("ask\n", {}, JobKind::image);
    auto job = Bed::probe_job(JobKind::image);
    bed.clock.on_wait = [&](Millis) {
        job.execute = bed.asked > 1;
        (void)bed.engine->offer(job);  // known: it runs
        bed.trials.heard(bed.view(Millis{bed.asked}, {}));
    };
    CHECK(bed.engine->offer(job) == Offer::taken);
    bed.rest();
    CHECK(bed.asked == 2);
    CHECK(bed.over());
    CHECK(bed.listener.finals().at(0).stage == session::ReportStage::success);
}

}  // namespace
}  // namespace hagent
