// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the runner with actions that do nothing but tell: order of records, rests, trials, restarts.
#include "agent/work/runner.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>

#include "agent/work/hooks.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"

namespace hagent::work {
namespace {

using errors::AgentCode;
using Lines = std::vector<std::string>;

struct Bed final : Actions, StepJournal, StepObserver {
    Result<Acted> act(const StepPlan& step, StepRecord& record) override {
        log.push_back("act " + std::to_string(step.n));
        record.boot_id = step.stops_machine ? host.known.boot_id : "";
        return on_act ? on_act(step) : Result<Acted>(Acted::done);
    }
    Status stop_machine(const StepPlan& step, StepRecord& /*record*/) override {
        log.push_back("stop " + std::to_string(step.n));
        return refuse_stop ? Status(error(AgentCode::reboot_failed)) : Status();
    }
    void begin(std::span<const StepRecord> /*records*/) override { log.emplace_back("begin"); }
    std::optional<TaskResult> end(std::span<const StepRecord> /*records*/) override {
        log.emplace_back("end");
        return std::nullopt;
    }
    Status intent(unsigned n) override {
        log.push_back("intent " + std::to_string(n));
        records[n] = StepRecord();
        records[n].n = n;
        records[n].state = StepState::running;
        return {};
    }
    Status done(const StepRecord& record) override {
        log.push_back(std::string(to_string(record.state)) + " " + std::to_string(record.n));
        records[record.n] = record;
        return {};
    }
    void step_changed(const StepRecord& /*record*/) override {}

    Outcome run() {
        std::vector<StepRecord> earlier;
        for (const auto& [n, record] : records) {
            earlier.push_back(record);
        }
        log.clear();
        auto outcome = run_steps(steps, *this, services, *this, *this, earlier, cancel);
        REQUIRE(outcome.ok());
        return std::move(outcome).value();
    }
    StepPlan& add() {
        StepPlan step;
        step.n = static_cast<unsigned>(steps.size() + 1);
        step.op = "DO";
        step.effect = "do it";
        steps.push_back(step);
        return steps.back();
    }

