// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what the session does with any kind of work: rests, trials, restarts, cancels, what is shown of
// them.
#include "tests/unit/session/probe.h"

#include "agent/session/json.h"
#include "tests/unit/session/plant.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

using Bed = Probed<Device>;
using Busy = Probed<Plant>;

TEST_CASE("a kind that the session has never heard of fetches, changes and is reported") {
    Bed bed;
    bed.publish_probe("look\nfetch f /data/f\nwrite /data/a one\nfail?\n", {{"f", "content"}});
    const auto end = bed.run(Bed::probe_job());
    REQUIRE(end.ok());
    INFO(bed.listener.text());
    CHECK(*end == SessionEnd::finished);
    CHECK(bed.files.content("/data/f") == "content");
    CHECK(bed.files.content("/data/a") == "one");
    REQUIRE(bed.listener.finals().size() == 1);
    CHECK(bed.listener.finals()[0].stage == ReportStage::success);
    CHECK(bed.listener.last.steps.at(3).state == work::StepState::failed);
    CHECK(std::count(bed.listener.phases.begin(), bed.listener.phases.end(), Phase::executing_files) == 1);
    CHECK(session_json(bed.listener.last).find(R"("kind":"software")") != std::string::npos);
}

TEST_CASE("a file is read part by part from where the package lies, stored nowhere, and counts as progress") {
    Bed bed;
    const std::string content(300001, 'x');
    bed.publish_probe("fetch g /data/g\nstream f /data/f\n", {{"f", content + "y"}, {"g", "12345"}});
    bed.fetcher.piece_bytes = 1000;
    bed.fetcher.on_piece = [&] { bed.clock.advance(Millis{100}); };
    std::uint64_t most = 0;
    bed.listener.on_change = [&](const SessionRecord& record) {
        if (record.progress.total != 300007) {
            return;  // before the plan
        }
        CHECK(record.progress.bytes >= most);
        most = std::max(most, record.progress.bytes);
    };
    CHECK(bed.run(Bed::probe_job()).value() == SessionEnd::finished);
    CHECK(bed.files.content("/data/f") == content + "y");
    CHECK(bed.listener.last.progress.total == 300007);
    CHECK(most == 300007);
    const auto& views = bed.listener.last.transfers;
    const auto view = std::find_if(views.begin(), views.end(), [](const auto& v) { return v.file == "f"; });
    REQUIRE(view != views.end());
    CHECK(view->state == TransferState::done);
    CHECK(view->bytes == 300002);
    CHECK(view->url == std::string(k_base_url) + "f");
    CHECK(bed.fetcher.asked.back().end == 150001);
}

