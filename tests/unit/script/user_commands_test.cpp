// SPDX-License-Identifier: Apache-2.0
// Owns the tests of LU, EL and QU: plans, hooks, the machine's own dialogs, postponements, and what a restart finds.
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::Answer;

constexpr const char* k_note = "/var/lib/hagent/postponed-1";

/// A device with the folder that notes are kept in.
struct Asking : Device {
    Asking() { files.put_directory("/var/lib/hagent"); }
};

void answers(Device& device, std::vector<Answer> list) {
    device.dialogs.on_ask = [list, next = std::size_t{0}]() mutable { return list.at(next++); };
}

TEST_CASE("the plan of LU, EL and QU, in plain words") {
    Device device;
    const Plan plan =
        device.plan("LU \"Updating <hostname>\"\nLU \"x\" \"60\"\nEL\nQU \"Now?\"\nQU \"Now?\" \"30\" \"Postpone\"\n");
    CHECK(plan.results.empty());
    Strings effects;
    for (const auto& step : plan.steps) {
        effects.push_back(step.effect);
    }
    CHECK(effects ==
          Strings{"lock the user out with the message \"Updating tc-7\" until EL or the end",
                  "lock the user out with the message \"x\", at most 60 s", "let the user in again",
                  "ask the user \"Now?\" for 300 s, no answer means accept, at most 3 postponements of 900 s",
                  "ask the user \"Now?\" for 30 s, no answer means postpone, at most 3 postponements of 900 s"});
}

TEST_CASE("bad arguments of LU and QU") {
    Device device;
    struct Row {
        const char* command;
        const char* text;
    };
    for (const Row& row : {Row{"LU \" \"", "2:4: LU: expected a text for the user"},
                           {"LU \"x\" \"0\"", "2:8: LU: expected a time from 1 to 86400 seconds"},
                           {"LU \"x\" \"-5\"", "2:8: LU: expected a time from 1 to 86400 seconds"},
                           {"QU \"\"", "2:4: QU: expected a text for the user"},
                           {"QU \"x\" \"99999999999999999999\"", "2:8: QU: expected a time from 1 to 3600 seconds"},
                           {"QU \"x\" \"5\" \"maybe\"", "2:12: QU: expected \"accept\" or \"postpone\""}}) {
        const Plan plan = device.plan(std::string(row.command) + "\n");
        CAPTURE(row.command);
        REQUIRE(plan.complaints.size() == 1);
        CHECK(headline(plan.complaints[0]) == std::string("demo.rsp:") + row.text);
        CHECK(has_error(plan.results));
    }
}

TEST_CASE("below another root nothing is asked of this machine or its user") {
    Device device;
    device.jail.relocation = rooted("/mnt/image");
    device.files.put(in_image("/f"), "");
    for (const char* hook : {"lock", "unlock", "ask", "reboot"}) {
        device.files.put(std::string("/etc/hagent/hooks/") + hook, "#!");
    }
    const std::string script = "LU \"x\"\nQU \"now?\"\nAL \"/f\" \"x\"\nEL\nRB \"5\"\nLU \"x\"\nSP\n";
    const Plan plan = device.plan(script);
    CHECK(plan.results.empty());
    CHECK(plan.reboots == 0);
    CHECK(plan.steps[4].effect == "restart the device after 5 s: not done below --root, it would be this machine's");
    const Outcome outcome = device.run(script);
    CHECK(outcome.ended == Ended::completed);
    CHECK(states(outcome) == Strings{"done", "done", "done", "done", "done", "done", "done"});
    CHECK(device.files.content(in_image("/f")) == "x\n");
    CHECK(device.host.actions.empty());
    CHECK(device.clock.waits().empty());
    CHECK(device.processes.calls.empty());
    CHECK(device.dialogs.log.empty());
}

TEST_CASE("a user who may not postpone is still asked, once") {
    Device device;
    unsigned asked = 0;
    device.dialogs.on_ask = [&] { return ++asked, Answer::postponed; };
    device.options.postponements = 0;
    CHECK(device.run("QU \"now?\" \"5\"\n").ended == Ended::completed);
    CHECK(asked == 1);
    CHECK(device.clock.waits().empty());
}

TEST_CASE("a hook that is there and cannot be run is an error of the analysis, and of its step") {
    for (const auto& each : {std::pair("LU \"x\"", "lock"), {"EL", "unlock"}, {"QU \"x\"", "ask"}, {"RB", "reboot"}}) {
        const std::string op = each.first, hook = each.second;
        CAPTURE(op);
        Device device;
        device.options.device = &device.services;
        device.files.put(std::string("/etc/hagent/hooks/") + hook, "no program");
        const auto plan = device.plan(std::string(op) + "\n");
        CHECK(codes(plan.results) == Codes{1512});  // what the fake says of a program that nobody told it of
        CHECK(plan.results.at(0).context.find("cannot be run") != std::string::npos);
        Device folder;
        folder.files.put_directory(std::string("/etc/hagent/hooks/") + hook);
        CHECK(folder.run(std::string(op) + "\n").ended != Ended::completed);
        CHECK(folder.host.actions.empty());
    }
}

TEST_CASE("without hooks the machine's own dialogs are used") {
    Device device;
    CHECK(device.run("LU \"wait\" \"60\"\nEL\nQU \"now?\" \"5\"\n").ended == Ended::completed);
    CHECK(device.dialogs.log == Strings{"tell wait 60", "take back", "ask now? 5"});
    CHECK(device.processes.calls.empty());
}