    fakes::FakeFiles files;
    fakes::FakeProcesses processes;
    fakes::FakeHost host;
    fakes::FakeClock clock;
    fakes::FakeDisks disks;
    Settings settings;
    Services services{files, processes, host, clock, disks, settings, {}};
    CancelToken cancel;
    std::vector<StepPlan> steps;
    std::map<unsigned, StepRecord> records;
    Lines log;
    std::function<Result<Acted>(const StepPlan&)> on_act;
    bool refuse_stop = false;
};

TEST_CASE("each step is journalled before and after, one that does nothing after only") {
    Bed bed;
    bed.add();
    bed.add().acts = false;
    CHECK(bed.run().ended == Ended::completed);
    CHECK(bed.log == Lines{"begin", "intent 1", "act 1", "done 1", "done 2", "end"});
}

TEST_CASE("what failed skips the rest, unless it was optional") {
    Bed bed;
    bed.add().optional = true;
    bed.add();
    bed.add();
    bed.on_act = [](const StepPlan& step) -> Result<Acted> {
        return step.n == 3 ? Result<Acted>(Acted::done) : error(AgentCode::file_not_found, "x");
    };
    const auto outcome = bed.run();
    CHECK(outcome.ended == Ended::failed);
    CHECK(outcome.steps[0].results.at(0).status == errors::Severity::warning);
    CHECK(outcome.steps[1].results.at(0).status == errors::Severity::error);
    CHECK(outcome.steps[1].results.at(0).context == "step 2 (DO): x");
    CHECK(outcome.steps[2].state == StepState::skipped);
    CHECK(outcome.results.back().id == errors::agent(AgentCode::step_failed));
}

TEST_CASE("a step that rests is acted again when work goes on, and so is one on trial") {
    for (const auto rest : {Acted::suspended, Acted::on_trial}) {
        Bed bed;
        bed.add();
        bed.add();
        bed.on_act = [&](const StepPlan& step) -> Result<Acted> { return step.n == 2 ? rest : Acted::done; };
        CHECK(bed.run().ended == (rest == Acted::suspended ? Ended::suspended : Ended::on_trial));
        CHECK(bed.log == Lines{"begin", "intent 1", "act 1", "done 1", "intent 2", "act 2", "end"});
        bed.on_act = nullptr;
        CHECK(bed.run().ended == Ended::completed);
        CHECK(bed.log == Lines{"begin", "intent 2", "act 2", "done 2", "end"});
    }
}

TEST_CASE("a step in flight is done again only when it may be") {
    Bed bed;
    bed.add();
    bed.add().may_repeat = false;
    for (const unsigned n : {1U, 2U}) {
        REQUIRE(bed.intent(n).ok());
    }
    const auto outcome = bed.run();
    CHECK(outcome.ended == Ended::failed);
    CHECK(bed.log == Lines{"begin", "intent 1", "act 1", "done 1", "failed 2", "end"});
    CHECK(outcome.steps[1].results.at(0).id == errors::agent(AgentCode::step_interrupted));
}

TEST_CASE("a stop of the machine is asked for behind its record, and again in the same start of the machine") {
    Bed bed;
    bed.add().stops_machine = true;
    bed.add();
    CHECK(bed.run().ended == Ended::reboot_requested);
    CHECK(bed.log == Lines{"begin", "intent 1", "act 1", "done 1", "stop 1"});
    CHECK(bed.run().ended == Ended::reboot_requested);
    CHECK(bed.log == Lines{"stop 1"});
    bed.host.known.boot_id += "+";
    CHECK(bed.run().ended == Ended::completed);
    CHECK(bed.log == Lines{"begin", "intent 2", "act 2", "done 2", "end"});
}

TEST_CASE("a step that has asked for a restart half-way is acted again behind it, and nothing is told as over") {
    Bed bed;
    bed.add();
    bed.on_act = [](const StepPlan&) -> Result<Acted> { return Acted::restarts; };
    CHECK(bed.run().ended == Ended::reboot_requested);
    CHECK(bed.log == Lines{"begin", "intent 1", "act 1"});
    bed.on_act = [](const StepPlan&) -> Result<Acted> { return error(AgentCode::command_failed, "fell back"); };
    CHECK(bed.run().ended == Ended::failed);
    CHECK(bed.log == Lines{"begin", "intent 1", "act 1", "failed 1", "end"});
}

TEST_CASE("a restart that does not come is forced when the patience is over") {
    Bed bed;
    CHECK_FALSE(*force_late_restart(bed.services, k_restart_patience - Millis{1}));
    CHECK(bed.host.forced == 0);
    CHECK(*force_late_restart(bed.services, k_restart_patience));
    CHECK(bed.host.forced == 1);
    bed.host.power_answer = error(AgentCode::permission_denied, "restart");
    const auto refused = force_late_restart(bed.services, k_restart_patience);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().id == errors::agent(AgentCode::reboot_failed));
}

TEST_CASE("a stop of the machine that is refused fails its step") {
    Bed bed;
    bed.add().stops_machine = true;
    bed.add();
    bed.refuse_stop = true;
    const auto outcome = bed.run();
    CHECK(outcome.ended == Ended::failed);
    CHECK(bed.log == Lines{"begin", "intent 1", "act 1", "done 1", "stop 1", "failed 1", "end"});
    CHECK(outcome.steps[1].state == StepState::skipped);
}

TEST_CASE("a cancel is seen between steps, and leaves the one in flight as it is") {
    Bed bed;
    bed.add();
    bed.add();
    bed.on_act = [&](const StepPlan&) -> Result<Acted> {
        bed.cancel.request();
        return error(AgentCode::cancelled);
    };
    CHECK(bed.run().ended == Ended::cancelled);
    CHECK(bed.records.at(1).state == StepState::running);
    CHECK(bed.log == Lines{"begin", "intent 1", "act 1", "end"});
}

}  // namespace
}  // namespace hagent::work
