// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `before-change` and `after-change`: when they are called, how they end, and the reboots that they
// ask for.
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;
using platform::Exit;
using Strings = std::vector<std::string>;

constexpr const char* k_before = "before-change";
constexpr const char* k_after = "after-change";

struct FilteredDevice : Device {
    explicit FilteredDevice(const std::string& script = "AL \"/etc/conf\" \"b=2\"\n") {
        settings.hooks_dir = rooted("/etc/hagent/hooks");
        for (const char* hook : {k_before, k_after}) {
            files.put(std::string("/etc/hagent/hooks/") + hook, "#!/bin/sh\n", 0755);
        }
        files.put("/etc/conf", "a=1\n");
        publish(script, {});
    }

    /// What was called, in order: name and arguments.
    [[nodiscard]] Strings calls() const {
        Strings all;
        for (const auto& call : processes.calls) {
            std::string line = plain(call.argv[0]);
            line.erase(0, line.find_last_of("/\\") + 1);
            for (std::size_t i = 1; i < call.argv.size(); ++i) {
                line += " " + call.argv[i];
            }
            all.push_back(line);
        }
        return all;
    }

    void restart_machine() { host.known.boot_id = std::string(36, static_cast<char>('a' + ++starts_)); }

private:
    int starts_ = 0;
};

