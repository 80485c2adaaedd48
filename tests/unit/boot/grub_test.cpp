// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what only GRUB's block can be: damaged, elsewhere, read by nobody, left over.
#include <doctest/doctest.h>

#include "agent/boot/boot.h"
#include "agent/boot/grub_env.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"

using namespace hagent;
using namespace hagent::boot;
using errors::AgentCode;

namespace {

constexpr const char* k_env = "/boot/grub/grubenv";

struct Device {
    Device() {
        image.boot = config::BootMethod::grub;
        image.slots = {{"A", {{"root", "/dev/sda2"}}}, {"B", {{"root", "/dev/sda3"}}}};
        devices.put("/dev/sda2", "a");
        devices.put("/dev/sda3", "b");
        devices.line = "hagent.slot=A hagent.generation=";
        put({});
    }

    void put(const GrubEnv& env) { files.put(k_env, *grub_env_block(env), 0600); }
    GrubEnv env() { return *parse_grub_env(files.content(k_env).value_or("")); }
    std::unique_ptr<Boot> boot() { return make_boot({image, files, processes, devices, host, "", "/state/boot"}); }
    AgentCode refusal(const Status& status) {
        return status.ok() ? AgentCode::internal : AgentCode{status.error().id.number};
    }

    fakes::FakeFiles files;
    fakes::FakeBlockDevices devices{files};
    fakes::FakeProcesses processes;
    fakes::FakeHost host;
    config::ImageSettings image;
};

}  // namespace

TEST_CASE_FIXTURE(Device, "a block that is none is told by name, and never written to") {
    const std::string good = *grub_env_block({"A", "", "", "", ""});
    for (const std::string& bad : {std::string(), std::string(1024, '\0'), good + good, good.substr(0, 512),
                                   std::string(1024, '#'), good.substr(0, 512) + std::string(512, '\0')}) {
        CAPTURE(bad.size());
        files.put(k_env, bad, 0600);
        for (const auto& status : {boot()->check(), boot()->mark_unfit("B"), boot()->try_once("B", 3),
                                   boot()->confirm("A"), boot()->fall_back()}) {
            CHECK(refusal(status) == AgentCode::boot_env_damaged);
            CHECK(status.error().context.find(k_env) != std::string::npos);
        }
        CHECK(files.content(k_env) == bad);
    }
    REQUIRE(files.remove(k_env).ok());
    CHECK(refusal(boot()->check()) == AgentCode::file_not_found);
    CHECK(refusal(boot()->try_once("B", 3)) == AgentCode::file_not_found);
    CHECK_FALSE(files.exists(k_env));
}

TEST_CASE_FIXTURE(Device, "a block that cannot be written is told by the analysis") {
    files.set_read_only(true);
    CHECK(boot()->look().ok());
    CHECK(refusal(boot()->try_once("B", 3)) == AgentCode::read_only);
}

TEST_CASE_FIXTURE(Device, "a block on a file system that GRUB cannot write is told by the analysis") {
    for (const char* good : {"", "ext2", "ext4", "vfat"}) {
        devices.file_system = good;
        CHECK(boot()->check().ok());
    }
    for (const char* bad : {"btrfs", "squashfs", "tmpfs", "overlay"}) {
        CAPTURE(bad);
        devices.file_system = bad;
        CHECK(refusal(boot()->check()) == AgentCode::boot_env_place);
    }
    image.slots = {{"A", {{"root", "/images/a"}}}, {"B", {{"root", "/images/b"}}}};  // files: no device at all
    files.put("/images/a", "a");
    CHECK(boot()->check().ok());
}

TEST_CASE_FIXTURE(Device, "a block that is full of others' variables is told by the analysis") {
    put({"", "", "", "", "x=" + std::string(509, 'y') + "\n"});
    CHECK(boot()->check().ok());
    std::string block = "# GRUB Environment Block\nx=" + std::string(600, 'y') + "\n";
    block.resize(k_env_bytes, '#');
    files.put(k_env, block, 0600);
    CHECK(refusal(boot()->check()) == AgentCode::boot_env_full);
    CHECK(refusal(boot()->try_once("B", 3)) == AgentCode::boot_env_full);
}