TEST_CASE("a part that does not come fails the step and names the file and the server's word") {
    Bed bed;
    bed.publish_probe("stream f /data/f\n", {{"f", "12345"}});
    bed.fetcher.files.erase(std::string(k_base_url) + "f");
    CHECK(bed.run(Bed::probe_job()).value() == SessionEnd::finished);
    CHECK(bed.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(bed.listener.text().find(std::string("f: ") + k_base_url) != std::string::npos);
}

TEST_CASE("what analysis reads is fetched before it, checked in each life, and in a dry run as well") {
    Bed bed;
    bed.publish_probe("early early/t\nsuspend\n", {{"early/t", "one text"}});
    SUBCASE("a session") {
        CHECK(bed.run(Bed::probe_job()).value() == SessionEnd::suspended);
        CHECK(bed.listener.last.steps.at(0).effect == "early early/t: one text");
        const auto asked = bed.fetcher.asked.size();
        SUBCASE("kept") {}
        SUBCASE("changed meanwhile") {
            for (const unsigned number : {1U, 2U}) {
                const auto part = bed.store.download_directory(bed.id, number) + "/part";
                if (bed.files.content(plain(part)) == "one text") {
                    bed.files.put(plain(part), "two text");
                }
            }
            CHECK(bed.resume().value() == SessionEnd::finished);
            CHECK(bed.listener.last.steps.at(0).effect == "early early/t: one text");
            CHECK(bed.fetcher.asked.size() == asked + 1);
            return;
        }
        CHECK(bed.resume().value() == SessionEnd::finished);
        CHECK(bed.fetcher.asked.size() == asked);
    }
    SUBCASE("a dry run") {
        SessionRecord record;
        record.id = k_look;
        record.job = Bed::probe_job();
        const auto preview = dry_run(bed.context, record, CancelToken());
        REQUIRE(preview.ok());
        CHECK_FALSE(has_error(preview->results));
        CHECK(preview->json == R"({"probe":true})");
    }
    SUBCASE("it is another one") {
        bed.fetcher.files[std::string(k_base_url) + "early/t"].bytes = "bad text";
        CHECK(bed.run(Bed::probe_job()).value() == SessionEnd::finished);
        CHECK(has_code(bed.listener.last.results, AgentCode::digest_mismatch));
        CHECK(bed.listener.last.steps.empty());
    }
}

TEST_CASE("a restart that is asked for half-way is gone on with in the machine's next start") {
    Bed bed;
    bed.publish_probe("restart-half\nwrite /data/a one\n");
    CHECK(bed.run(Bed::probe_job()).value() == SessionEnd::rebooting);
    CHECK(bed.listener.last.phase == Phase::ready_for_reboot);
    CHECK(bed.host.actions.size() == 1);
    CHECK(bed.resume().value() == SessionEnd::rebooting);  // the agent alone has begun anew
    bed.host.known.boot_id += "+";
    CHECK(bed.resume().value() == SessionEnd::finished);
    CHECK(bed.files.content("/data/a") == "one");
}

TEST_CASE("what its analysis objects to ends the session before any change") {
    Bed bed;
    bed.publish_probe("write /data/a one\nnonsense\n");
    REQUIRE(bed.run(Bed::probe_job()).ok());
    CHECK(bed.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(has_code(bed.listener.last.results, AgentCode::unknown_command));
    CHECK_FALSE(bed.files.exists("/data/a"));
}

TEST_CASE("what fails is told and skips the rest") {
    Bed bed;
    bed.publish_probe("fail\nwrite /data/a one\n");
    REQUIRE(bed.run(Bed::probe_job()).ok());
    CHECK(bed.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(bed.listener.text().find("as it was told to") != std::string::npos);
    CHECK(bed.listener.last.steps.at(1).state == work::StepState::skipped);
}

TEST_CASE("a suspended session rests and goes on with the step that rested") {
    Bed bed;
    bed.publish_probe("write /data/a one\nsuspend\nwrite /data/b two\n");
    const auto rested = bed.run(Bed::probe_job());
    INFO(bed.listener.text());
    CHECK(rested.value() == SessionEnd::suspended);
    CHECK(bed.stored().suspended);
    CHECK(bed.listener.last.phase == Phase::suspended);
    CHECK(bed.listener.finals().empty());
    CHECK_FALSE(bed.files.exists("/data/b"));
    CHECK(bed.resume().value() == SessionEnd::finished);
    CHECK(bed.files.content("/data/b") == "two");
    CHECK(bed.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("a suspended session can be given up, one that executes cannot") {
    Busy busy;
    busy.publish_probe("write /data/a one\nsuspend\nwrite /data/b two\n");
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::taken);
    busy.wait_idle();
    CHECK(busy.engine->idle());
    SUBCASE("in the same life") {}
    SUBCASE("in the next one, before it goes on") {
        busy.stop_worker();
        busy.engine.reset();
        busy.start();
        busy.worker->stop();  // nothing is begun yet
        REQUIRE(busy.engine->resume_unfinished().ok());
        CHECK(busy.engine->cancel("job-1", StopReason::manager) == CancelOutcome::stopping);
        return;
    }
    CHECK(busy.engine->cancel("job-1", StopReason::manager) == CancelOutcome::stopping);
    busy.wait_idle(2);
    CHECK(busy.listener.last.phase == Phase::aborted);
    CHECK(busy.listener.finals().at(0).stage == ReportStage::cancelled);
    CHECK_FALSE(busy.files.exists("/data/b"));
}

TEST_CASE("a suspended session goes on when its job is offered again, not at once") {
    Busy busy;
    busy.publish_probe("suspend\nwrite /data/b two\n");
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::taken);
    busy.wait_idle();
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::known);
    busy.clock.advance(Seconds{61});
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::taken);
    busy.wait_idle(2);
    CHECK(busy.listener.finals().size() == 1);
    CHECK(busy.files.content("/data/b") == "two");
}

TEST_CASE("what is on trial is told as a success after a restart and a check-in only") {
    Busy busy;
    busy.publish_probe("write /data/a one\ntrial\n");
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::taken);
    busy.wait_idle();
    CHECK(busy.engine->idle());
    CHECK(busy.listener.last.phase == Phase::ready_for_reboot);
    CHECK(busy.listener.text().find("on trial") != std::string::npos);
    busy.engine->checked_in();  // it has not been restarted
    busy.wait_idle(2);
    CHECK(busy.listener.finals().empty());
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::known);
    CHECK(busy.engine->cancel("job-1", StopReason::manager) == CancelOutcome::too_late);
    busy.wait_idle(2);
    busy.host.known.boot_id += "+";
    busy.restart();
    busy.wait_idle();
    CHECK(busy.listener.finals().empty());  // nobody has answered yet
    busy.engine->checked_in();
    busy.wait_idle(2);
    REQUIRE(busy.listener.finals().size() == 1);
    CHECK(busy.listener.finals()[0].stage == ReportStage::success);
    CHECK(busy.listener.text().find("on trial") == busy.listener.text().rfind("on trial"));  // told once
}

