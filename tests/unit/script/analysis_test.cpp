// SPDX-License-Identifier: Apache-2.0
// Owns the tests of analysis: exact effects, downloads, disk impact, and what is refused.
#include <algorithm>

#include "agent/errors/catalogue.h"
#include "platform/paths.h"
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

using errors::Severity;

constexpr std::uint64_t k_mib = std::uint64_t{1} << 20U;

struct Demo : Device {
    Demo() {
        package.add("demo.rsp", "script");
        package.add("fw/kernel", std::string(3000, 'k'));
        package.add("fw/a.bin", "aa");
        package.add("fw/b.bin", "bbb");
        package.add("tree/one", "1");
        package.add("tree/sub/two", "22");
        files.forget_calls();
    }
};

Strings effects(const Plan& plan) {
    Strings all;
    for (const auto& step : plan.steps) {
        all.push_back(step.effect);
    }
    return all;
}

Strings targets(const PlannedStep& step) {
    Strings all;
    for (const auto& placement : step.files) {
        all.push_back(placement.file.path + " -> " + plain(placement.target) + (placement.move ? " (moved)" : ""));
    }
    return all;
}

/// The only complaint of a script that must have exactly one.
std::string complaint(Device& device, const std::string& commands) {
    const Plan plan = device.plan(commands);
    REQUIRE(plan.complaints.size() == 1);
    return headline(plan.complaints[0]);
}

TEST_CASE("the plan says in plain words what every step will do, and changes nothing") {
    Demo demo;
    demo.files.put_directory("/boot");
    demo.files.put("/a", "x");
    for (const char* program : {"sh", "svc", "go"}) {
        demo.processes.on(program, platform::Exit{});
    }
    const auto before = demo.files.tree();
    const Plan plan = demo.plan(
        "CO \"WES\" \"slx\"\nCF \"/boot\" \"1M\"\nCI \">=11.2\"\nCP \"vxc*\"\nCU \"thinuser\"\n"
        "SF \"<regroot>/fw/kernel\" \"/boot/\"\nXC \"tree\" \"/opt/<hostname>\"\n"
        "EX \"/bin/sh -c 'exit 0' <serial>\" \"+\" \"60\"\nEX* \"svc\" \"-\"\nEX \"go\" \"+r\"\n"
        "DF \"/tmp/x\"\nDT \"/tmp/y\"\nRF \"/a\" \"/b\"\nAL \"/etc/f\" \"x=1\"\nDL \"/etc/f\" \"x=2\"\n"
        "RB \"5\"\nSP\n");
    CHECK(plan.results.empty());
    CHECK(effects(plan) ==
          Strings{"confirm operating system WES or slx", "confirm 1.0 MiB free on the volume of /boot",
                  "confirm image version >=11.2", "confirm platform vxc*", "confirm that thinuser is logged on",
                  "fetch fw/kernel (2.9 KiB) to /boot/kernel", "fetch the tree tree (2 files, 3 B) to /opt/tc-7",
                  "run /bin/sh -c \"exit 0\" \"SN 7\", at most 60 s", "run svc and do not wait for it",
                  "run go, at most 3600 s, again if it was interrupted", "delete /tmp/x",
                  "delete the folder /tmp/y with all that is in it", "rename /a to /b",
                  "make sure that /etc/f has the line \"x=1\"", "make sure that /etc/f does not have the line \"x=2\"",
                  "restart the device after 5 s", "switch the device off"});
    CHECK(plan.reboots == 1);
    REQUIRE(plan.downloads.size() == 3);
    CHECK(plan.downloads[0].path == "fw/kernel");
    CHECK(plain(plan.steps[7].argv) == Strings{"/bin/sh", "-c", "exit 0", "SN 7"});
    CHECK(plan.steps[8].optional);
    CHECK(plan.steps[8].line == 10);
    CHECK(demo.files.calls().empty());
    CHECK(demo.files.tree() == before);
}

