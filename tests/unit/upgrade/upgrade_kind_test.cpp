// SPDX-License-Identifier: Apache-2.0
// Owns what analysis says about an agent's package, and the self-test of what was staged.
#include "agent/upgrade/upgrade_kind.h"

#include <doctest/doctest.h>

#include "agent/errors/catalogue.h"
#include "tests/unit/upgrade/device.h"

namespace hagent::upgrade {
namespace {

using errors::AgentCode;

/// A device with the preinstalled program only, and one package.
struct Offer {
    explicit Offer(std::string version_in) : version(std::move(version_in)) {
        settings.state = config::StatePaths(fakes::rooted("/var/lib/hagent"));
        settings.agents_dir = fakes::rooted("/data/agent");
        files.put_directory("/var/lib/hagent");
    }

    std::unique_ptr<work::Work> analyse() {
        manifest.kind = JobKind::upgrade;
        manifest.version = version;
        manifest.files = {{"linux/hagent", 7, trust::sha256_hex("program"), {}}};
        manifest.details = details;
        services = std::make_unique<work::Services>(work::Services{files, processes, host, clock, disks, settings, {}});
        return UpgradeKind({target}, "hagent")
            .analyse({manifest, package, std::string(), options, relocation, earlier, *services});
    }

    std::string results() {
        std::string out;
        const auto work = analyse();
        for (const auto& result : work->plan().results) {
            out += concat({out.empty() ? "" : " ", errors::describe(result.id).name});
        }
        return out;
    }

    fakes::FakeFiles files;
    fakes::FakeClock clock;
    fakes::FakeHost host;
    fakes::FakeDisks disks;
    fakes::FakeProcesses processes;
    work::Settings settings;
    work::Options options;
    std::string relocation;
    std::vector<work::StepRecord> earlier;
    std::unique_ptr<work::Services> services;
    trust::Manifest manifest;
    OnePackage package{"program"};
    std::string version, target = "linux";
    std::string details = R"({"targets":{"linux":"linux/hagent"},"allow_downgrade":false})";
};

const std::string k_here(agent_version());

TEST_CASE("a newer agent is planned in five steps") {
    Offer offer("99.0.0.0");
    const auto work = offer.analyse();
    CHECK(work->plan().results.empty());
    CHECK(work->plan().steps.size() == 5);
    REQUIRE(work->plan().downloads.size() == 1);
    CHECK(work->plan().downloads.front().path == "linux/hagent");
}

TEST_CASE("the same first three numbers are nothing to do, which is said") {
    Offer offer(k_here.substr(0, k_here.rfind('.')) + ".99");
    CHECK(offer.results() == "agent_not_newer");
    CHECK_FALSE(has_error(offer.analyse()->plan().results));
    CHECK(offer.analyse()->plan().steps.empty());
    CHECK(offer.analyse()->plan().downloads.empty());
}

TEST_CASE("an older agent is refused, unless the manifest or the job wants it") {
    Offer offer("0.0.1.0");
    CHECK(offer.results() == "agent_older");
    offer.options = {{"allow_downgrade", "true"}};
    CHECK(offer.results().empty());
    offer.options.clear();
    offer.details = R"({"targets":{"linux":"linux/hagent"},"allow_downgrade":true})";
    CHECK(offer.results().empty());
}

TEST_CASE("what cannot be is told before anything is fetched") {
    Offer offer("99.0.0.0");
    SUBCASE("another architecture") {
        offer.target = "linux-mips";
        CHECK(offer.results() == "agent_no_target");
    }
    SUBCASE("noexec") {
        offer.disks.all.front().no_programs = true;
        CHECK(offer.results() == "agent_place_noexec");
    }
    SUBCASE("no room") {
        offer.disks.all.front().free_bytes = offer.disks.all.front().available_bytes = 5;
        CHECK(has_error(offer.analyse()->plan().results));
    }
    SUBCASE("another trial") {
        Record record;
        record.trial.emplace().program = program("5.0.0.0");
        offer.files.put_directory("/var/lib/hagent/agent", 0700);
        REQUIRE(RecordFile(offer.files, offer.settings.state).write(record).ok());
        CHECK(offer.results() == "agent_on_trial");
    }
}

/// The outcome of a run whose self-test ends so.
work::Outcome run_with(Offer& offer, const Result<platform::Exit>& exit) {
    if (exit.ok()) {
        offer.processes.on("hagent", *exit);
    } else {
        offer.processes.on("hagent", exit.error());
    }
    offer.files.put(k_staged, "program");
    offer.files.put_directory(k_session);
    const auto work = offer.analyse();
    offer.services->scratch_dir = fakes::rooted(k_session);
    FileJournal journal(offer.files);
    NoObserver observer;
    const CancelToken cancel;
    work::Run run{*offer.services, journal, observer, offer.earlier, cancel};
    auto outcome = work->run(run);
    REQUIRE(outcome.ok());
    return *std::move(outcome);
}

TEST_CASE("what does not pass its self-test is never chosen") {
    const auto failed = [](const Result<platform::Exit>& exit) {
        Offer offer("99.0.0.0");
        const auto outcome = run_with(offer, exit);
        CHECK(outcome.ended == work::Ended::failed);
        CHECK(outcome.results.front().id == errors::agent(AgentCode::agent_self_test_failed));
        CHECK_FALSE(offer.files.exists("/var/lib/hagent/agent/record"));
        return outcome.results.front().context;
    };
    CHECK(failed(platform::Exit{1, false, "FAILED  digests\n", 0}).find("it ended with 1; it said") !=
          std::string::npos);
    CHECK(failed(platform::Exit{137, true, "", 9}).find("did not end within") != std::string::npos);
    CHECK(failed(platform::Exit{0, false, "", 0}).find("the program nothing") != std::string::npos);
    CHECK(failed(platform::Exit{0, false, "{\"version\":\"98.0.0.0\"}\n", 0}).find("98.0.0.0") != std::string::npos);
    CHECK(failed(error(AgentCode::os_error, "Exec format error")).find("cannot be executed") != std::string::npos);
}

TEST_CASE("where the agent cannot be started again the trial waits for its next start") {
    Offer offer("99.0.0.0");
    const auto outcome = run_with(offer, platform::Exit{0, false, "note\n{\"version\":\"99.0.0.0\"}\n", 0});
    CHECK(outcome.ended == work::Ended::on_trial);
    CHECK(offer.files.exists("/data/agent/99.0.0.0/hagent"));
    CHECK(offer.processes.calls.front().argv.at(1) == "self-test");
}

}  // namespace
}  // namespace hagent::upgrade
