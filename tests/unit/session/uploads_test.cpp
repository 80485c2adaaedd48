// SPDX-License-Identifier: Apache-2.0
// Owns the tests of GF in a session: where the file goes, and when it cannot.
#include "tests/fakes/job_source.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const std::string k_script = "GF \"/var/log/app.log\" \"logs/<serial>.log\"\n";

struct LoggingDevice : Device {
    LoggingDevice() { files.put("/var/log/app.log", "all is well\n", 0640); }
    [[nodiscard]] std::string received(const std::string& url) { return fetcher.files[url].bytes; }
};

TEST_CASE("a file goes to the first repository of the manifest, under the device's own name") {
    LoggingDevice device;
    trust::Manifest manifest;
    manifest.repositories = {"http://a.example/repo", "ftp://b.example/repo/"};
    device.publish(k_script, {}, manifest);
    CHECK(*device.run(Device::job()) == SessionEnd::finished);
    CHECK(device.received("http://a.example/repo/logs/SN0001.log") == "all is well\n");
    CHECK(device.received("ftp://b.example/repo/logs/SN0001.log").empty());
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
    const auto& transfers = device.listener.last.transfers;
    REQUIRE_FALSE(transfers.empty());
    CHECK(transfers.back().file == "logs/SN0001.log");
    CHECK(transfers.back().state == TransferState::done);
}

TEST_CASE("a repository that does not take it is followed by the next one, and the job's own folder comes last") {
    LoggingDevice device;
    trust::Manifest manifest;
    manifest.repositories = {"http://a.example/repo/"};
    device.publish(k_script, {}, manifest);
    bool refused = false;
    device.listener.on_change = [&](const SessionRecord& record) {
        if (!refused && !record.steps.empty() && record.steps[0].state == work::StepState::running) {
            device.fetcher.faults.push_back({errors::http(405)});
            refused = true;
        }
    };
    CHECK(*device.run(Device::job()) == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
    CHECK(device.received("http://repository.example/demo/logs/SN0001.log") == "all is well\n");
}

TEST_CASE("a file that nobody takes fails its step with the last server's answer") {
    LoggingDevice device;
    device.publish(k_script, {});
    device.listener.on_change = [&](const SessionRecord& record) {
        if (!record.steps.empty() && record.steps[0].state == work::StepState::running) {
            device.fetcher.faults = {{errors::http(403)}};
        }
    };
    CHECK(*device.run(Device::job()) == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    REQUIRE(device.listener.last.steps.size() == 1);
    REQUIRE(device.listener.last.steps[0].results.size() == 1);
    CHECK(device.listener.last.steps[0].results[0].native == errors::http(403));
}

TEST_CASE("artifacts of a manager one by one have no folder: GF is refused before step 1") {
    LoggingDevice device;
    device.publish("AL \"/etc/conf\" \"x\"\n" + k_script, {});
    Job job = Device::job();
    signed_package(job).base_url.clear();
    for (const std::string name : {"manifest.json", "manifest.sig", "demo.rsp"}) {
        signed_package(job).artifacts.push_back({name, k_base_url + name, std::nullopt, "", ""});
    }
    CHECK(*device.run(job) == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(has_code(device.listener.last.results, AgentCode::unsupported_here));
    CHECK_FALSE(device.files.exists("/etc/conf"));
}

TEST_CASE("an administrator's package gets a copy in its folder, readable for those who could read the original") {
    LoggingDevice device;
    device.files.put("/package/demo.rsp", "[Version]\nNumber=1\n[Script]\n" + fakes::rooted_script(k_script));
    Job job;
    job.id = "local";
    job.source = LocalFolder{rooted("/package"), rooted("/package/demo.rsp")};
    CHECK(*device.run(job) == SessionEnd::finished);
    CHECK(device.files.content("/package/logs/SN0001.log") == "all is well\n");
    CHECK((device.files.info(rooted("/package/logs/SN0001.log"))->value().mode & 0777U) == 0640U);
    CHECK(device.fetcher.asked.empty());
}

TEST_CASE("what belongs to the agent is not sent anywhere") {
    LoggingDevice device;
    device.publish("GF \"/etc/hagent/keys/release.pem\" \"key\"\n", {});
    CHECK(*device.run(Device::job()) == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(has_code(device.listener.last.results, AgentCode::path_protected));
}

}  // namespace
}  // namespace hagent::session
