// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what other updaters got wrong: before the switch, and around it.
#include "agent/image/status.h"
#include "tests/unit/image/machine.h"

namespace hagent::image {
namespace {

using errors::AgentCode;
using work::Ended;

std::string words_of(const work::Outcome& outcome) {
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

/// Nothing is changed, and the first thing that is said is this.
void check_refused(Machine& machine, AgentCode expected) {
    machine.files.forget_calls();
    CHECK_FALSE(machine.live());
    CHECK_MESSAGE(std::any_of(machine.refused.begin(), machine.refused.end(),
                              [&](const TaskResult& result) { return result.id == errors::agent(expected); }),
                  (machine.refused.empty() ? "" : machine.refused[0].context));
    CHECK(machine.files.calls().empty());
}

/// A second part, which an image may bring or not.
void add_boot_parts(Machine& machine, const std::string& boot_of_b) {
    machine.devices.put("/dev/sda1", std::string(k_machine_slot, '1'));
    machine.settings.image.slots = {{"A", {{"boot", "/dev/sda1"}, {"root", "/dev/sda2"}}},
                                    {"B", {{"boot", boot_of_b}, {"root", "/dev/sda3"}}}};
    auto sample = sample_part("boot", raw_bytes(k_machine_image, 7), k_machine_chunk);
    machine.member.parts.push_back(sample.part);
    machine.package.add("boot.img", sample.image);
    machine.package.add("boot.chunks", sample.table);
    machine.files.put("/package/boot.chunks", sample.table);
}

/// The manager at the check-in before the switch.
struct Manager final : work::ManagerLink {
    [[nodiscard]] Status check_in(Seconds /*most*/, const CancelToken& /*cancel*/) override {
        ++asked;
        if (on_check_in) {
            on_check_in();
        }
        return answer;
    }
    [[nodiscard]] bool may_execute() const override { return open; }
    Status answer;
    bool open = true;
    unsigned asked = 0;
    std::function<void()> on_check_in;
};

TEST_CASE("what runs is not written to, whatever it is called in the table of slots") {
    Machine machine;
    AgentCode expected = AgentCode::image_device_unfit;
    auto& slots = machine.settings.image.slots;
    SUBCASE("the target is a link to the slot that runs") {
        machine.files.put_symlink("/dev/disk/by-uuid/1234", "/dev/sda2");
        slots[1].parts["root"] = "/dev/disk/by-uuid/1234";
    }
    SUBCASE("both slots share a part, under two names") {
        machine.files.put_symlink("/dev/disk/by-partuuid/77", "/dev/sda1");
        add_boot_parts(machine, "/dev/disk/by-partuuid/77");
    }
    SUBCASE("a part of the target is another part of the slot that runs") {
        machine.files.put_symlink("/dev/disk/by-label/x", "/dev/sda2");
        add_boot_parts(machine, "/dev/disk/by-label/x");
    }
    SUBCASE("the target is mounted under its own name, and the table has a link") {
        machine.files.put_symlink("/dev/disk/by-label/b", "/dev/sda3");
        slots[1].parts["root"] = "/dev/disk/by-label/b";
        machine.devices.mount("/dev/sda3");
        expected = AgentCode::image_slot_in_use;
    }
    SUBCASE("another program holds the target") {
        const auto holder = machine.devices.open("/dev/sda3", platform::Access::exclusive);
        REQUIRE(holder.ok());
        check_refused(machine, AgentCode::image_slot_in_use);
        return;
    }
    SUBCASE("the command line names the slot in which the root does not lie") {
        machine.devices.line = "hagent.slot=B hagent.generation=";
        expected = AgentCode::boot_slots_disagree;
    }
    SUBCASE("the root is a device of no slot") {
        machine.devices.put("/dev/sda9", "x");
        machine.devices.root = "/dev/sda9";
        expected = AgentCode::boot_slots_disagree;
    }
    SUBCASE("the command line names a slot that the table does not have") {
        machine.devices.line = "hagent.slot=C hagent.generation=";
        expected = AgentCode::boot_slots_disagree;
    }
    SUBCASE("the configuration says another one") {
        machine.settings.image.running = "B";
        expected = AgentCode::boot_slots_disagree;
    }
    check_refused(machine, expected);
}

TEST_CASE("slots lie on the disk of the system that runs, also where its root is an overlay") {
    Machine machine;
    machine.devices.put("/dev/sda3", std::string(k_machine_slot, 'b'), "/dev/sdb");
    SUBCASE("the root is known") {}
    SUBCASE("it is not") { machine.devices.root.clear(); }
    SUBCASE("it lies on nothing that has a disk") {
        machine.files.put("/dev/mapper/root", "x");
        machine.devices.root = "/dev/mapper/root";
    }
    check_refused(machine, AgentCode::image_device_unfit);
}

TEST_CASE("a system that sleeps refuses the job, wherever it sleeps") {
    Machine machine;
    std::string swap(std::size_t{4} * 4096, '\0');
    std::string mark = "S1SUSPEND";
    std::size_t page = 0;
    SUBCASE("named by its UUID") { machine.devices.line += " resume=UUID=11-22"; }
    SUBCASE("named nowhere") {}
    SUBCASE("by a program of its own") { mark = "ULSUSPEND"; }
    SUBCASE("in a file of swap space") {
        machine.devices.line += " resume=UUID=11-22 resume_offset=2";
        page = 2;
    }
    SUBCASE("in a file, on a device that is named") {
        machine.devices.line += " resume=/dev/sda5 resume_offset=2";
        page = 2;
    }
    swap.replace((page + 1) * 4096 - 10, mark.size(), mark);
    machine.files.put("/dev/sda5", swap);
    machine.files.put("/sys/class/block/sda5/partition", "5\n");
    check_refused(machine, AgentCode::image_hibernated);
}

TEST_CASE("the sector size fits: 4 KiB are as good as 512 bytes") {
    Machine machine;
    machine.devices.set_sector_bytes("/dev/sda2", 4096);
    machine.devices.set_sector_bytes("/dev/sda3", 4096);
    REQUIRE(machine.story());
    CHECK(machine.running == "B");
    CHECK(machine.whole("B"));
}

TEST_CASE("only the program that failed before the switch is excused after it") {
    Machine machine;
    machine.settings.image.health = {{"/run", "/check"}, {"/check"}};
    machine.files.put("/run", "", 0755);
    machine.files.put("/check", "", 0755);
    machine.processes.on("/run", platform::Exit{1, false, "no licence\n", 0});
    machine.processes.on("/check", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        return platform::Exit{machine.running == "B" ? 2 : 0, false, "", 0};
    });
    const auto outcome = machine.story();
    REQUIRE(outcome);
    CHECK(outcome->ended == Ended::failed);
    CHECK(words_of(*outcome).find("health program /check ended with 2") != std::string::npos);
}

TEST_CASE("nothing is switched before the manager was asked once more") {
    Machine machine;
    Manager manager;
    machine.manager = &manager;
    std::string at_check_in = "not asked";
    manager.on_check_in = [&] {
        if (machine.running == "A") {
            at_check_in = machine.env_of()["hagent_trial"] + (machine.whole("B") ? "whole" : "half");
        }
    };
    SUBCASE("it lets it go on") {
        REQUIRE(machine.story());
        CHECK(at_check_in == "whole");
        CHECK(machine.running == "B");
    }
    SUBCASE("the window is closed by now: it is told, and goes on in the next one") {
        manager.open = false;
        CHECK(machine.live()->ended == Ended::suspended);
        CHECK(machine.live()->ended == Ended::suspended);
        CHECK(manager.asked == 2);
        REQUIRE_FALSE(machine.shown.empty());
        CHECK(machine.shown.back().starts_with(std::to_string(static_cast<unsigned>(AgentCode::image_window_closed))));
        machine.boot();
        CHECK(machine.running == "A");
        manager.open = true;
        REQUIRE(machine.story());
        CHECK(machine.running == "B");
    }
    SUBCASE("it does not answer") {
        manager.answer = error(AgentCode::timed_out, "nobody there");
        CHECK(machine.live()->ended == Ended::suspended);
        CHECK(machine.env_of()["hagent_trial"].empty());
        REQUIRE_FALSE(machine.shown.empty());
        CHECK(machine.shown.back().find("nobody there") != std::string::npos);
    }
}

/// All is written and rests before the switch.
void rest(Machine& machine, Manager& manager) {
    machine.manager = &manager;
    manager.open = false;
    REQUIRE(machine.live()->ended == Ended::suspended);
    manager.open = true;
}

TEST_CASE("a slot that was let go of is looked at again before it is switched to") {
    Machine machine;
    Manager manager;
    rest(machine, manager);
    SUBCASE("somebody has written into it: it is made whole") {
        std::string other = machine.content("B");
        other.replace(k_machine_chunk + 7, 5, "other");
        machine.files.put("/dev/sda3", other);
        REQUIRE(machine.story());
        CHECK(machine.running == "B");
        CHECK(machine.whole("B"));
    }
    SUBCASE("somebody holds it") {
        const auto holder = machine.devices.open("/dev/sda3", platform::Access::exclusive);
        const auto outcome = machine.live();
        REQUIRE(outcome);
        CHECK(says(*outcome, AgentCode::image_slot_in_use));
    }
    SUBCASE("it is mounted") {
        machine.devices.mount("/dev/sda3");
        const auto outcome = machine.live();
        REQUIRE(outcome);
        CHECK(says(*outcome, AgentCode::image_slot_in_use));
    }
    SUBCASE("another image was written to it") {
        auto notes = *load_notes(machine.files, "/state/images.json");
        notes.writing->package = "another 3.0 3";
        REQUIRE(save_notes(machine.files, "/state/images.json", notes).ok());
        machine.files.put("/dev/sda3", raw_bytes(k_machine_slot, 9));
        const auto outcome = machine.live();
        REQUIRE(outcome);
        CHECK(says(*outcome, AgentCode::slot_not_whole));
    }
    if (machine.running != "B") {
        CHECK(machine.env_of()["hagent_trial"].empty());
        machine.boot();
        CHECK(machine.running == "A");
    }
}

TEST_CASE("write, sync, read back, program, sync, switch: in this order") {
    Machine machine;
    machine.member.after_write = "migrate";
    machine.package.add("migrate", "#!");
    machine.files.put("/package/migrate", "#!", 0600);
    std::size_t before = 0;  // calls before the program
    machine.processes.on("migrate", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        before = machine.files.calls().size();
        return platform::Exit{};
    });
    machine.files.forget_calls();
    REQUIRE(machine.live()->ended == Ended::reboot_requested);
    std::string order;
    const auto calls = machine.files.calls();
    for (std::size_t i = 0; i < calls.size(); ++i) {
        order += i == before ? "program " : "";
        const std::string word = calls[i] == "write /dev/sda3"       ? "write "
                                 : calls[i] == "sync /dev/sda3"      ? "sync "
                                 : calls[i] == "write /boot/grubenv" ? "loader "
                                                                     : "";
        order += order.ends_with(word) ? "" : word;
    }
    CAPTURE(order);
    CHECK(order.starts_with("loader "));  // not bootable, before anything else
    CHECK(order.ends_with("write sync program sync loader "));
}

TEST_CASE(
    "a program that was started and did not end has left nobody knows what: the image is made whole before it runs "
    "again") {
    Machine machine;
    machine.member.after_write = "migrate";
    machine.package.add("migrate", "#!");
    machine.files.put("/package/migrate", "#!", 0600);
    unsigned runs = 0;
    machine.processes.on("migrate", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        ++runs;
        CHECK(machine.whole("B"));
        std::string half = machine.content("B");
        half.replace(k_machine_chunk + 100, 4, runs == 1 ? "half" : "done");
        machine.files.put("/dev/sda3", half);
        if (runs == 1) {
            machine.files.power_cut();
            return error(AgentCode::interrupted, "no power");
        }
        return platform::Exit{};
    });
    machine.on_cut = [&] { CHECK(machine.env_of()["hagent_trial"].empty()); };
    const auto outcome = machine.story();
    REQUIRE(outcome);
    CHECK_MESSAGE(outcome->ended == Ended::completed, words_of(*outcome));
    CHECK(runs == 2);
    CHECK(machine.content("B").substr(k_machine_chunk + 100, 4) == "done");
}