TEST_CASE("the value of a variable stays one argument") {
    Device device;
    device.facts.hostname = "a' b; \"rm\" -rf";
    const Plan plan = device.plan("EX \"run <hostname> '<hostname>'\"\n");
    CHECK(plan.steps.at(0).argv == Strings{"run", "a' b; \"rm\" -rf", "a' b; \"rm\" -rf"});
}

TEST_CASE("SF places a file by name, into a folder, or many by wildcard") {
    Demo demo;
    demo.files.put_directory("/there");
    const Plan plan = demo.plan(
        "SF \"fw/kernel\" \"/boot/vmlinuz\"\nSF \"fw/kernel\" \"/there\"\nSF \"fw/*.bin\" \"/new\"\n"
        "SF \"fw/a.bin\" \"/new\"\n");
    CHECK(plan.results.empty());
    CHECK(targets(plan.steps[0]) == Strings{"fw/kernel -> /boot/vmlinuz"});
    CHECK(targets(plan.steps[1]) == Strings{"fw/kernel -> /there/kernel (moved)"});
    CHECK(targets(plan.steps[2]) == Strings{"fw/a.bin -> /new/a.bin", "fw/b.bin -> /new/b.bin (moved)"});
    CHECK(targets(plan.steps[3]) == Strings{"fw/a.bin -> /new/a.bin (moved)"});
    CHECK(plan.steps[2].effect == "fetch 2 files matching fw/*.bin (5 B) to /new");
    CHECK(plan.downloads.size() == 3);
}

TEST_CASE("XC takes the files below a folder, or the whole package") {
    Demo demo;
    const Plan plan = demo.plan("XC \"<regroot>/tree/\" \"/t\"\nXC \"<regroot>\" \"/all\"\n");
    CHECK(targets(plan.steps[0]) == Strings{"tree/one -> /t/one", "tree/sub/two -> /t/sub/two"});
    CHECK(plan.steps[1].files.size() == 6);
    CHECK(plan.steps[1].effect == "fetch the whole package (6 files, 2.9 KiB) to /all");
}

TEST_CASE("nothing is moved out of a package that is not the agent's") {
    Demo demo;
    demo.package.is_disposable = false;
    CHECK(targets(demo.plan("SF \"fw/kernel\" \"/k\"\n").steps[0]) == Strings{"fw/kernel -> /k"});
}

TEST_CASE("what is not in the manifest is not fetched") {
    Demo demo;
    CHECK(complaint(demo, "SF \"fw/kernal\" \"/k\"\n") ==
          "demo.rsp:2:4: SF: fw/kernal has no file in the package's manifest");
    CHECK(complaint(demo, "SF \"fw/*.img\" \"/k\"\n") ==
          "demo.rsp:2:4: SF: fw/*.img has no file in the package's manifest");
    CHECK(complaint(demo, "XC \"fw/kernel\" \"/k\"\n") ==
          "demo.rsp:2:4: XC: fw/kernel has no file in the package's manifest");
    CHECK(complaint(demo, "XC \"fw/*.bin\" \"/k\"\n") ==
          "demo.rsp:2:4: XC: expected a folder of the package; only one \\* at its end may follow");
    CHECK(targets(demo.plan("XC \"tree\\*\" \"/k\"\n").steps[0]) ==
          targets(demo.plan("XC \"tree\" \"/k\"\n").steps[0]));
    CHECK(targets(demo.plan("XC \"<regroot>/*\" \"/k\"\n").steps[0]) ==
          targets(demo.plan("XC \"<regroot>\" \"/k\"\n").steps[0]));
    CHECK(complaint(demo, "SF \"<regroot>\" \"/k\"\n") == "demo.rsp:2:4: SF: expected a file of the package");
    demo.package.add("gw/a.bin", "other");
    CHECK(complaint(demo, "SF \"?w/a.bin\" \"/k\"\n") ==
          "demo.rsp:2:4: SF: two files named a.bin would go to one place");
}