TEST_CASE("the hooks stand around the changes and hear how they went") {
    FilteredDevice device;
    device.processes.on(k_before, [&](const platform::Command& command, const CancelToken&) {
        CHECK(device.files.content("/etc/conf") == "a=1\n");
        CHECK(command.time_limit == Seconds{300});
        CHECK(std::find(command.environment.begin(), command.environment.end(),
                        std::pair<std::string, std::string>{"HAGENT_SERIAL", "SN0001"}) != command.environment.end());
        return Result<Exit>(Exit{});
    });
    device.processes.on(k_after, [&](const platform::Command&, const CancelToken&) {
        CHECK(device.files.content("/etc/conf") == "a=1\nb=2\n");
        return Result<Exit>(Exit{});
    });
    CHECK(*device.run(Device::job()) == SessionEnd::finished);
    CHECK(device.calls() == Strings{"before-change script", "after-change script success"});
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("a script that failed is told to the hook behind it") {
    FilteredDevice device("RF \"/etc/there\" \"/etc/other\"\n");
    device.files.put("/etc/there", "x");
    device.processes.on(k_before, [&](const platform::Command&, const CancelToken&) {
        CHECK(device.files.remove("/etc/there").ok());  // after the analysis
        return Result<Exit>(Exit{});
    });
    device.processes.on(k_after, Exit{});
    CHECK(*device.run(Device::job()) == SessionEnd::finished);
    CHECK(device.calls() == Strings{"before-change script", "after-change script failure"});
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
}

TEST_CASE("a script that only looks opens no write filter, and one that is refused neither") {
    FilteredDevice looking("CO \"SLX\"\n");
    CHECK(*looking.run(Device::job()) == SessionEnd::finished);
    CHECK(looking.calls().empty());
    FilteredDevice refused("CO \"ZZZ\"\nAL \"/etc/conf\" \"b=2\"\n");
    CHECK(*refused.run(Device::job()) == SessionEnd::finished);
    CHECK(refused.calls().empty());
}

TEST_CASE("what is tried out below a folder has nothing to do with the device's write filter") {
    FilteredDevice device;
    device.files.put_directory("/try");
    device.files.put("/package/demo.rsp", "[Version]\nNumber=1\n[Script]\nEX \"apply\"\n");
    device.processes.on("apply", Exit{});
    Job job;
    job.id = "local";
    job.source = LocalFolder{rooted("/package"), rooted("/package/demo.rsp")};
    job.relocation = rooted("/try");
    CHECK(*device.run(job) == SessionEnd::finished);
    CHECK(device.calls() == Strings{"apply"});
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("a filter that does not open keeps the device as it is, with the hook's words") {
    FilteredDevice device;
    SUBCASE("a status") {
        device.processes.on(k_before, Exit{3, false, "the overlay is broken\n"});
        CHECK(*device.run(Device::job()) == SessionEnd::finished);
        CHECK(has_code(device.listener.last.results, AgentCode::command_failed));
        CHECK(device.listener.text().find("ended with status 3; it said: the overlay is broken") != std::string::npos);
    }
    SUBCASE("no end") {
        device.processes.on(k_before, Exit{0, true, ""});
        CHECK(*device.run(Device::job()) == SessionEnd::finished);
        CHECK(has_code(device.listener.last.results, AgentCode::command_timeout));
    }
    CHECK(device.files.content("/etc/conf") == "a=1\n");
    CHECK(device.calls() == Strings{"before-change script"});
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
}

TEST_CASE("changes that could not be made to stay are a failure, whatever the steps say") {
    FilteredDevice device;
    device.processes.on(k_before, Exit{});
    device.processes.on(k_after, Exit{1, false, "cannot commit"});
    CHECK(*device.run(Device::job()) == SessionEnd::finished);
    REQUIRE(device.listener.finals().size() == 1);
    CHECK(device.listener.finals()[0].stage == ReportStage::failure);
    CHECK(device.listener.text().find("cannot commit") != std::string::npos);
}

TEST_CASE("status 10 of the hook before asks for a reboot, and the session goes on after it") {
    FilteredDevice device;
    device.processes.on(k_before, Exit{10, false, ""});
    device.processes.on(k_before, Exit{10, false, ""});
    device.processes.on(k_before, Exit{});
    device.processes.on(k_after, Exit{});
    CHECK(*device.run(Device::job()) == SessionEnd::rebooting);
    CHECK(device.listener.last.phase == Phase::ready_for_reboot);
    CHECK(device.files.content("/etc/conf") == "a=1\n");
    CHECK(device.host.actions == std::vector{platform::PowerAction::reboot});
    // The agent was restarted, the machine was not: it is asked once more.
    CHECK(*device.resume() == SessionEnd::rebooting);
    CHECK(device.host.actions.size() == 2);
    device.restart_machine();
    CHECK(*device.resume() == SessionEnd::finished);
    CHECK(device.files.content("/etc/conf") == "a=1\nb=2\n");
    CHECK(device.listener.finals().size() == 1);
    CHECK(device.listener.finals()[0].stage == ReportStage::success);
}

TEST_CASE("a reboot that did not help is not followed by another one for ever") {
    FilteredDevice device;
    device.processes.on(k_before, Exit{10, false, ""});
    SUBCASE("the starts of the machine can be told apart") {
        CHECK(*device.run(Device::job()) == SessionEnd::rebooting);
        device.restart_machine();
    }
    SUBCASE("they cannot") {
        device.host.known.boot_id.clear();
        CHECK(*device.run(Device::job()) == SessionEnd::rebooting);
    }
    CHECK(*device.resume() == SessionEnd::finished);
    CHECK(device.host.actions.size() == 1);
    CHECK(device.files.content("/etc/conf") == "a=1\n");
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(device.listener.text().find("after the reboot another one") != std::string::npos);
}

TEST_CASE("a reboot in the middle of a script calls the hook before its rest again") {
    FilteredDevice device("AL \"/etc/conf\" \"b=2\"\nRB \"0\"\nAL \"/etc/conf\" \"c=3\"\n");
    device.processes.on(k_before, Exit{});
    device.processes.on(k_before, Exit{10, false, ""});  // the restart has closed the filter
    device.processes.on(k_before, Exit{});
    device.processes.on(k_after, Exit{});
    CHECK(*device.run(Device::job()) == SessionEnd::rebooting);
    device.restart_machine();
    CHECK(*device.resume() == SessionEnd::rebooting);
    CHECK(device.files.content("/etc/conf") == "a=1\nb=2\n");
    device.restart_machine();
    CHECK(*device.resume() == SessionEnd::finished);
    CHECK(device.files.content("/etc/conf") == "a=1\nb=2\nc=3\n");
    CHECK(device.calls() == Strings{"before-change script", "before-change script", "before-change script",
                                    "after-change script success"});
}

TEST_CASE("status 10 of the hook behind asks for a reboot, after which only that hook is called again") {
    FilteredDevice device;
    device.processes.on(k_before, Exit{});
    device.processes.on(k_after, Exit{10, false, ""});
    device.processes.on(k_after, Exit{});
    CHECK(*device.run(Device::job()) == SessionEnd::rebooting);
    CHECK(device.listener.finals().empty());
    device.restart_machine();
    CHECK(*device.resume() == SessionEnd::finished);
    CHECK(device.calls() ==
          Strings{"before-change script", "after-change script success", "after-change script success"});
    CHECK(device.files.content("/etc/conf") == "a=1\nb=2\n");
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("an agent that is stopped during a hook goes on later") {
    FilteredDevice device;
    device.processes.on(k_before, [&](const platform::Command& command, const CancelToken&) {
        (void)device.stop.request(StopReason::shutdown);
        return Result<Exit>(error(AgentCode::cancelled, command.argv[0]));
    });
    device.processes.on(k_before, Exit{});
    device.processes.on(k_after, Exit{});
    CHECK(*device.run(Device::job()) == SessionEnd::interrupted);
    CHECK(device.listener.finals().empty());
}

}  // namespace
}  // namespace hagent::session
