// SPDX-License-Identifier: Apache-2.0
// Owns the tests of a session's way: from a signed package to steps done, and how it is stopped, resumed and restarted.
#include "tests/fakes/job_source.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const FileMap k_files = {{"fw/kernel", std::string(20000, 'k')}, {"etc/app.conf", "a=1\n"}};
const std::string k_script =
    "SF \"fw/kernel\" \"/boot/kernel\"\n"
    "SF \"etc/app.conf\" \"/etc/app.conf\"\n"
    "EX \"apply now\"\n"
    "AL \"/etc/app.conf\" \"b=2\"\n";

TEST_CASE("a signed package of several files and steps is done, reported step by step and shown") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", platform::Exit{0, false, "applied\n"});
    const auto end = device.run(Device::job());
    REQUIRE(end.ok());
    CHECK(*end == SessionEnd::finished);
    CHECK(device.files.content("/boot/kernel") == k_files.at("fw/kernel"));
    CHECK(device.files.content("/etc/app.conf") == "a=1\nb=2\n");
    REQUIRE(device.processes.calls.size() == 1);
    CHECK(device.processes.calls[0].argv == std::vector<std::string>{"apply", "now"});

    const auto& record = device.listener.last;
    CHECK(record.phase == Phase::completed);
    CHECK(record.package == "demo");
    CHECK(record.version == "1.0");
    CHECK(record.serial == 7);
    CHECK(record.signer == "release");
    CHECK_FALSE(record.failed());
    CHECK(summary_status(record.all_results()) == 0);
    REQUIRE(record.steps.size() == 4);
    CHECK(record.steps[2].output == "applied");
    CHECK(record.progress.bytes == record.progress.total);

    std::vector<Phase> expected = {Phase::selection,       Phase::analyzing,          Phase::analyzing_scripts,
                                   Phase::analyzing_files, Phase::analysis_completed, Phase::executing,
                                   Phase::executing_files, Phase::executing,          Phase::executing_files,
                                   Phase::completed};
    CHECK(std::vector<Phase>(device.listener.phases.end() - static_cast<std::ptrdiff_t>(expected.size()),
                             device.listener.phases.end()) == expected);

    const auto finals = device.listener.finals();
    REQUIRE(finals.size() == 1);
    CHECK(finals[0].job_id == "job-1");
    CHECK(finals[0].stage == ReportStage::success);
    CHECK(finals[0].done == 4);
    CHECK(finals[0].of == 4);
    CHECK(device.listener.reports.front().stage == ReportStage::accepted);
    for (const char* words : {"plan: 4 steps", "step 3 of 4, EX: done", "2 files downloaded, every SHA-256 verified",
                              "finished: 4 of 4 steps done"}) {
        CAPTURE(words);
        CHECK(device.listener.text().find(words) != std::string::npos);
    }
    CHECK(device.stored().record.ended.has_value());
    for (const auto& path : device.files.tree()) {
        CHECK_FALSE(path.starts_with("/var/lib/hagent/downloads/0"));
    }
}

TEST_CASE("a file is taken from the job's artifact when the manager offers files one by one") {
    Device device;
    device.publish("SF \"etc/app.conf\" \"/etc/app.conf\"\n", k_files);
    Job job = Device::job();
    signed_package(job).base_url.clear();
    for (const char* path : {"manifest.json", "manifest.sig", "demo.rsp", "etc/app.conf"}) {
        device.fetcher.files[std::string("http://manager.example/a/") + path] =
            device.fetcher.files.at(std::string(k_base_url) + path);
        signed_package(job).artifacts.push_back(
            {path, std::string("http://manager.example/a/") + path, std::nullopt, "", ""});
    }
    const auto end = device.run(job);
    REQUIRE(end.ok());
    CHECK(device.files.content("/etc/app.conf") == "a=1\n");
    CHECK_FALSE(device.asked_for("manifest.json"));
}

TEST_CASE("a repository of the manifest is asked before the manager") {
    Device device;
    trust::Manifest manifest;
    manifest.repositories = {"ftp://near.example/demo"};
    device.publish("SF \"etc/app.conf\" \"/etc/app.conf\"\n", k_files, manifest);
    device.fetcher.files["ftp://near.example/demo/etc/app.conf"].bytes = "a=1\n";
    device.fetcher.files["ftp://near.example/demo/demo.rsp"] =
        device.fetcher.files.at(std::string(k_base_url) + "demo.rsp");
    const auto end = device.run(Device::job());
    REQUIRE(end.ok());
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
    CHECK_FALSE(device.asked_for("etc/app.conf"));
}