TEST_CASE("a trial that was not good fails the job, with its reason") {
    Busy busy;
    busy.publish_probe("trial-fails\n");
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::taken);
    busy.wait_idle();
    busy.host.known.boot_id += "+";
    busy.restart();
    busy.wait_idle();
    busy.engine->checked_in();
    busy.wait_idle(2);
    REQUIRE(busy.listener.finals().size() == 1);
    CHECK(busy.listener.finals()[0].stage == ReportStage::failure);
    CHECK(busy.listener.text().find("the trial was not good") != std::string::npos);
}

TEST_CASE("the hooks around changes are closed before the trial, and not called again after it") {
    Bed bed;
    bed.settings.hooks_dir = rooted("/etc/hagent/hooks");
    std::vector<std::string> calls;
    for (const char* name : {"before-change", "after-change"}) {
        bed.files.put(std::string("/etc/hagent/hooks/") + name, "#!");
        bed.processes.on(
            rooted(std::string("/etc/hagent/hooks/") + name),
            [&calls, name](const platform::Command& command, const CancelToken&) -> Result<platform::Exit> {
                calls.push_back(name + (" " + command.argv.back()));
                return platform::Exit{};
            });
    }
    bed.publish_probe("write /data/a one\ntrial\n");
    CHECK(bed.run(Bed::probe_job()).value() == SessionEnd::on_trial);
    CHECK(calls == std::vector<std::string>{"before-change software", "after-change success"});
    bed.host.known.boot_id += "+";
    auto session = Session::resume(bed.context, bed.id, std::nullopt);
    REQUIRE(session.ok());
    CHECK((*session)->run(bed.stop, {true, false}).value() == SessionEnd::finished);
    CHECK(calls.size() == 2);
}

TEST_CASE("a kind that waits is stopped by a shutdown and goes on in the next life") {
    Busy busy;
    busy.publish_probe("write /data/a one\nwait\n");
    Event waits;
    busy.listener.on_change = [&](const SessionRecord& record) {
        if (record.steps.size() == 2 && record.steps[1].state == work::StepState::running) {
            waits.set();
        }
    };
    CHECK(busy.engine->offer(Busy::probe_job()) == Offer::taken);
    REQUIRE(waits.wait());
    CHECK(busy.engine->cancel("job-1", StopReason::manager) == CancelOutcome::too_late);
    busy.stop_worker();
    CHECK(busy.listener.finals().empty());
    CHECK_FALSE(busy.store.load("000001")->record.ended.has_value());
}

}  // namespace
}  // namespace hagent::session