TEST_CASE("facts that do not hold are errors, or warnings of optional steps") {
    Demo demo;
    demo.files.put("/old", "x");
    struct Row {
        const char* command;
        std::uint16_t code;
        const char* text;
    };
    for (const Row& row : {
             Row{"CO \"WES,CE\"", 1506, "demo.rsp:2:4: CO: this device runs SLX, not WES or CE"},
             {"CF \"/\" \"5G\"", 1507, "demo.rsp:2:8: CF: 5.0 GiB wanted, 4.0 GiB free on /"},
             {"CI \">=12\"", 1508, "demo.rsp:2:4: CI: this device has image 11.2.0, wanted is >=12"},
             {"CP \"Z90\" \"Z50\"", 1509, "demo.rsp:2:4: CP: this device is Cisco VXC 6215, not Z90 or Z50"},
             {"CU \"root\"", 1511, "demo.rsp:2:4: CU: thinuser is logged on"},
             {"CU \"-\"", 1511, "demo.rsp:2:4: CU: thinuser is logged on"},
             {"SF \"nothing\" \"/x\"", 1411, "demo.rsp:2:4: SF: nothing has no file in the package's manifest"},
             {"GF \"/old\" \"x\"", 1003, "demo.rsp:2:11: GF: there is no repository that takes uploads"},
         }) {
        CAPTURE(row.command);
        const std::string command = row.command;
        const Plan required = demo.plan(command + "\n");
        CHECK(codes(required.results) == Codes{row.code});
        CHECK(has_error(required.results));
        CHECK(required.results.at(0).context == row.text);
        const Plan optional = demo.plan(command.substr(0, 2) + "*" + command.substr(2) + "\n");
        CHECK(codes(optional.results) == Codes{row.code});
        CHECK(summary_status(optional.results) == static_cast<std::uint32_t>(Severity::warning));
        CHECK(optional.steps.at(0).finding.has_value());
    }
}

TEST_CASE("nobody logged on is a fact too") {
    Device device;
    device.facts.user.clear();
    CHECK(device.plan("CU \"-\"\n").results.empty());
    CHECK(complaint(device, "CU \"*\"\n") == "demo.rsp:2:4: CU: nobody is logged on");
}

TEST_CASE("aliases of the OS code count, in any case") {
    Device device;
    CHECK(device.plan("CO \"lxs\"\n").results.empty());
}

TEST_CASE("malformed arguments and forbidden paths are errors even of optional steps") {
    Demo demo;
    for (const char* command : {"CF* \"/\" \"lots\"",
                                "CI* \"=>3\"",
                                "CU* \"\"",
                                "CO* \" \"",
                                "EX* \"a 'b\"",
                                "EX* \"a\" \"wait\"",
                                "EX* \"a\" \"+\" \"0\"",
                                "EX* \"a\" \"+\" \"9999999\"",
                                "EX* \"a\" \"-\" \"5\"",
                                "RB* \"soon\"",
                                "AL* \"/f\" \"\"",
                                "DF* \"x\"",
                                "DF* \"/a/../b\"",
                                "DT* \"/\"",
                                "DT* \"/var\"",
                                "DF* \"/var/lib/hagent/state\"",
                                "RF* \"/etc\" \"/b\"",
                                "RF* \"/a\" \"/etc/hagent/x\"",
                                "AL* \"/etc/hagent/hagent.json\" \"x\"",
                                "SF* \"fw/a.bin\" \"/usr/sbin/hagent\"",
                                "SF* \"fw/../a\" \"/x\"",
                                "SF* \"fw/a.bin\" \"x\"",
                                "XC* \"tree\" \"/etc/hagent\"",
                                "DF* \"/<color>\"",
                                "DF* \"<regroot>/x\"",
                                "EX* \"<regroot>/x\""}) {
        CAPTURE(command);
        CHECK(has_error(demo.plan(std::string(command) + "\n").results));
    }
}