TEST_CASE("a failed step ends the session: code, cause and what to do reach the manager, later steps are skipped") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", platform::Exit{3, false, "no such disk\n"});
    const auto end = device.run(Device::job());
    REQUIRE(end.ok());
    CHECK(*end == SessionEnd::finished);
    const auto finals = device.listener.finals();
    REQUIRE(finals.size() == 1);
    CHECK(finals[0].stage == ReportStage::failure);
    CHECK(finals[0].done == 2);
    std::string text;
    for (const auto& message : finals[0].messages) {
        text += message + "\n";
    }
    CHECK(text.find("command_failed") != std::string::npos);
    CHECK(text.find("no such disk") != std::string::npos);
    CHECK(text.find("what to do: Read the program's output") != std::string::npos);
    const auto& record = device.listener.last;
    CHECK(record.failed());
    CHECK(record.steps[2].state == work::StepState::failed);
    CHECK(record.steps[3].state == work::StepState::skipped);
    CHECK(device.files.content("/etc/app.conf") == "a=1\n");
}

TEST_CASE("a plan with errors changes nothing and names each of them") {
    Device device;
    device.publish("SF \"missing\" \"/a\"\nXX \"1\"\nDF \"/etc/hagent/keys/release.pem\"\nDF \"/data/x\"\n", k_files);
    device.files.put("/data/x", "x");
    const auto end = device.run(Device::job());
    REQUIRE(end.ok());
    const auto finals = device.listener.finals();
    REQUIRE(finals.size() == 1);
    CHECK(finals[0].stage == ReportStage::failure);
    const auto& results = device.listener.last.results;
    CHECK(has_code(results, AgentCode::file_not_listed));
    CHECK(has_code(results, AgentCode::unknown_command));
    CHECK(has_code(results, AgentCode::path_protected));
    CHECK(device.files.content("/data/x") == "x");
    CHECK(device.listener.last.phase == Phase::completed);
    CHECK_FALSE(device.asked_for("fw/kernel"));
}

TEST_CASE("a cancel before the device is changed ends the session and changes nothing") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", platform::Exit{});
    device.listener.on_change = [&](const SessionRecord& record) {
        if (record.phase == Phase::analyzing_files) {
            CHECK(device.stop.request(StopReason::manager));
        }
    };
    const auto end = device.run(Device::job());
    REQUIRE(end.ok());
    CHECK(*end == SessionEnd::finished);
    CHECK(device.listener.last.phase == Phase::aborted);
    REQUIRE(device.listener.finals().size() == 1);
    CHECK(device.listener.finals()[0].stage == ReportStage::cancelled);
    CHECK_FALSE(device.files.exists("/boot/kernel"));
    CHECK(device.processes.calls.empty());
}

TEST_CASE("a cancel on the device is a failure to the manager") {
    Device device;
    device.publish(k_script, k_files);
    REQUIRE(device.stop.request(StopReason::operators));
    const auto end = device.run(Device::job());
    REQUIRE(end.ok());
    REQUIRE(device.listener.finals().size() == 1);
    CHECK(device.listener.finals()[0].stage == ReportStage::failure);
    CHECK(has_code(device.listener.last.results, AgentCode::session_cancelled));
    CHECK(device.listener.last.phase == Phase::aborted);
}

TEST_CASE("a cancel after the first change comes too late: the session goes on to its end") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        CHECK_FALSE(device.stop.request(StopReason::manager));
        CHECK_FALSE(device.stop.request(StopReason::operators));
        return platform::Exit{};
    });
    const auto end = device.run(Device::job());
    REQUIRE(end.ok());
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("after a restart a session that had begun to change the device cannot be cancelled any more") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        device.files.power_cut();
        return platform::Exit{};
    });
    CHECK_FALSE(device.run(Device::job()).ok());
    device.files.restart();
    device.listener.on_change = [&](const SessionRecord& record) {
        if (record.phase == Phase::selection) {
            return;
        }
        CHECK_FALSE(device.stop.request(StopReason::manager));
    };
    const auto end = device.resume();
    REQUIRE(end.ok());
    CHECK(device.listener.last.phase == Phase::completed);
    CHECK(has_code(device.listener.last.all_results(), AgentCode::step_interrupted));
    CHECK(device.processes.calls.size() == 1);
}

