// SPDX-License-Identifier: Apache-2.0
// Owns the regression of the seed, played with kinds of work that only tests have: a default configuration that
// enforces its sequence brings an image with an old agent, the manager upgrades old agents, and so on for ever.
#include "agent/session/parking.h"
#include "tests/unit/session/probe.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

/// A device and the manager that sees it. Every job is a new one for the manager.
struct Enforced : Probed<Device> {
    std::unique_ptr<Parking> parking =
        Parking::open(files, settings.state.rounds(), {3, std::chrono::hours{24}}).value();
    bool agent_is_old = true;
    unsigned jobs = 0, images = 0, upgrades = 0;

    Enforced() { context.parking = parking.get(); }

    bool done(JobKind kind, const std::string& package, const std::string& version) {
        trust::Manifest manifest;
        manifest.kind = kind;
        manifest.package = package;
        manifest.version = version;
        manifest.serial = ++jobs;
        manifest.entry = "probe.txt";
        publish("", {{"probe.txt", "write " + rooted("/etc/what-runs") + " " + version + "\n"}}, manifest);
        Stop fresh;
        auto session = Session::begin(context, probe_job(kind, "job-" + std::to_string(jobs)));
        REQUIRE(session.ok());
        REQUIRE((*session)->run(fresh).value() == SessionEnd::finished);
        return listener.finals().back().stage == ReportStage::success;
    }
    /// Goes on until the manager meets a failure; false: it never would.
    bool play() {
        for (unsigned round = 0; round < 20; ++round) {
            if (!done(JobKind::image, "thin", "11.1")) {
                return true;
            }
            ++images;
            agent_is_old = true;
            if (!done(JobKind::upgrade, "hagent", "0.2.0.0")) {
                return true;
            }
            ++upgrades;
            agent_is_old = false;
        }
        return false;
    }
};

TEST_CASE("the regression ends after the configured rounds, says what to change, and goes on when it is released") {
    Enforced device;
    REQUIRE(device.play());
    CHECK(device.images == 3);
    CHECK(device.upgrades == 3);
    CHECK_FALSE(device.agent_is_old);  // it rests with the newest agent
    CHECK(has_code(device.listener.last.results, AgentCode::job_in_circle));
    CHECK(device.listener.finals().back().held);
    const std::string said = device.listener.text();
    CHECK(said.find("image thin 11.1 was done 3 times within 24 h, in a circle with upgrade hagent 0.2.0.0") !=
          std::string::npos);
    CHECK(said.find("rebuild the configuration with an image that holds agent 0.2.0.0") != std::string::npos);
    CHECK(said.find("hagent upgrade release") != std::string::npos);
    const auto calls = device.files.content("/etc/what-runs");
    CHECK_FALSE(device.done(JobKind::image, "thin", "11.1"));  // another id does not help
    CHECK(device.files.content("/etc/what-runs") == calls);    // and nothing is changed

    REQUIRE(device.parking->release("job-7").ok());
    CHECK(device.done(JobKind::image, "thin", "11.1"));
}

}  // namespace
}  // namespace hagent::session
