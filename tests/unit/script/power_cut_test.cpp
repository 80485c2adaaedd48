// SPDX-License-Identifier: Apache-2.0
// Owns the test that cuts the power at every change of a long script: the script always ends right, no program runs
// twice.
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

const std::string k_script =
    "CO \"SLX\"\n"
    "CF \"/\" \"1M\"\n"
    "SF \"fw/kernel\" \"/boot/kernel\"\n"
    "SF \"fw/kernel\" \"/other/kernel\"\n"
    "XC \"tree\" \"/opt/tree\"\n"
    "EX \"convert\" \"+r\"\n"
    "AL \"/etc/conf\" \"new=1\"\n"
    "DL \"/etc/conf\" \"old=1\"\n"
    "RF \"/data/a\" \"/data/b\"\n"
    "RF \"/data/c\" \"/other/c\"\n"
    "DF \"/data/drop\"\n"
    "DT \"/data/tree\"\n"
    "RB\n"
    "AL \"/etc/conf\" \"after=1\"\n";

/// A device whose journal lies on the same disk, so that the power can also fail while it is written.
struct Cut : Device {
    Cut() {
        files.add_volume("/other");
        files.put_directory("/other");
        package.add("fw/kernel", std::string(3000, 'k'));
        package.add("tree/run", "#!/bin/sh\n");
        package.add("tree/sub/data", "data");
        files.put("/boot/kernel", "old kernel");
        files.put("/etc/conf", "old=1\nkeep=1\n");
        files.put("/data/a", "a");
        files.put("/data/c", "c");
        files.put("/data/drop", "x");
        files.put("/data/tree/x/y", "x");
        files.put_directory("/journal");
        processes.on("convert", platform::Exit{});
        journal.durable = [this] { return files.write_durable("/journal/last", std::to_string(++records), 0600); };
        files.forget_calls();
    }

    /// What the session does after a restart: files that the steps still need are fetched again when they are gone.
    void fetch_again(const Plan& plan) {
        for (const auto& file : plan.downloads) {
            const std::string local = k_staging + "/" + file.path;
            if (!files.exists(local)) {
                files.put(local, contents.at(file.path));
            }
        }
    }

    const std::map<std::string, std::string> contents = {
        {"fw/kernel", std::string(3000, 'k')}, {"tree/run", "#!/bin/sh\n"}, {"tree/sub/data", "data"}};
    unsigned records = 0;
};

/// Runs until the end, restarting the machine when the script asks for it or the power is gone.
Outcome run_to_the_end(Cut& device, fakes::Unsynced unsynced) {
    for (int start = 0; start < 5; ++start) {
        const Plan plan = device.plan(k_script);
        INFO(render_plan(plan));
        REQUIRE(!has_error(plan.results));
        device.fetch_again(plan);
        auto outcome = run(plan, device.package, device.services, device.journal, device.watcher,
                           device.journal.earlier(), device.cancel);
        if (device.files.power_is_off()) {
            device.files.restart(unsynced);
        } else {
            REQUIRE(outcome.ok());
            if (outcome.value().ended != Ended::reboot_requested) {
                return std::move(outcome).value();
            }
        }
        device.host.known.boot_id += "+";
    }
    FAIL("the script never ends");
    return {};
}

void check_final_state(Cut& device, const Outcome& outcome) {
    CHECK(outcome.ended == Ended::completed);
    CHECK(states(outcome) == Strings(14, "done"));
    CHECK(device.files.content("/boot/kernel") == std::string(3000, 'k'));
    CHECK(device.files.content("/other/kernel") == std::string(3000, 'k'));
    CHECK(device.files.content("/opt/tree/sub/data") == "data");
    CHECK(device.files.info("/opt/tree/run").value()->mode == 0755);
    CHECK(device.files.content("/etc/conf") == "keep=1\nnew=1\nafter=1\n");
    CHECK(device.files.content("/data/b") == "a");
    CHECK(device.files.content("/other/c") == "c");
    for (const char* gone : {"/data/a", "/data/c", "/data/drop", "/data/tree"}) {
        CAPTURE(gone);
        CHECK_FALSE(device.files.exists(gone));
    }
    for (const auto& path : device.files.tree()) {
        CAPTURE(path);
        CHECK(path.find(".hagent-new") == std::string::npos);
    }
}

void cut_everywhere(fakes::Unsynced unsynced) {
    std::uint64_t call = 1;
    for (;; ++call) {
        CAPTURE(call);
        Cut device;
        device.files.cut_power_at(call);
        const Outcome outcome = run_to_the_end(device, unsynced);
        const auto calls = device.files.calls();
        check_final_state(device, outcome);
        // The program may be run again (+r), but only when the cut came before its end was on disk.
        CHECK(device.processes.calls.size() <= 2);
        if (device.host.known.boot_id.ends_with("+") && !device.host.known.boot_id.ends_with("++")) {
            break;  // only the planned restart: the whole script takes fewer calls
        }
    }
    CHECK(call > 60);
}

TEST_CASE("a power cut at any change, unsynced bytes lost") { cut_everywhere(fakes::Unsynced::lost); }
TEST_CASE("a power cut at any change, unsynced bytes kept") { cut_everywhere(fakes::Unsynced::kept); }
TEST_CASE("a power cut at any change, unsynced bytes torn") { cut_everywhere(fakes::Unsynced::torn); }

TEST_CASE("a program that may not be repeated is never started twice, wherever the power fails") {
    const std::string script = "AL \"/f\" \"a\"\nEX* \"once\"\nAL \"/f\" \"b\"\n";
    for (std::uint64_t call = 1;; ++call) {
        CAPTURE(call);
        Device device;
        device.files.put_directory("/journal");
        device.processes.on("once", platform::Exit{});
        device.journal.durable = [&] { return device.files.write_durable("/journal/last", "x", 0600); };
        device.files.forget_calls();
        device.files.cut_power_at(call);
        const auto first = device.try_run(script);
        if (!device.files.power_is_off()) {
            REQUIRE(first.ok());
            CHECK(call > 10);
            break;
        }
        device.files.restart(fakes::Unsynced::lost);
        const Outcome second = device.run(script);
        CHECK(second.ended == Ended::completed);
        CHECK(device.processes.calls.size() <= 1);
        // Done means that it ran; whether it ran in a step that was interrupted nobody knows, so that is a failure.
        CHECK((second.steps[1].state == StepState::failed || device.processes.calls.size() == 1));
        CHECK(device.files.content("/f") == "a\nb\n");
    }
}

}  // namespace
}  // namespace hagent::script
