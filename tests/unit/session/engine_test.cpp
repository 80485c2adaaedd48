// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the queue of jobs: each once, one at a time, cancelled and stopped from other threads.
#include <thread>

#include "tests/unit/session/plant.h"

namespace hagent::session {
namespace {

Job waiting_job(const std::string& id = "job-1") {
    Job job = Device::job(id);
    job.execute = false;
    return job;
}

TEST_CASE("an offered job is worked off once") {
    Plant plant;
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle();
    CHECK(plant.engine->idle());
    CHECK(plant.listener.finals().size() == 1);
    CHECK(plant.store.list().value_or({}).size() == 1);
}

TEST_CASE("a job that runs or waits is known, another one queues, in order") {
    Plant plant;
    plant.block();
    CHECK(plant.engine->offer(Device::job("a")) == Offer::taken);
    REQUIRE(plant.entered.wait());
    CHECK(plant.engine->offer(Device::job("a")) == Offer::known);
    CHECK(plant.engine->offer(Device::job("b")) == Offer::taken);
    CHECK(plant.engine->offer(Device::job("b")) == Offer::known);
    CHECK_FALSE(plant.engine->idle());
    plant.gate.set();
    plant.wait_idle();
    plant.worker->stop();
    const auto finals = plant.listener.finals();
    REQUIRE(finals.size() == 2);
    CHECK(finals[0].job_id == "a");
    CHECK(finals[1].job_id == "b");
}

TEST_CASE("a job that came to its end while it was being offered is not begun anew") {
    Plant plant;
    std::string ended;
    plant.listener.ended = [&](const std::string& id) { return id == ended; };
    CHECK(plant.engine->offer(Device::job("a")) == Offer::taken);
    plant.wait_idle();
    ended = "a";
    CHECK(plant.engine->offer(Device::job("a")) == Offer::known);
    CHECK(plant.engine->offer(Device::job("b")) == Offer::taken);
    plant.wait_idle(2);
    CHECK(plant.listener.finals().size() == 2);
}

TEST_CASE("more jobs than may wait are offered in vain") {
    Plant plant;
    plant.block();
    CHECK(plant.engine->offer(Device::job("0")) == Offer::taken);
    REQUIRE(plant.entered.wait());
    for (std::size_t i = 1; i < limits::k_queued_jobs; ++i) {
        CHECK(plant.engine->offer(Device::job(std::to_string(i))) == Offer::taken);
    }
    CHECK(plant.engine->offer(Device::job("one more")) == Offer::full);
}

TEST_CASE("a queued job that is cancelled is dropped without a trace") {
    Plant plant;
    plant.block();
    CHECK(plant.engine->offer(Device::job("a")) == Offer::taken);
    REQUIRE(plant.entered.wait());
    CHECK(plant.engine->offer(Device::job("b")) == Offer::taken);
    CHECK(plant.engine->cancel("b", StopReason::manager) == CancelOutcome::dropped);
    CHECK(plant.engine->cancel("b", StopReason::manager) == CancelOutcome::unknown);
    plant.gate.set();
    plant.wait_idle();
    CHECK(plant.listener.finals().size() == 1);
    CHECK(plant.store.list().value_or({}).size() == 1);
}

TEST_CASE("a running job is stopped while files are fetched, and not once it executes") {
    Plant plant;
    SUBCASE("while files are fetched") {
        Event fetching, go_on;
        fakes::FakeFault fault;
        fault.before = [&] {
            fetching.set();
            CHECK(go_on.wait());
        };
        plant.fetcher.faults.push_back(fault);
        CHECK(plant.engine->offer(Device::job()) == Offer::taken);
        REQUIRE(fetching.wait());
        CHECK(plant.engine->cancel("job-1", StopReason::manager) == CancelOutcome::stopping);
        go_on.set();
        plant.wait_idle();
        CHECK(plant.listener.finals().at(0).stage == ReportStage::cancelled);
        CHECK(plant.processes.calls.empty());
    }
    SUBCASE("while it executes") {
        plant.block();
        CHECK(plant.engine->offer(Device::job()) == Offer::taken);
        REQUIRE(plant.entered.wait());
        CHECK(plant.engine->cancel("job-1", StopReason::manager) == CancelOutcome::too_late);
        CHECK(plant.engine->cancel_session("000001", StopReason::operators) == CancelOutcome::too_late);
        plant.gate.set();
        plant.wait_idle();
        CHECK(plant.listener.finals().at(0).stage == ReportStage::success);
    }
    CHECK(plant.engine->cancel("another", StopReason::manager) == CancelOutcome::unknown);
    CHECK(plant.engine->cancel_session("000099", StopReason::operators) == CancelOutcome::unknown);
}

TEST_CASE("a job that waits for permission to execute") {
    Plant plant;
    CHECK(plant.engine->offer(waiting_job()) == Offer::taken);
    plant.wait_idle();
    CHECK(plant.engine->idle());
    CHECK(plant.engine->waiting() == std::vector<std::string>{"job-1"});
    CHECK(plant.processes.calls.empty());

    SUBCASE("is known when it is offered again without permission") {
        CHECK(plant.engine->offer(waiting_job()) == Offer::known);
    }
    SUBCASE("is executed when permission comes") {
        CHECK(plant.engine->offer(Device::job()) == Offer::taken);
        plant.wait_idle(2);
        CHECK(plant.processes.calls.size() == 1);
        CHECK(plant.listener.finals().at(0).stage == ReportStage::success);
        CHECK(plant.engine->waiting().empty());
        CHECK(plant.store.list().value_or({}).size() == 1);
    }
    SUBCASE("comes to an orderly end when it is cancelled") {
        CHECK(plant.engine->cancel("job-1", StopReason::manager) == CancelOutcome::stopping);
        plant.wait_idle(2);
        CHECK(plant.listener.finals().at(0).stage == ReportStage::cancelled);
        CHECK(plant.engine->waiting().empty());
    }
    SUBCASE("still waits after a restart of the agent, and is executed then") {
        plant.restart();
        plant.wait_idle();
        CHECK(plant.engine->waiting() == std::vector<std::string>{"job-1"});
        CHECK(plant.engine->offer(Device::job()) == Offer::taken);
        plant.wait_idle(2);
        CHECK(plant.listener.finals().at(0).stage == ReportStage::success);
        CHECK(plant.store.list().value_or({}).size() == 1);
    }
}

TEST_CASE("a shutdown stops what runs and begins nothing, the next life finishes it") {
    Plant plant;
    plant.block();
    plant.publish("EX \"work\"\nEX \"block\" \"+r\"\n", {});
    CHECK(plant.engine->offer(Device::job("a")) == Offer::taken);
    REQUIRE(plant.entered.wait());
    CHECK(plant.engine->offer(Device::job("b")) == Offer::taken);
    plant.engine->shut_down();
    plant.gate.set();
    plant.wait_idle();
    CHECK(plant.engine->offer(Device::job("c")) == Offer::full);
    CHECK(plant.listener.finals().empty());
    plant.restart();
    plant.wait_idle();
    const auto finals = plant.listener.finals();
    REQUIRE(finals.size() == 1);
    CHECK(finals[0].job_id == "a");
    CHECK(finals[0].stage == ReportStage::success);
}

TEST_CASE("a session that waits for the machine to restart is not begun anew when its job is offered again") {
    Plant plant;
    plant.publish("EX \"work\"\nRB\nEX \"work\"\n", {});
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle();
    CHECK(plant.engine->idle());
    CHECK(plant.host.actions.size() == 1);
    CHECK(plant.engine->offer(Device::job()) == Offer::known);
    CHECK(plant.engine->cancel("job-1", StopReason::manager) == CancelOutcome::too_late);

    SUBCASE("the machine restarts") {
        plant.host.known.boot_id = "next";
        plant.restart();
        // unless it is over already
        CHECK(plant.engine->cancel("job-1", StopReason::manager) != CancelOutcome::stopping);
        plant.wait_idle();
        CHECK(plant.host.actions.size() == 1);
    }
    SUBCASE("it does not: a later offer asks it once more") {
        plant.clock.advance(Seconds{61});
        CHECK(plant.engine->offer(Device::job()) == Offer::taken);
        plant.wait_idle(2);
        CHECK(plant.host.actions.size() == 2);
        plant.host.known.boot_id = "next";
        plant.restart();
        plant.wait_idle();
    }
    CHECK(plant.store.list().value_or({}).size() == 1);
    CHECK(plant.processes.calls.size() == 2);
    CHECK(plant.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE(
    "a session whose journal could not be written goes on when the job is offered again later, and is never doubled") {
    Plant plant;
    plant.publish("EX \"work\"\nEX \"full\" \"+r\"\n", {});
    bool full = true;
    plant.processes.on("full", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        plant.files.set_read_only(full);
        return platform::Exit{};
    });
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle();
    CHECK(plant.listener.finals().empty());
    CHECK(plant.engine->offer(Device::job()) == Offer::known);
    plant.files.set_read_only(false);
    full = false;
    SUBCASE("later") {
        plant.clock.advance(Seconds{61});
        CHECK(plant.engine->offer(Device::job()) == Offer::taken);
        plant.wait_idle(2);
    }
    SUBCASE("after a restart") {
        plant.restart();
        plant.wait_idle();
    }
    CHECK(plant.listener.finals().at(0).stage == ReportStage::success);
    CHECK(plant.store.list().value_or({}).size() == 1);
    CHECK(std::count_if(plant.processes.calls.begin(), plant.processes.calls.end(),
                        [](const auto& c) { return c.argv[0] == "work"; }) == 1);
}

TEST_CASE("a job that could not even begin can be offered again") {
    Plant plant;
    plant.files.set_read_only(true);
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle();
    CHECK(plant.listener.reports.empty());
    plant.files.set_read_only(false);
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle(2);
    CHECK(plant.listener.finals().size() == 1);
}

TEST_CASE("a folder without a beginning, left by a power cut, is no session") {
    Plant plant;
    plant.files.put_directory("/var/lib/hagent/sessions/000001/package");
    plant.restart();
    plant.wait_idle();
    CHECK(plant.listener.reports.empty());
    CHECK(plant.store.list().value_or({"x"}).empty());
}

TEST_CASE("a session whose journal is damaged ends as failed at the next start, and its manager hears of it") {
    Plant plant;
    plant.publish("SF \"conf\" \"/etc/app.conf\"\nEX \"work\"\n", {{"conf", "a\n"}});
    CHECK(plant.engine->offer(waiting_job()) == Offer::taken);
    plant.wait_idle();
    plant.stop_worker();
    plant.listener.reports.clear();
    const std::string journal = "/var/lib/hagent/sessions/000001/journal";
    std::string bytes = *plant.files.content(journal);
    bytes[bytes.find("\"reboots\"")] ^= 0x20;
    plant.files.put(journal, bytes);
    plant.files.put(journal + ".copy", bytes);
    const std::string foreign = "/var/lib/hagent/sessions/000002/journal";
    plant.files.put(foreign, "these bytes are no journal");

    (void)mend_sessions(plant.context);
    plant.restart();
    plant.wait_idle();
    CHECK(plant.engine->idle());
    const auto finals = plant.listener.finals();
    REQUIRE(finals.size() == 1);
    CHECK(finals[0].job_id == "job-1");
    CHECK(finals[0].stage == ReportStage::failure);
    CHECK(plant.listener.text().find("journal is damaged") != std::string::npos);
    for (const char* id : {"000001", "000002"}) {
        const auto stored = plant.store.load(id);
        REQUIRE(stored.ok());
        CHECK(stored->record.ended.has_value());
        CHECK(has_code(stored->record.results, errors::AgentCode::corrupt_journal));
    }
}

TEST_CASE("a disk that cannot be written leaves a damaged session for the next start, and the start goes on") {
    Plant plant;
    const std::string foreign = "/var/lib/hagent/sessions/000001/journal";
    plant.files.put(foreign, "these bytes are no journal");
    plant.files.set_read_only(true);
    (void)mend_sessions(plant.context);
    plant.files.set_read_only(false);
    CHECK(plant.store.load("000001").error().is(errors::AgentCode::corrupt_journal));
    REQUIRE(plant.engine->resume_unfinished().ok());
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle(2);
    CHECK(plant.listener.finals().size() == 1);
    (void)mend_sessions(plant.context);
    CHECK(plant.store.load("000001").value().record.ended.has_value());
}

TEST_CASE("offers, cancels and questions from several threads at once") {
    Plant plant;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&plant, t] {
            for (int i = 0; i < 20; ++i) {
                const std::string id = std::to_string(t) + "-" + std::to_string(i);
                (void)plant.engine->offer(Device::job(id));
                (void)plant.engine->idle();
                (void)plant.engine->waiting();
                if (i % 3 == 0) {
                    (void)plant.engine->cancel(id, StopReason::manager);
                    (void)plant.engine->cancel_session("000001", StopReason::operators);
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    plant.stop_worker();
    for (const auto& report : plant.listener.finals()) {
        CHECK((report.stage == ReportStage::success || report.stage == ReportStage::cancelled ||
               report.stage == ReportStage::failure));
    }
}

}  // namespace
}  // namespace hagent::session