TEST_CASE("a boot loader that says no after it has done it starts nothing") {
    unsigned told = 0;
    for (std::uint64_t failing = 1; failing < 16; ++failing) {
        CAPTURE(failing);
        Machine machine;
        Manager manager;
        machine.manager = &manager;
        manager.on_check_in = [&] {
            machine.files.forget_calls();
            machine.files.fail_call(failing, error(AgentCode::io_error, "worn out"));
        };
        const auto outcome = machine.live();
        machine.files.forget_calls();
        if (!outcome || outcome->ended == Ended::reboot_requested) {
            continue;  // the journal failed, and the work goes on later; or something that does not matter
        }
        ++told;
        machine.boot();
        CHECK(machine.running == "A");
        CHECK(machine.env_of()["hagent_trial"].empty());
    }
    CHECK(told >= 6);
}

TEST_CASE("a machine that does not restart is restarted by force, and no new start means no verdict") {
    Machine machine;
    REQUIRE(machine.live()->ended == Ended::reboot_requested);
    machine.clock.advance(Millis{60'000});
    CHECK(machine.live()->ended == Ended::reboot_requested);  // the agent was restarted, the machine was not
    CHECK(machine.host.actions.size() == 1);
    CHECK(machine.host.forced == 0);
    machine.clock.advance(Millis{3'600'000});
    CHECK(machine.live()->ended == Ended::reboot_requested);
    CHECK(machine.host.forced == 1);
    machine.boot();
    CHECK(machine.running == "B");
}

TEST_CASE("a restart that cannot be had is told, and nothing is on trial then") {
    Machine machine;
    machine.host.power_answer = error(AgentCode::os_error, "not permitted");
    const auto outcome = machine.live();
    REQUIRE(outcome);
    CHECK(outcome->ended == Ended::failed);
    CHECK(says(*outcome, AgentCode::reboot_failed));
    machine.boot();
    CHECK(machine.running == "A");
    CHECK_FALSE(image_status(machine.services()).trial);
}

}  // namespace
}  // namespace hagent::image