TEST_CASE("a shutdown while files are fetched leaves a session that goes on without fetching them again") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", platform::Exit{});
    device.fetcher.piece_bytes = 1000;
    device.listener.on_change = [&](const SessionRecord& record) {
        const bool half = std::any_of(record.transfers.begin(), record.transfers.end(), [](const TransferView& v) {
            return v.file == "fw/kernel" && v.state == TransferState::done;
        });
        if (half && device.stop.reason() == StopReason::none) {
            CHECK(device.stop.request(StopReason::shutdown));
        }
    };
    const auto first = device.run(Device::job());
    REQUIRE(first.ok());
    CHECK(*first == SessionEnd::interrupted);
    CHECK(device.listener.finals().empty());
    CHECK_FALSE(device.stored().record.ended.has_value());

    Device* next = &device;  // the agent's next life: a new Stop, the same disk
    next->fetcher.asked.clear();
    Stop stop;
    auto session = Session::resume(next->context, next->id, std::nullopt);
    REQUIRE(session.ok());
    const auto second = (*session)->run(stop);
    REQUIRE(second.ok());
    CHECK(*second == SessionEnd::finished);
    CHECK(next->listener.finals().at(0).stage == ReportStage::success);
    CHECK_FALSE(next->asked_for("manifest.json"));
    CHECK_FALSE(next->asked_for("demo.rsp"));
    CHECK_FALSE(next->asked_for("fw/kernel"));
    CHECK(next->asked_for("etc/app.conf"));
    CHECK(next->listener.text().find("continued after 1 restart") != std::string::npos);
}

TEST_CASE("a shutdown between two steps leaves the rest for later, nothing is done twice") {
    Device device;
    device.publish("EX \"one\"\nEX \"two\"\nEX \"three\"\n", {});
    device.processes.on("one", platform::Exit{});
    device.processes.on("three", platform::Exit{});
    device.processes.on("two", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        CHECK(device.stop.request(StopReason::shutdown));
        return platform::Exit{};
    });
    const auto first = device.run(Device::job());
    REQUIRE(first.ok());
    CHECK(*first == SessionEnd::interrupted);
    CHECK(device.processes.calls.size() == 2);
    Stop stop;
    auto session = Session::resume(device.context, device.id, std::nullopt);
    REQUIRE(session.ok());
    const auto second = (*session)->run(stop);
    REQUIRE(second.ok());
    CHECK(*second == SessionEnd::finished);
    CHECK(device.processes.calls.size() == 3);
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("download only: everything is fetched, nothing is executed until the job is offered with permission") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", platform::Exit{});
    Job job = Device::job();
    job.execute = false;
    const auto first = device.run(job);
    REQUIRE(first.ok());
    CHECK(*first == SessionEnd::waiting);
    CHECK(device.listener.reports.back().stage == ReportStage::downloaded);
    CHECK_FALSE(device.files.exists("/boot/kernel"));
    CHECK(device.listener.finals().empty());

    SUBCASE("permission is given") {
        device.fetcher.asked.clear();
        const auto second = device.resume(Device::job());
        REQUIRE(second.ok());
        CHECK(*second == SessionEnd::finished);
        CHECK(device.fetcher.asked.empty());
        CHECK(device.listener.finals().at(0).stage == ReportStage::success);
        CHECK(device.stored().record.job.execute);
    }
    SUBCASE("the agent restarts meanwhile") {
        const auto second = device.resume();
        REQUIRE(second.ok());
        CHECK(*second == SessionEnd::waiting);
        CHECK_FALSE(device.files.exists("/boot/kernel"));
    }
    SUBCASE("it is cancelled meanwhile") {
        REQUIRE(device.stop.request(StopReason::manager));
        const auto second = device.resume();
        REQUIRE(second.ok());
        CHECK(*second == SessionEnd::finished);
        CHECK(device.listener.finals().at(0).stage == ReportStage::cancelled);
    }
}