TEST_CASE("the caret is below the argument at fault") {
    Demo demo;
    const Plan plan = demo.plan("\nRF \"/tmp/a\"  \"/etc/hagent/x\"\n");
    CHECK(render(plan.complaints.at(0)) ==
          "demo.rsp:3:14: RF: \"/etc/hagent/x\" belongs to the agent\n"
          "RF \"/tmp/a\"  \"/etc/hagent/x\"\n"
          "             ^\n");
}

TEST_CASE("the disk impact counts staging, copies and what is replaced") {
    Demo demo;
    demo.disks.all = {{"/", platform::VolumeType::normal, 100 * k_mib, 50 * k_mib, 40 * k_mib},
                      {"/boot", platform::VolumeType::normal, 20 * k_mib, 9 * k_mib, 9 * k_mib}};
    demo.files.put("/boot/kernel", std::string(1000, 'o'));
    demo.files.put("/old", std::string(500, 'o'));
    const Plan plan = demo.plan("SF \"fw/kernel\" \"/boot/kernel\"\nSF \"fw/a.bin\" \"/a\"\nDF \"/old\"\n");
    REQUIRE(plan.disk.size() == 2);
    CHECK(plan.disk[0].volume == "/");
    CHECK(plan.disk[0].before_bytes == 40 * k_mib);
    CHECK(plan.disk[0].peak_bytes == 3002);                   // both files staged
    CHECK(plan.disk[0].after_bytes == 40 * k_mib - 2 + 500);  // the kernel left, a.bin stays, /old is gone
    CHECK(plan.disk[1].peak_bytes == 3000);
    CHECK(plan.disk[1].after_bytes == 9 * k_mib - 3000 + 1000);
    CHECK(plan.disk[1].state == VolumeState::used);
    CHECK(plan.results.empty());
}

TEST_CASE("a volume that overflows is an error, one into the superuser's reserve a warning") {
    Demo demo;
    demo.disks.all = {{"/", platform::VolumeType::normal, 100 * k_mib, 2999, 2000}};
    const Plan full = demo.plan("SF \"fw/kernel\" \"/k\"\n");
    CHECK(full.disk.at(0).state == VolumeState::full);
    REQUIRE(full.results.size() == 1);
    CHECK(full.results[0].id == errors::xdsa(errors::Xdsa::dsa_over_limit));
    CHECK(full.results[0].status == Severity::error);
    CHECK(full.results[0].context == "/: 3000 B needed at the fullest moment, 2999 B free");
    demo.disks.all[0].free_bytes = 3000;
    const Plan warn = demo.plan("SF \"fw/kernel\" \"/k\"\n");
    CHECK(warn.disk.at(0).state == VolumeState::warn);
    CHECK(warn.results.at(0).id == errors::xdsa(errors::Xdsa::dsa_into_minfree));
    CHECK_FALSE(has_error(warn.results));
    demo.package.is_staged = true;
    CHECK(demo.plan("SF \"fw/kernel\" \"/k\"\n").results.empty());
}

TEST_CASE("a write-protected volume is known before anything is fetched") {
    Demo demo;
    demo.disks.all.push_back({"/ro", platform::VolumeType::read_only, 9 * k_mib, 9 * k_mib, 9 * k_mib});
    CHECK(codes(demo.plan("SF \"fw/a.bin\" \"/ro/\"\n").results) == Codes{1207});
}

TEST_CASE("space that the package itself occupies in staging counts as free for CF") {
    Demo demo;
    demo.disks.all = {{"/", platform::VolumeType::normal, 9000, 4000, 4000}};
    CHECK(codes(demo.plan("CF \"/\" \"6K\"\n").results) == Codes{1507});
    demo.package.is_staged = true;
    CHECK(demo.plan("CF \"/\" \"6K\"\n").results.empty());
}

TEST_CASE("steps done before a restart are shown but not checked again") {
    Demo demo;
    StepRecord done;
    done.n = 1;
    done.state = StepState::done;
    demo.journal.records[1] = done;
    done.n = 2;
    demo.journal.records[2] = done;
    const Plan plan = demo.plan("CF \"/\" \"500G\"\nSF \"fw/kernel\" \"/k\"\nSF \"fw/a.bin\" \"/a\"\n");
    CHECK(plan.results.empty());
    CHECK(plan.steps.size() == 3);
    REQUIRE(plan.downloads.size() == 1);
    CHECK(plan.downloads[0].path == "fw/a.bin");
}

