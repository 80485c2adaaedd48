// SPDX-License-Identifier: Apache-2.0
// Owns the story of an image from the analysis to the confirmation, or back, with the real boot method over the fakes.
#include "tests/unit/image/machine.h"

#include "agent/image/status.h"
#include "platform/paths.h"

namespace hagent::image {
namespace {

using errors::AgentCode;
using fakes::Unsynced;
using work::Ended;

/// What the last step said.
std::string reason_of(const work::Outcome& outcome) {
    std::string all;
    for (const auto& result : outcome.results) {
        all += std::to_string(result.id.number) + " " + result.context + "\n";
    }
    return all;
}

bool says(const work::Outcome& outcome, AgentCode code) {
    return std::any_of(outcome.results.begin(), outcome.results.end(),
                       [&](const TaskResult& result) { return result.id == errors::agent(code); });
}

bool objects(const Machine& machine, AgentCode code) {
    return std::any_of(machine.refused.begin(), machine.refused.end(),
                       [&](const TaskResult& result) { return result.id == errors::agent(code); });
}

TEST_CASE("an image is written, started on trial, and kept once a check-in has come through") {
    Machine machine;
    const auto outcome = machine.story();
    REQUIRE(outcome);
    CHECK_MESSAGE(outcome->ended == Ended::completed, reason_of(*outcome));
    CHECK(machine.running == "B");
    CHECK(machine.whole("B"));
    machine.boot();
    CHECK(machine.running == "B");  // for good
    const auto services = machine.services();
    const auto status = image_status(services);
    CHECK_FALSE(status.trial);
    REQUIRE(status.last);
    CHECK(status.last->result == "success");
    CHECK(status.slots.at(1).version == "2.0");
    CHECK(machine.host.actions.size() == 1);
}

TEST_CASE("success waits for the manager, and goes back when none answers in time") {
    Machine machine;
    machine.manager_answers = false;
    const auto outcome = machine.story();
    REQUIRE(outcome);
    CHECK(outcome->ended == Ended::failed);
    CHECK(says(*outcome, AgentCode::image_trial_failed));
    CHECK(reason_of(*outcome).find("no manager answered within 3600 s") != std::string::npos);
    CHECK(machine.running == "A");
    CHECK(machine.whole("A"));
    CHECK(image_status(machine.services()).last->result == "failed");
}

TEST_CASE("a health program that fails in the new system sends the device back with what it said") {
    Machine machine;
    machine.settings.image.health = {{"/check", "x"}};
    machine.files.put("/check", "", 0755);
    machine.processes.on("/check", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        return machine.running == "B" ? platform::Exit{3, false, "no screen\n", 0} : platform::Exit{0, false, "", 0};
    });
    const auto outcome = machine.story();
    REQUIRE(outcome);
    CHECK(outcome->ended == Ended::failed);
    CHECK(reason_of(*outcome).find("/check x ended with 3; it said: no screen") != std::string::npos);
    CHECK(machine.running == "A");
}

TEST_CASE("what failed in the old system already is told, and is no evidence against the new one") {
    Machine machine;
    machine.settings.image.health = {{"/check"}};
    machine.files.put("/check", "", 0755);
    machine.processes.on("/check", platform::Exit{1, false, "no licence\n", 0});
    const auto outcome = machine.story();
    REQUIRE(outcome);
    CHECK_MESSAGE(outcome->ended == Ended::completed, reason_of(*outcome));
    bool told = false;
    for (const auto& [n, record] : machine.journal) {
        told = told || (!record.results.empty() && record.results[0].context.find("no licence") != std::string::npos);
    }
    CHECK(told);
}

TEST_CASE("a new system whose agent never comes up uses its starts, and the old one says so") {
    Machine machine;
    std::optional<work::Outcome> outcome;
    for (int lives = 0; lives < 20 && !outcome; ++lives) {
        if (machine.running == "B") {
            machine.boot();  // a panic: nobody lives here
            continue;
        }
        auto life = machine.live();
        REQUIRE(life);
        if (life->ended == Ended::reboot_requested) {
            machine.boot();
        } else {
            outcome = std::move(life);
        }
    }
    REQUIRE(outcome);
    CHECK(says(*outcome, AgentCode::image_trial_not_reached));
    CHECK(reason_of(*outcome).find("all its starts are used up") != std::string::npos);
    CHECK(machine.running == "A");
    machine.boot();
    CHECK(machine.running == "A");
}

/// The end of a story in which the new slot has no agent; `starts` is what each of its starts leaves behind.
std::string reason_of_silence(Machine& machine, const std::function<void()>& starts) {
    for (int lives = 0; lives < 20; ++lives) {
        if (machine.running == "B") {
            starts();
            machine.boot();
            continue;
        }
        const auto life = machine.live();
        REQUIRE(life);
        if (life->ended != Ended::reboot_requested) {
            CHECK(says(*life, AgentCode::image_trial_not_reached));
            return reason_of(*life);
        }
        machine.boot();
    }
    return "";
}

TEST_CASE("a new system without an agent: who saw why is believed in this order") {
    Machine machine;
    const std::string panic =
        "Panic#1 Part1\n<0>[    4.2] Kernel panic - not syncing: no init found\n<6>[ 4.3] Rebooting\n";
    const auto crash = [&] {
        machine.files.set_now(WallTime{machine.clock.wall().since_epoch + Millis{60'000}});
        machine.files.put("/sys/fs/pstore/dmesg-ramoops-0", panic);
    };
    SUBCASE("nobody") {
        machine.files.put("/sys/fs/pstore/console-ramoops-0", "all is well");
        CHECK(reason_of_silence(machine, [] {}).find("its kernel stopped or hung") != std::string::npos);
    }
    SUBCASE("its kernel") {
        CHECK(reason_of_silence(machine, crash).find("its kernel said \"Kernel panic - not syncing: no init found\"") !=
              std::string::npos);
    }
    SUBCASE("a kernel of earlier times") {
        machine.files.set_now(WallTime{machine.clock.wall().since_epoch - Millis{60'000}});
        machine.files.put("/sys/fs/pstore/dmesg-ramoops-0", panic);
        CHECK(reason_of_silence(machine, [] {}).find("its kernel stopped or hung") != std::string::npos);
    }
    SUBCASE("its initramfs before its kernel, and not of an earlier trial") {
        machine.files.put("/state/trial.note", "an old note\n");
        CHECK(reason_of_silence(machine, crash).find("its kernel said") != std::string::npos);
        machine.journal.clear();
        const auto said = reason_of_silence(machine, [&] {
            crash();
            machine.files.put("/state/trial.note", "there is no\033 agent\n");
        });
        CHECK(said.find("its initramfs said \"there is no? agent\"") != std::string::npos);
    }
    SUBCASE("the boot loader before both") {
        crash();
        machine.boot_says = " hagent.missing=kernel";
        CHECK(reason_of_silence(machine, crash).find("the boot loader could not load its kernel") != std::string::npos);
    }
}

TEST_CASE("a new system that hangs after its agent came up is told from one that never did") {
    Machine machine;
    machine.manager_answers = false;
    std::optional<work::Outcome> outcome;
    unsigned lives_of_b = 0;
    for (int lives = 0; lives < 30 && !outcome; ++lives) {
        const bool here = machine.running == "B";
        auto life = machine.live();
        REQUIRE(life);
        if (here) {
            ++lives_of_b;
            machine.set_env("hagent_tries", "0");  // the watchdog bites; its starts are over
            machine.boot();
        } else if (life->ended == Ended::reboot_requested) {
            machine.boot();
        } else {
            outcome = std::move(life);
        }
    }
    REQUIRE(outcome);
    CHECK(lives_of_b == 1);
    CHECK(says(*outcome, AgentCode::image_trial_failed));
    CHECK(reason_of(*outcome).find("its agent came up 1 time") != std::string::npos);
}

TEST_CASE("a trial on another device is not kept") {
    Machine machine;
    REQUIRE(machine.live());
    machine.boot();
    REQUIRE(machine.running == "B");
    machine.host.known.serial = "SN0002";
    const auto life = machine.live();
    REQUIRE(life);
    CHECK(life->ended == Ended::reboot_requested);
    machine.boot();
    CHECK(machine.running == "A");
}

void check_refused(Machine& machine, AgentCode expected) {
    machine.files.forget_calls();
    CHECK_FALSE(machine.live());
    CHECK_MESSAGE(objects(machine, expected), (machine.refused.empty() ? "" : machine.refused[0].context));
    CHECK(machine.whole("A"));
    CHECK(machine.files.calls().empty());
    CHECK(machine.content("B") == std::string(k_machine_slot, 'b'));
}

TEST_CASE("what cannot become a running system is refused before anything is changed") {
    Machine machine;
    AgentCode expected = AgentCode::internal;
    SUBCASE("too large for the slot") {
        machine.offer(raw_bytes(k_machine_slot + k_machine_chunk, 3));
        expected = AgentCode::image_too_large;
    }
    SUBCASE("other hardware") {
        machine.member.platforms = {"T99"};
        expected = AgentCode::image_wrong_hardware;
    }
    SUBCASE("it needs a newer version than the one that runs") {
        machine.member.min_version = "1.5";
        expected = AgentCode::image_version_refused;
    }
    SUBCASE("it is older than the one that runs") {
        machine.member.version = "0.9";
        expected = AgentCode::image_version_refused;
    }
    SUBCASE("the target is mounted") {
        machine.devices.mount("/dev/sda3");
        expected = AgentCode::image_slot_in_use;
    }
    SUBCASE("the target is on another disk than the running system") {
        machine.devices.put("/dev/sda3", std::string(k_machine_slot, 'b'), "/dev/sdb");
        expected = AgentCode::image_device_unfit;
    }
    SUBCASE("sectors of 4 KiB, and an image that does not end with one") {
        machine.offer(raw_bytes(k_machine_image - 512, 2));
        machine.devices.set_sector_bytes("/dev/sda3", 4096);
        expected = AgentCode::image_device_unfit;
    }
    SUBCASE("a health program is not there") {
        machine.settings.image.health = {{"/not/there"}};
        expected = AgentCode::image_health_missing;
    }
    SUBCASE("a part that the slot does not have") {
        machine.member.parts[0].name = "boot";
        expected = AgentCode::image_no_slot;
    }
    SUBCASE("the slot that runs") {
        machine.options = {{"slot", "A"}};
        expected = AgentCode::image_slot_in_use;
    }
    check_refused(machine, expected);
}

TEST_CASE("what the device or the package says of itself is looked at before anything is changed") {
    Machine machine;
    AgentCode expected = AgentCode::internal;
    SUBCASE("a system that sleeps") {
        std::string swap(8192, '\0');
        swap.replace(4086, 9, "S1SUSPEND");
        machine.files.put("/dev/sda5", swap);
        machine.devices.line += " resume=/dev/sda5";
        expected = AgentCode::image_hibernated;
    }
    SUBCASE("a boot loader that does not read our block") {
        machine.files.put(k_env, std::string(1024, 'x'));
        expected = AgentCode::boot_env_damaged;
    }
    SUBCASE("a table that lies about the file") {
        machine.files.put("/package/root.chunks", "0 5 " + std::string(64, '0') + "\n");
        expected = AgentCode::chunk_table_malformed;
    }
    check_refused(machine, expected);
}

TEST_CASE("a downgrade that the manifest allows is done") {
    Machine machine;
    machine.member.version = "0.9";
    machine.member.allow_downgrade = true;
    REQUIRE(machine.story());
    CHECK(machine.running == "B");
}

TEST_CASE("a chunk that is bad from every source ends the work, and the slot is as good as new for the next one") {
    Machine machine;
    machine.package.bad_at = k_machine_chunk + 5;
    const auto outcome = machine.story();
    REQUIRE(outcome);
    CHECK(says(*outcome, AgentCode::image_chunk_bad));
    CHECK(machine.running == "A");
    machine.boot();
    CHECK(machine.running == "A");
    machine.package.bad_at = UINT64_MAX;
    machine.journal.clear();
    machine.files.remove_tree("/state/scratch").value();
    machine.files.put_directory("/state/scratch");
    REQUIRE(machine.story());
    CHECK(machine.running == "B");
}

TEST_CASE("the package's program runs between writing and switching, with the new slot's devices") {
    Machine machine;
    machine.member.after_write = "migrate";
    machine.package.add("migrate", "#!");
    machine.files.put("/package/migrate", "#!", 0600);
    SUBCASE("it ends well") {
        machine.processes.on("migrate", [&](const platform::Command& command, const CancelToken&) {
            CHECK(machine.files.content("/dev/sda3")->starts_with(machine.new_image));
            bool device = false, slot = false;
            for (const auto& [name, value] : command.environment) {
                device = device || (name == "HAGENT_SLOT_DEVICE_ROOT" && value == "/dev/sda3");
                slot = slot || (name == "HAGENT_SLOT" && value == "B");
            }
            CHECK(device);
            CHECK(slot);
            CHECK(machine.devices.open("/dev/sda3", platform::Access::exclusive).ok());  // it can be mounted
            return Result<platform::Exit>(platform::Exit{});
        });
        REQUIRE(machine.story());
        CHECK(machine.running == "B");
    }
    SUBCASE("it fails") {
        machine.processes.on("migrate", platform::Exit{7, false, "no room\n", 0});
        const auto outcome = machine.story();
        REQUIRE(outcome);
        CHECK(says(*outcome, AgentCode::image_hook_failed));
        CHECK(reason_of(*outcome).find("no room") != std::string::npos);
        machine.boot();
        CHECK(machine.running == "A");
        CHECK_FALSE(machine.loads("B"));
    }
}

TEST_CASE("an operator may keep the trial, or end it") {
    Machine machine;
    CHECK(confirm_by_hand(machine.services()).error().is(AgentCode::image_no_trial));
    machine.manager_answers = false;
    REQUIRE(machine.live());
    machine.boot();
    REQUIRE(machine.running == "B");
    REQUIRE(machine.live()->ended == Ended::on_trial);
    const auto status = image_status(machine.services());
    REQUIRE(status.trial);
    CHECK(status.trial->slot == "B");
    CHECK(status.trial->version == "2.0");
    CHECK_FALSE(status.trial->deadline.empty());
    SUBCASE("keep") {
        REQUIRE(confirm_by_hand(machine.services()).ok());
        CHECK(machine.live()->ended == Ended::completed);
        machine.boot();
        CHECK(machine.running == "B");
    }
    SUBCASE("end") {
        CHECK(*roll_back_by_hand(machine.services(), machine.cancel));
        machine.boot();
        CHECK(machine.running == "A");
        const auto outcome = machine.live();
        REQUIRE(outcome);
        CHECK(reason_of(*outcome).find("an operator on the device ended the trial") != std::string::npos);
    }
}

TEST_CASE("the watchdog is fed while the trial can still succeed, and stopped with its end") {
    Machine machine;
    machine.settings.image.watchdog = machine.host.watchdog_device = "/dev/watchdog";
    REQUIRE(machine.story());
    CHECK(machine.host.feeds >= 1);
    CHECK(machine.host.disarmings == 1);
}

/// Old or new after every cut, and the story has an end.
void check_end(Machine& machine, const std::optional<work::Outcome>& outcome, bool good) {
    REQUIRE(outcome);
    CHECK_MESSAGE((outcome->ended == Ended::completed) == good, reason_of(*outcome));
    CHECK(machine.running == (good ? "B" : "A"));
    machine.boot();
    CHECK(machine.running == (good ? "B" : "A"));
    CHECK(machine.whole("A"));
    if (good) {
        CHECK(machine.whole("B"));
    }
}

/// The power goes at change number `first`, and at number `second` of what comes then (0: not again).
bool cut(bool good, Unsynced unsynced, std::uint64_t first, std::uint64_t second) {
    Machine machine;
    CAPTURE(first);
    CAPTURE(second);
    machine.settings.image.confirm_deadline = machine.settings.image.confirm_deadline_max = Seconds{60};
    machine.manager_answers = good;
    unsigned cuts = 0;
    machine.on_cut = [&] {
        ++cuts;
        if (cuts == 1 && second != 0) {
            machine.files.cut_power_at(second);
        }
        CHECK((machine.loads("A") && machine.whole("A")));
        if (machine.loads("B") && machine.content("B") != std::string(k_machine_slot, 'b')) {
            CHECK(machine.whole("B"));
        }
    };
    machine.files.forget_calls();
    machine.files.cut_power_at(first);
    const auto outcome = machine.story(unsynced);
    check_end(machine, outcome, good);
    return cuts == (second != 0 ? 2U : 1U);
}

TEST_CASE("a power cut at any change of a good story ends in the new system") {
    for (const auto unsynced : {Unsynced::lost, Unsynced::torn}) {
        std::uint64_t call = 1;
        while (cut(true, unsynced, call, 0)) {
            ++call;
        }
        CHECK(call > 30);
    }
}

TEST_CASE("a power cut at any change of a failing story ends in the old system") {
    std::uint64_t call = 1;
    while (cut(false, Unsynced::lost, call, 0)) {
        ++call;
    }
    CHECK(call > 30);
}

/// Every few pairs; with HAGENT_ALL_CUTS in the environment all of them, which takes minutes.
TEST_CASE("a second cut at any change of what follows the first one: never neither") {
    const std::uint64_t stride = platform::environment("HAGENT_ALL_CUTS").empty() ? 5 : 1;
    for (const bool good : {true, false}) {
        for (std::uint64_t first = 1; cut(good, Unsynced::lost, first, 0); ++first) {
            std::uint64_t second = 1 + first % stride;
            while (cut(good, Unsynced::lost, first, second)) {
                second += stride;
            }
        }
    }
}

}  // namespace
}  // namespace hagent::image
