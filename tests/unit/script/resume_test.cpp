// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what happens after an interruption: steps in flight, restarts of the machine, hooks.
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

StepRecord record(unsigned n, StepState state) {
    StepRecord made;
    made.n = n;
    made.state = state;
    return made;
}

TEST_CASE("steps that are done are not done again") {
    Device device;
    device.files.put("/x", "1");
    device.files.put("/y", "1");
    device.journal.records[1] = record(1, StepState::done);
    const Outcome outcome = device.run("DF \"/x\"\nDF \"/y\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK(device.files.exists("/x"));
    CHECK_FALSE(device.files.exists("/y"));
    CHECK(device.journal.log == Strings{"intent 2", "done 2"});
}

TEST_CASE("a program in flight is reported and not run again") {
    Device device;
    device.processes.on("p", platform::Exit{});
    device.journal.records[1] = record(1, StepState::running);
    const Outcome outcome = device.run("EX \"p\"\nDF \"/x\"\n");
    CHECK(outcome.ended == Ended::failed);
    CHECK(codes(outcome.results) == Codes{1517, 1516});
    CHECK(outcome.results[0].context == "step 1 (EX, line 2): run p, at most 3600 s");
    CHECK(outcome.steps[0].in_flight_before);
    CHECK(device.processes.calls.empty());
    CHECK(device.journal.log == Strings{"failed 1"});
}

TEST_CASE("an optional program in flight is a warning") {
    Device device;
    device.journal.records[1] = record(1, StepState::running);
    const Outcome outcome = device.run("EX* \"p\"\nCO \"SLX\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK(states(outcome) == Strings{"failed", "done"});
    CHECK_FALSE(has_error(outcome.results));
}

TEST_CASE("a program that says so is run again") {
    Device device;
    device.processes.on("p", platform::Exit{});
    device.journal.records[1] = record(1, StepState::running);
    const Outcome outcome = device.run("EX \"p\" \"+r\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK(outcome.steps[0].in_flight_before);
    CHECK(device.processes.calls.size() == 1);
}

TEST_CASE("a step that failed before the restart still ends the script") {
    Device device;
    device.journal.records[1] = record(1, StepState::failed);
    const Outcome outcome = device.run("EX \"p\"\nDF \"/x\"\n");
    CHECK(outcome.ended == Ended::failed);
    CHECK(states(outcome) == Strings{"failed", "skipped"});
    CHECK(device.journal.log.empty());
}

TEST_CASE("a rename in flight that was done is done, one that was not is an error") {
    Device device;
    device.files.put("/new", "x");
    device.journal.records[1] = record(1, StepState::running);
    CHECK(device.run("RF \"/old\" \"/new\"\n").ended == Ended::completed);
    Device fresh;
    fresh.files.put("/new", "x");
    CHECK(codes(fresh.plan("RF \"/old\" \"/new\"\n").results) == Codes{1200});
    fresh.processes.on("p", platform::Exit{});
    CHECK(fresh.run("EX \"p\"\nRF \"/old\" \"/new\"\n").ended == Ended::failed);
}

TEST_CASE("a file that was placed before the interruption is not fetched again") {
    Device device;
    device.package.add("a", "content");
    REQUIRE(device.files.rename(k_staging + "/a", "/a").ok());
    device.journal.records[1] = record(1, StepState::running);
    CHECK(device.plan("SF \"a\" \"/a\"\n").downloads.empty());
    CHECK(device.run("SF \"a\" \"/a\"\n").ended == Ended::completed);
    CHECK(device.package.asked.empty());
}

TEST_CASE("RB is journalled as done before the machine goes down, and the script goes on afterwards") {
    Device device;
    const std::string script = "CO \"SLX\"\nRB \"7\"\nAL \"/f\" \"x\"\n";
    const Outcome first = device.run(script);
    CHECK(first.ended == Ended::reboot_requested);
    CHECK(states(first) == Strings{"done", "done", "pending"});
    CHECK(codes(first.results) == Codes{1604});
    CHECK(device.host.actions == std::vector{platform::PowerAction::reboot});
    CHECK(device.clock.waits() == std::vector{Millis{7000}});
    CHECK_FALSE(device.files.exists("/f"));

    device.host.known.boot_id = "another";
    const Outcome second = device.run(script);
    CHECK(second.ended == Ended::completed);
    CHECK(second.results.empty());
    CHECK(device.files.content("/f") == "x\n");
    CHECK(device.host.actions.size() == 1);
}

TEST_CASE("as long as the machine has not been down it is asked again") {
    Device device;
    const std::string script = "RB\nAL \"/f\" \"x\"\n";
    (void)device.run(script);
    CHECK(device.run(script).ended == Ended::reboot_requested);
    CHECK(device.host.actions.size() == 2);
    CHECK_FALSE(device.files.exists("/f"));
    device.host.power_answer = error(AgentCode::permission_denied, "no");
    const Outcome refused = device.run(script);
    CHECK(refused.ended == Ended::failed);
    CHECK(states(refused) == Strings{"failed", "skipped"});
}

TEST_CASE("RB as the last step completes the script") {
    Device device;
    CHECK(device.run("RB\n").ended == Ended::completed);
    CHECK(device.host.actions.size() == 1);
}

TEST_CASE(
    "RB or SP as the last step is asked for again when the agent was killed before its script had ended, but not after "
    "a restart") {
    Device device;
    (void)device.run("SP\n");
    CHECK(device.run("SP\n").ended == Ended::completed);
    CHECK(device.host.actions == std::vector{platform::PowerAction::power_off, platform::PowerAction::power_off});
    device.host.known.boot_id = "another";
    CHECK(device.run("SP\n").ended == Ended::completed);
    CHECK(device.host.actions.size() == 2);
}

TEST_CASE("SP switches off") {
    Device device;
    CHECK(device.run("SP\n").ended == Ended::completed);
    CHECK(device.host.actions == std::vector{platform::PowerAction::power_off});
}

TEST_CASE("a refused restart is a failed step") {
    Device device;
    device.host.power_answer = error(AgentCode::permission_denied, "shutdown");
    const Outcome outcome = device.run("RB\nAL \"/f\" \"x\"\n");
    CHECK(outcome.ended == Ended::failed);
    CHECK(codes(outcome.results) == Codes{1518, 1516});
    CHECK(device.journal.log == Strings{"intent 1", "done 1", "failed 1"});
    CHECK_FALSE(device.files.exists("/f"));
}

TEST_CASE("a hook takes the restart over, waits by itself, and the script goes on when it is run again") {
    Device device;
    device.files.put("/etc/hagent/hooks/reboot", "#!/bin/sh\n", 0755);
    device.processes.on("reboot", platform::Exit{});
    const std::string script = "RB \"5\"\nAL \"/f\" \"x\"\n";
    CHECK(device.run(script).ended == Ended::reboot_requested);
    REQUIRE(device.processes.calls.size() == 1);
    CHECK(plain(device.processes.calls[0].argv) == Strings{"/etc/hagent/hooks/reboot", "reboot", "5"});
    CHECK(device.clock.waits().empty());
    CHECK(device.host.actions.empty());
    CHECK(device.run(script).ended == Ended::completed);
    CHECK(device.processes.calls.size() == 1);
}

TEST_CASE("a hook that fails is a failed step with its words") {
    Device device;
    device.files.put("/etc/hagent/hooks/reboot", "#!/bin/sh\n", 0755);
    device.processes.on("reboot", platform::Exit{4, false, "busy\n"});
    const Outcome outcome = device.run("SP\n");
    CHECK(codes(outcome.results) == Codes{1518, 1516});
    CHECK(outcome.results[0].context ==
          "step 1 (SP, line 2): /etc/hagent/hooks/reboot ended with status 4; it said: busy");
    CHECK(device.processes.calls.at(0).argv[1] == "poweroff");
}

TEST_CASE("a restart cancelled in its delay is not asked for") {
    Device device;
    device.clock.on_wait = [&](Millis) { device.cancel.request(); };
    CHECK(device.run("RB \"60\"\n").ended == Ended::cancelled);
    CHECK(device.host.actions.empty());
    CHECK(device.journal.log == Strings{"intent 1"});
}

}  // namespace
}  // namespace hagent::script