TEST_CASE("a program that is not there is told before anything is run, unless an earlier step may bring it") {
    struct Case {
        const char* commands;
        const char* severity;  // "": no word of it
    };
    const Case cases[] = {
        {"EX \"present\"\n", ""},
        {"EX \"/opt/bin/present now\"\n", ""},
        {"EX \"/opt/tool\"\n", "error"},
        {"EX* \"/opt/tool\"\n", "warning"},
        {"EX \"tool\" \"-\"\n", "error"},
        {"SF \"<regroot>/tool\" \"/opt/tool\"\nEX \"/opt/tool -x\"\n", ""},
        {"SF \"<regroot>/tool\" \"/opt/\"\nEX \"/opt//tool\"\n", ""},
        {"SF \"<regroot>/tool\" \"/opt/other\"\nEX \"/opt/tool\"\n", "error"},
        {"SF \"<regroot>/tool\" \"/opt/new\"\nRF \"/opt/new\" \"/opt/tool\"\nEX \"/opt/tool\"\n", ""},
        {"EX \"present\"\nEX \"/opt/tool\"\n", "warning"},
        {"EX \"/opt/tool\"\nEX \"present\"\n", "error"},
    };
    for (const auto& [commands, severity] : cases) {
        const std::string lines = commands;
        CAPTURE(lines);
        Device device;
        device.files.put_directory("/opt");
        device.package.add("tool", "#!/bin/sh\n");
        device.processes.on("present", platform::Exit{});
        const Plan plan = device.plan(commands);
        INFO(render_plan(plan));
        REQUIRE(plan.results.size() == (*severity == 0 ? 0 : 1));
        if (*severity != 0) {
            CHECK(plan.results[0].id == errors::agent(errors::AgentCode::command_not_found));
            CHECK(errors::to_string(plan.results[0].status) == severity);
        }
    }
}

TEST_CASE("what an earlier step places or makes is known by every spelling that the system takes for the same") {
    Demo demo;
    const bool folds = platform::same_path("a", "A");
    const auto places = [&](const std::string& commands) { return codes(demo.plan(commands).results).empty(); };
    CHECK(places("SF \"fw/a.bin\" \"/opt/Tool\"\nEX \"/OPT//tool\"\n") == folds);
    CHECK(places("SF \"fw/a.bin\" \"/opt/new\"\nRF \"/opt/new\" \"/opt//Tool\"\nEX \"/OPT/tool\"\n") == folds);
    const Plan plan = demo.plan("SF \"fw/a.bin\" \"/New/a\"\nSF \"fw/b.bin\" \"/NEW\"\n");
    CHECK(targets(plan.steps[1]) == Strings{folds ? "fw/b.bin -> /NEW/b.bin (moved)" : "fw/b.bin -> /NEW (moved)"});
}

TEST_CASE("a program of a step that had begun is not looked for again") {
    Device device;
    StepRecord begun;
    begun.n = 1;
    begun.state = StepState::running;
    device.journal.records[1] = begun;
    CHECK(codes(device.plan("EX \"gone\" \"+r\"\n").results).empty());
    device.journal.records[1].state = StepState::done;
    CHECK(codes(device.plan("EX \"gone\"\n").results).empty());
}

TEST_CASE("a script that could not be parsed gives a plan of complaints") {
    const auto parsed = parse("[Script]\nSF \"a\n", "demo.rsp");
    const Plan plan = refused_plan("demo.rsp", std::get<1>(parsed));
    CHECK(codes(plan.results) == Codes{1500});
    CHECK(has_error(plan.results));
    CHECK(plan.results[0].context == "demo.rsp:2:4: expected a closing quote");
}

}  // namespace
}  // namespace hagent::script