TEST_CASE_FIXTURE(Device, "our variables are one write of the first sector, and a read back") {
    put({"A", "", "", "", "saved_entry=x\n"});
    files.forget_calls();
    REQUIRE(boot()->try_once("B", 3).ok());
    CHECK(files.calls() ==
          std::vector<std::string>{"write /boot/grub/grubenv", "sync /boot/grub/grubenv", "sync /boot/grub/grubenv"});
    CHECK(env().slot == "A");
    CHECK(env().trial == "B");
    CHECK(env().tries == "3");
    CHECK(env().foreign == "saved_entry=x\n");
    files.forget_calls();
    REQUIRE(boot()->try_once("B", 3).ok());  // it is so already
    CHECK(files.calls().empty());
}

TEST_CASE_FIXTURE(Device, "a disk that has not kept what was written is found out") {
    devices.forget_at(k_env, 40);
    CHECK(refusal(boot()->try_once("B", 3)) == AgentCode::boot_not_kept);
}

TEST_CASE_FIXTURE(Device, "a trial that another start has written, and this one has not taken, is over") {
    REQUIRE(boot()->try_once("B", 3).ok());
    CHECK(boot()->look()->trial == Trial{"B", 3, false});
    host.known.boot_id = "another start";
    CHECK(boot()->look()->trial == Trial{"B", 3, true});
    REQUIRE(boot()->fall_back().ok());
    CHECK_FALSE(boot()->look()->trial);
    CHECK(env().trial.empty());
    CHECK(env().tries.empty());
    // as somebody writes it by hand
    put({"A", "B", "7", "", ""});
    CHECK(boot()->look()->trial == Trial{"B", 0, true});
    put({"A", "C", "3", "", ""});
    CHECK_FALSE(boot()->look()->trial);
}

TEST_CASE_FIXTURE(Device, "GRUB proves that it reads the block") {
    REQUIRE(boot()->try_once("B", 3).ok());
    const std::string written = env().generation;
    CHECK(written.size() == 8);
    devices.line = "hagent.slot=A hagent.generation=";
    CHECK(boot()->check().ok());  // written after this start
    host.known.boot_id = "the next start";
    CHECK(refusal(boot()->check()) == AgentCode::boot_not_read);
    devices.line = "hagent.slot=A hagent.generation=00000000";
    CHECK(refusal(boot()->check()) == AgentCode::boot_not_read);
    devices.line = "hagent.slot=A hagent.generation=" + written;
    CHECK(boot()->check().ok());
    devices.line = "hagent.slot=A";  // a boot loader that says nothing proves nothing
    CHECK(refusal(boot()->check()) == AgentCode::boot_not_read);
    image.slots = {{"A", {{"root", "/images/a"}}}, {"B", {{"root", "/images/b"}}}};  // files: no boot loader is there
    files.put("/images/a", "a");
    CHECK(boot()->check().ok());
}

TEST_CASE_FIXTURE(Device, "a block that was never written to is not the one of which GRUB has read a generation") {
    CHECK(boot()->check().ok());
    devices.line = "hagent.slot=A hagent.generation=0badcafe";
    CHECK(refusal(boot()->check()) == AgentCode::boot_not_read);
}

TEST_CASE_FIXTURE(Device, "a kernel that could not be loaded leaves the other slot running, and nothing on trial") {
    put({"B", "", "", "", ""});
    const auto state = boot()->look();
    REQUIRE(state.ok());
    CHECK(state->running == "A");
    CHECK(state->chosen == "B");
    CHECK_FALSE(state->trial);
    REQUIRE(
        boot()->mark_unfit("B").ok());  // the chosen one is written to: the running one is chosen first, in one write
    CHECK(env().slot == "A");
    CHECK(env().tries == "-B");
}