TEST_CASE("a restart of the machine within the script: the session waits for it and then goes on") {
    Device device;
    device.publish("EX \"before\"\nRB\nEX \"after\"\n", {});
    device.processes.on("before", platform::Exit{});
    device.processes.on("after", platform::Exit{});
    const auto first = device.run(Device::job());
    REQUIRE(first.ok());
    CHECK(*first == SessionEnd::rebooting);
    CHECK(device.listener.last.phase == Phase::ready_for_reboot);
    REQUIRE(device.host.actions.size() == 1);
    CHECK(device.host.actions[0] == platform::PowerAction::reboot);
    CHECK(device.processes.calls.size() == 1);

    SUBCASE("the machine has restarted") {
        device.host.known.boot_id = "next";
        const auto second = device.resume();
        REQUIRE(second.ok());
        CHECK(*second == SessionEnd::finished);
        CHECK(device.host.actions.size() == 1);
        REQUIRE(device.processes.calls.size() == 2);
        CHECK(device.processes.calls[1].argv[0] == "after");
        CHECK(device.listener.finals().at(0).stage == ReportStage::success);
    }
    SUBCASE("only the agent has: the machine is asked again") {
        const auto second = device.resume();
        REQUIRE(second.ok());
        CHECK(*second == SessionEnd::rebooting);
        CHECK(device.host.actions.size() == 2);
        CHECK(device.processes.calls.size() == 1);
    }
}

TEST_CASE("a kind that this agent cannot do is refused with the reason") {
    Device device;
    Job job = Device::job();
    job.kind = JobKind::image;
    const auto end = device.run(job);
    REQUIRE(end.ok());
    CHECK(has_code(device.listener.last.results, AgentCode::job_unsupported));
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(device.fetcher.asked.empty());
}

TEST_CASE("a folder of the administrator needs no signature and no server") {
    Device device;
    device.files.put("/pkg/demo.rsp", fakes::rooted_script("[Script]\nSF \"conf\" \"/etc/app.conf\"\n"));
    device.files.put("/pkg/conf", "x=1\n");
    Job job;
    job.id = "local:1";
    job.source = LocalFolder{rooted("/pkg"), rooted("/pkg/demo.rsp")};
    const auto end = device.run(job);
    REQUIRE(end.ok());
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
    CHECK(device.files.content("/etc/app.conf") == "x=1\n");
    CHECK(device.files.content("/pkg/conf") == "x=1\n");
    CHECK(device.listener.last.package == "demo.rsp");
    CHECK(device.fetcher.asked.empty());
    for (const auto& progress : {device.listener.last.progress, device.stored().record.progress}) {
        CHECK(progress.bytes == 4);
        CHECK(progress.total == 4);
    }
}

TEST_CASE("a dry run plans, changes nothing and leaves nothing behind") {
    Device device;
    device.publish(k_script, k_files);
    SessionRecord record;
    record.id = "000099";
    record.job = Device::job();
    device.processes.on("apply", platform::Exit{});
    const auto plan = dry_run(device.context, record, device.stop.token());
    REQUIRE(plan.ok());
    INFO(plan->text);
    CHECK(plan->text.find("   4  line 7    AL  ") != std::string::npos);
    CHECK(plan->json.find(R"("file":"fw/kernel")") != std::string::npos);
    CHECK_FALSE(has_error(plan->results));
    CHECK_FALSE(device.files.exists("/boot/kernel"));
    CHECK_FALSE(device.files.exists("/var/lib/hagent/sessions/000099"));
    CHECK_FALSE(device.asked_for("fw/kernel"));
}

TEST_CASE("a journal that cannot be written stops the session before the next change, and it can go on later") {
    Device device;
    device.publish(k_script, k_files);
    device.processes.on("apply", platform::Exit{});
    device.listener.on_change = [&](const SessionRecord& record) {
        device.files.set_read_only(record.phase == Phase::executing);
    };
    const auto end = device.run(Device::job());
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().is(AgentCode::read_only));
    CHECK_FALSE(device.files.exists("/boot/kernel"));
    CHECK(device.listener.finals().empty());
    device.listener.on_change = nullptr;
    device.files.set_read_only(false);
    const auto later = device.resume();
    REQUIRE(later.ok());
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

}  // namespace
}  // namespace hagent::session