TEST_CASE("hooks take their place, with arguments that are never split") {
    Device device;
    for (const char* hook : {"lock", "unlock", "ask"}) {
        device.files.put(std::string("/etc/hagent/hooks/") + hook, "#!/bin/sh\n", 0755);
        device.processes.on(hook, platform::Exit{});
    }
    CHECK(device.run("LU \"a; 'b' $(c)\" \"60\"\nEL\nQU \"now?\" \"5\" \"postpone\"\n").ended == Ended::completed);
    REQUIRE(device.processes.calls.size() == 3);
    CHECK(plain(device.processes.calls[0].argv) == Strings{"/etc/hagent/hooks/lock", "a; 'b' $(c)", "60"});
    CHECK(plain(device.processes.calls[1].argv) == Strings{"/etc/hagent/hooks/unlock"});
    CHECK(plain(device.processes.calls[2].argv) == Strings{"/etc/hagent/hooks/ask", "now?", "5", "postpone"});
    CHECK(device.processes.calls[2].time_limit == Millis{65000});
    CHECK(device.dialogs.log.empty());
}

TEST_CASE("a hook that fails is a failed step") {
    Device device;
    device.files.put("/etc/hagent/hooks/lock", "#!/bin/sh\n", 0755);
    device.processes.on("lock", platform::Exit{3, false, "no screen\n"});
    const Outcome outcome = device.run("LU \"x\"\nAL \"/f\" \"x\"\n");
    CHECK(codes(outcome.results) == Codes{1513, 1516});
    CHECK(outcome.results[0].context == "step 1 (LU, line 2): /etc/hagent/hooks/lock ended with status 3");
    CHECK(outcome.steps[0].output == "no screen");
    CHECK_FALSE(device.files.exists("/f"));
}

TEST_CASE("the lock ends with the script, whether it fails or not, and stays over a restart") {
    Device device;
    CHECK(device.run("LU \"x\" \"9\"\nAL \"/f\" \"x\"\n").ended == Ended::completed);
    CHECK(device.dialogs.log == Strings{"tell x 9", "take back"});

    Device failing;
    CHECK(failing.run("LU \"x\" \"9\"\nEX \"none\"\n").ended == Ended::failed);
    CHECK(failing.dialogs.log == Strings{"tell x 9", "take back"});

    Device restarting;
    const std::string script = "LU \"x\" \"9\"\nRB\nAL \"/f\" \"x\"\n";
    CHECK(restarting.run(script).ended == Ended::reboot_requested);
    CHECK(restarting.dialogs.log == Strings{"tell x 9"});
    restarting.host.known.boot_id = "another";
    CHECK(restarting.run(script).ended == Ended::completed);
    CHECK(restarting.dialogs.log == Strings{"tell x 9", "tell x 9", "take back"});
}

TEST_CASE("postponing waits and asks again, and after three times nobody is asked any more") {
    Asking device;
    answers(device, {Answer::postponed, Answer::accepted});
    Outcome outcome = device.run("QU \"now?\" \"5\"\n");
    CHECK(outcome.steps[0].output == "postponed 1 of 3 times");
    CHECK(device.clock.waits() == std::vector{Millis{900'000}});
    CHECK_FALSE(device.files.exists(k_note));

    Asking stubborn;
    answers(stubborn, {Answer::postponed, Answer::postponed, Answer::postponed});
    outcome = stubborn.run("QU \"now?\" \"5\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK(stubborn.dialogs.log.size() == 3);
    CHECK(stubborn.clock.waits().size() == 3);
}

TEST_CASE("no answer means the default; with nobody to ask, too") {
    Asking device;
    answers(device, {Answer::none});
    CHECK(device.run("QU \"now?\" \"5\"\n").steps[0].output == "postponed 0 of 3 times");
    Asking alone;
    alone.services.dialogs = nullptr;
    CHECK(alone.run("LU \"x\"\nQU \"now?\" \"5\" \"postpone\"\n").steps[1].output == "postponed 3 of 3 times");
}

TEST_CASE("a postponement is cancelled by a shutdown and counted after it") {
    Asking device;
    answers(device, {Answer::postponed, Answer::postponed, Answer::postponed, Answer::postponed});
    device.clock.on_wait = [&](Millis) { device.cancel.request(); };
    CHECK(device.run("QU \"now?\" \"5\"\n").ended == Ended::cancelled);
    CHECK(device.files.content(k_note) == "1");
    CancelToken fresh;
    device.clock.on_wait = [](Millis) {};
    const Plan plan = device.plan("QU \"now?\" \"5\"\n");
    const auto outcome =
        run(plan, device.package, device.services, device.journal, device.watcher, device.journal.earlier(), fresh);
    REQUIRE(outcome.ok());
    CHECK(outcome.value().ended == Ended::completed);
    CHECK(device.dialogs.log.size() == 3);
    CHECK_FALSE(device.files.exists(k_note));
}

TEST_CASE("the power fails at any change while a user postpones: he never gains a postponement and the script ends") {
    const std::string script = "QU \"now?\" \"5\"\nAL \"/f\" \"x\"\n";
    for (std::uint64_t call = 1;; ++call) {
        CAPTURE(call);
        Asking device;
        device.dialogs.on_ask = [] { return Answer::postponed; };
        device.files.put_directory("/journal");
        device.journal.durable = [&] { return device.files.write_durable("/journal/last", "x", 0600); };
        device.files.forget_calls();
        device.files.cut_power_at(call);
        (void)device.try_run(script);
        const bool cut = device.files.power_is_off();
        if (cut) {
            device.files.restart(fakes::Unsynced::lost);
            CHECK(device.run(script).ended == Ended::completed);
        }
        CHECK(device.files.content("/f") == "x\n");
        CHECK(device.dialogs.log.size() <= 4);  // the question that the cut came into is asked again
        if (!cut) {
            CHECK(call > 20);
            break;
        }
    }
}

}  // namespace
}  // namespace hagent::script
