// SPDX-License-Identifier: Apache-2.0
// Owns the tests of which slot runs, and of the mark of a slot that is not whole.
#include <doctest/doctest.h>

#include "agent/boot/boot.h"
#include "tests/fakes/fake_block_devices.h"

using namespace hagent;
using namespace hagent::boot;
using errors::AgentCode;

namespace {

struct Machine {
    Machine() {
        image.slots = {{"A", {{"root", "/dev/sda2"}}}, {"B", {{"root", "/dev/sda3"}}}};
        for (const char* device : {"/dev/sda1", "/dev/sda2", "/dev/sda3"}) {
            devices.put(device, "x");
        }
        files.put_symlink("/dev/disk/by-label/b", "/dev/sda3");
    }

    std::string runs() {
        const auto slot = running_slot(image, devices);
        return slot.ok() ? *slot : "";
    }
    AgentCode refusal() {
        const auto slot = running_slot(image, devices);
        return slot.ok() ? AgentCode::internal : AgentCode{slot.error().id.number};
    }

    fakes::FakeFiles files;
    fakes::FakeBlockDevices devices{files};
    config::ImageSettings image;
};

}  // namespace

TEST_CASE_FIXTURE(Machine, "the slot is the configured one, else the command line's, else the root's") {
    CHECK(refusal() == AgentCode::slot_not_known);
    devices.root = "/dev/sda3";
    CHECK(runs() == "B");
    devices.root = "/dev/disk/by-label/b";
    CHECK(runs() == "B");
    devices.line = "quiet hagent.slot=B hagent.trial=";
    CHECK(runs() == "B");
    devices.root = "";
    CHECK(runs() == "B");
    devices.line = "";
    image.running = "A";
    CHECK(runs() == "A");
    devices.root = "/dev/sda1";  // the owner has said which one, wherever its root lies
    CHECK(runs() == "A");
}

TEST_CASE_FIXTURE(Machine, "what is known of the three must agree") {
    devices.line = "hagent.slot=A";
    devices.root = "/dev/sda3";
    CHECK(refusal() == AgentCode::boot_slots_disagree);
    devices.root = "/dev/sda1";
    CHECK(refusal() == AgentCode::boot_slots_disagree);
    devices.line = "hagent.slot=C";
    devices.root = "/dev/sda2";
    CHECK(refusal() == AgentCode::boot_slots_disagree);
    devices.line = "";
    image.running = "B";
    CHECK(refusal() == AgentCode::boot_slots_disagree);
    devices.root = "";
    devices.line = "hagent.slot=A";
    CHECK(refusal() == AgentCode::boot_slots_disagree);
    const auto why = running_slot(image, devices);
    REQUIRE_FALSE(why.ok());
    CHECK(why.error().context.find("\"B\"") != std::string::npos);
    CHECK(why.error().context.find("\"A\"") != std::string::npos);
}

TEST_CASE_FIXTURE(Machine, "a root that lies on no disk of its own says nothing") {
    for (const char* root : {"overlay", "tmpfs", "/dev/mapper/root", "/dev/dm-0", "/dev/loop1", "/dev/root"}) {
        CAPTURE(root);
        devices.root = root;
        devices.line = "hagent.slot=A";
        CHECK(runs() == "A");
        devices.line = "";
        CHECK(refusal() == AgentCode::slot_not_known);
    }
    devices.root = "/dev/sda1";
    CHECK(refusal() == AgentCode::slot_not_known);
}

TEST_CASE_FIXTURE(Machine, "any part of a slot may be the root") {
    image.slots = {{"A", {{"boot", "/dev/sda1"}, {"root", "/dev/sda2"}}}, {"B", {{"root", "/dev/sda3"}}}};
    devices.root = "/dev/sda1";
    CHECK(runs() == "A");
}

TEST_CASE("the last value on a command line counts, and only whole words") {
    CHECK(command_line_value("a=1 hagent.slot=A b hagent.slot=B\n", "hagent.slot") == "B");
    CHECK(command_line_value("xhagent.slot=A hagent.slots=B hagent.slot", "hagent.slot").empty());
    CHECK(command_line_value("", "hagent.slot").empty());
    CHECK(command_line_value("hagent.slot=A hagent.slot=", "hagent.slot").empty());
}

TEST_CASE("the mark of a slot that is not whole") {
    CHECK(unfit_head().size() == k_head_bytes);
    CHECK(is_unfit_head(unfit_head()));
    CHECK(is_unfit_head(unfit_head(512)));
    CHECK_FALSE(is_unfit_head(std::string(4096, '\0')));
    CHECK_FALSE(is_unfit_head(""));
    const State state{"A", "A", Trial{"B", 3, false}, {"B"}};
    CHECK(state.is_unfit("B"));
    CHECK_FALSE(state.is_unfit("A"));
    CHECK_FALSE(state.on_trial());
}
