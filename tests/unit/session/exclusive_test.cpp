// SPDX-License-Identifier: Apache-2.0
// Owns the tests of trials beside other jobs: what waits for them, what does not, and when they are looked at.
#include "agent/session/exclusive.h"

#include "agent/work/hooks.h"
#include "tests/unit/session/plant.h"
#include "tests/unit/session/probe.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

struct Busy : Probed<Plant> {
    /// Offers an image (or upgrade) that goes on trial, waits for that, and starts the machine again.
    void begin_trial(const std::string& line = "trial", JobKind kind = JobKind::image) {
        publish_probe(line + "\n", {}, kind);
        CHECK(engine->offer(probe_job(kind, "first")) == Offer::taken);
        wait_idle();
        CHECK(listener.last.phase == Phase::ready_for_reboot);
        host.known.boot_id += "+";
    }
    [[nodiscard]] std::vector<std::string> ended() const {
        std::vector<std::string> ids;
        for (const auto& report : listener.finals()) {
            ids.push_back(report.job_id + (report.stage == ReportStage::success ? "" : " failed"));
        }
        return ids;
    }
};

using Ids = std::vector<std::string>;

void check_wait(JobKind kind, bool restarts) {
    Busy busy;
    busy.begin_trial();
    busy.publish_probe("write /data/second two\n", {}, kind);
    CHECK(busy.engine->offer(Busy::probe_job(kind, "second")) == Offer::taken);
    busy.wait_idle(2);
    CHECK(has_code(busy.listener.last.results, AgentCode::waits_for_trial));
    CHECK(busy.listener.text().find("waits for the trial of session 000001 (Demo 1.0) to end") != std::string::npos);
    CHECK_FALSE(busy.files.exists("/data/second"));
    CHECK(busy.engine->waiting() == Ids{"second"});
    CHECK(busy.engine->offer(Busy::probe_job(kind, "second")) == Offer::known);
    if (restarts) {
        busy.restart();
        busy.wait_idle();
        CHECK_FALSE(busy.files.exists("/data/second"));
    }
    CHECK(busy.ended().empty());
    busy.idle = std::make_unique<Event>();
    busy.engine->checked_in();
    busy.wait_idle();
    CHECK(busy.ended() == Ids{"first", "second"});
    CHECK(busy.files.content("/data/second") == "two");
}

TEST_CASE("no other image and no upgrade begins while one is on trial: it is seen to wait, and begins after it") {
    for (const auto kind : {JobKind::image, JobKind::upgrade}) {
        for (const bool restarts : {false, true}) {
            check_wait(kind, restarts);
        }
    }
}

TEST_CASE("a kind that only the manifest tells waits as well, also when the trial is told by a manifest only") {
    Busy busy;
    busy.publish_probe("trial\n", {}, JobKind::image);
    Job first = Busy::probe_job(JobKind::script, "first"), second = Busy::probe_job(JobKind::script, "second");
    first.kind_of_manifest = second.kind_of_manifest = true;
    CHECK(busy.engine->offer(first) == Offer::taken);
    busy.wait_idle();
    CHECK(busy.store.load("000001")->record.job.kind == JobKind::image);
    CHECK(busy.engine->offer(second) == Offer::taken);
    busy.wait_idle(2);
    CHECK(has_code(busy.listener.last.results, AgentCode::waits_for_trial));
    CHECK(busy.store.load("000002")->record.job.kind == JobKind::image);
}

TEST_CASE("the kind that a manifest has told stays when a manager that does not know it offers the job again") {
    Busy busy;
    busy.publish_probe("trial\n", {}, JobKind::image);
    Job job = Busy::probe_job(JobKind::script, "first");
    job.kind_of_manifest = true;
    CHECK(busy.engine->offer(job) == Offer::taken);
    busy.wait_idle();
    const auto session = Session::resume(busy.context, "000001", job);
    REQUIRE(session.ok());
    CHECK((*session)->record().job.kind == JobKind::image);
    CHECK(busy.store.load("000001")->record.job.kind == JobKind::image);
}

TEST_CASE("other kinds neither wait for a trial nor are waited for") {
    Busy busy;
    busy.begin_trial();
    busy.publish_probe("trial\n");
    CHECK(busy.engine->offer(Busy::probe_job(k_probe_kind, "software")) == Offer::taken);
    busy.wait_idle(2);
    CHECK(busy.listener.last.phase == Phase::ready_for_reboot);
    SessionRecord image;
    image.job.kind = JobKind::image;
    CHECK((*system_change_under_way(busy.store, image))->id == "000001");
    CHECK_FALSE(*system_change_under_way(busy.store, busy.store.load("000001")->record));
    busy.host.known.boot_id += "+";
    busy.engine->checked_in();
    busy.wait_idle(3);
    CHECK(busy.ended() == Ids{"first", "software"});
}

TEST_CASE("an image that waits for the restart keeps others out too; one that may be given up does not") {
    Busy busy;
    SUBCASE("waits for the restart") {
        busy.begin_trial("restart\nwrite /data/first one");
        busy.publish_probe("write /data/second two\n", {}, JobKind::image);
        CHECK(busy.engine->offer(Busy::probe_job(JobKind::image, "second")) == Offer::taken);
        busy.wait_idle(2);
        CHECK_FALSE(busy.files.exists("/data/second"));
        busy.restart();
        busy.wait_idle();
        CHECK(busy.ended() == Ids{"first", "second"});
    }
    SUBCASE("may be given up") {
        busy.publish_probe("suspend\n", {}, JobKind::image);
        CHECK(busy.engine->offer(Busy::probe_job(JobKind::image, "first")) == Offer::taken);
        busy.wait_idle();
        busy.publish_probe("write /data/second two\n", {}, JobKind::image);
        CHECK(busy.engine->offer(Busy::probe_job(JobKind::image, "second")) == Offer::taken);
        busy.wait_idle(2);
        CHECK(busy.ended() == Ids{"second"});
    }
}

TEST_CASE("what waits can be cancelled, the trial cannot") {
    Busy busy;
    busy.begin_trial();
    busy.publish_probe("write /data/second two\n", {}, JobKind::image);
    CHECK(busy.engine->offer(Busy::probe_job(JobKind::image, "second")) == Offer::taken);
    busy.wait_idle(2);
    CHECK(busy.engine->cancel("first", StopReason::manager) == CancelOutcome::too_late);
    CHECK(busy.engine->cancel("second", StopReason::manager) == CancelOutcome::stopping);
    busy.wait_idle(3);
    CHECK(busy.listener.finals().at(0).stage == ReportStage::cancelled);
    busy.engine->checked_in();
    busy.wait_idle(4);
    CHECK(busy.listener.finals().back().job_id == "first");
    CHECK_FALSE(busy.files.exists("/data/second"));
}

TEST_CASE("a command at the device is refused while a trial is under way") {
    Probed<Device> bed;
    bed.publish_probe("trial\n", {}, JobKind::image);
    CHECK(bed.run(Busy::probe_job(JobKind::image, "first")).value() == SessionEnd::on_trial);
    bed.stop.release();
    CHECK(bed.run(Busy::probe_job(JobKind::image, "second")).value() == SessionEnd::finished);
    CHECK(bed.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(has_code(bed.listener.last.results, AgentCode::waits_for_trial));
}

TEST_CASE("a trial is looked at again when its time has come, though nobody has checked in") {
    Busy busy;
    busy.begin_trial("deadline");
    const auto at = busy.engine->next_look();
    REQUIRE(at.has_value());
    CHECK(*at == busy.clock.uptime() + Seconds{600});
    busy.engine->look_again();  // nothing is due
    CHECK(busy.engine->idle());
    SUBCASE("nobody has answered") {
        busy.clock.advance(Seconds{600});
        busy.engine->look_again();
        busy.wait_idle(2);
        CHECK(busy.listener.text().find("nobody has answered") != std::string::npos);
    }
    SUBCASE("somebody has") {
        busy.engine->manager_answered();
        busy.wait_idle(2);
        CHECK(busy.ended().empty());
        busy.engine->manager_answered();  // no news
        CHECK(busy.engine->idle());
        busy.clock.advance(Seconds{600});
        busy.engine->look_again();
        busy.wait_idle(3);
        CHECK(busy.listener.text().find("did not say the right thing") != std::string::npos);
    }
    SUBCASE("and at the next start, of itself") {
        busy.clock.advance(Seconds{601});
        busy.restart();
        busy.wait_idle();
    }
    CHECK(busy.ended() == Ids{"first failed"});
    CHECK_FALSE(busy.engine->next_look().has_value());
}

TEST_CASE("a trial that has found itself bad restarts the machine, forces that, and says so in its next start") {
    Busy busy;
    busy.begin_trial("deadline-restarts");
    busy.clock.advance(Seconds{600});
    busy.engine->look_again();
    busy.wait_idle(2);
    CHECK(busy.ended().empty());
    CHECK(busy.host.actions.size() == 1);
    CHECK(busy.engine->cancel("first", StopReason::manager) == CancelOutcome::too_late);
    CHECK(busy.engine->next_look() == busy.clock.uptime() + work::k_restart_patience);
    busy.clock.advance(work::k_restart_patience);
    busy.engine->look_again();
    busy.wait_idle(3);
    CHECK(busy.host.forced == 1);
    CHECK(busy.ended().empty());
    busy.host.known.boot_id += "+";
    busy.restart();
    busy.wait_idle();
    CHECK(busy.ended() == Ids{"first failed"});
    CHECK(busy.listener.text().find("nobody has answered") != std::string::npos);
}

}  // namespace
}  // namespace hagent::session
