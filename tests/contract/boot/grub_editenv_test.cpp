// SPDX-License-Identifier: Apache-2.0
// Owns the look at GRUB's own tool for the environment block: what it writes we read, what we write it reads, on a real
// file.
#include <doctest/doctest.h>

#include "agent/boot/boot.h"
#include "agent/boot/grub_env.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/temp_directory.h"

using namespace hagent;

namespace {

/// The machine's files and its grub-editenv; slots are plain files.
struct Real {
    Real() {
        image.boot = config::BootMethod::grub;
        image.grub_env = place.path() + "/grubenv";
        image.running = "A";
        image.slots = {{"A", {{"root", slot("a")}}}, {"B", {{"root", slot("b")}}}};
    }

    [[nodiscard]] bool there() const {
        const bool found = processes->find("grub-editenv", "").ok();
        if (!found) {
            MESSAGE("left out: there is no grub-editenv (Debian: grub-common)");
        }
        return found;
    }

    std::string slot(const std::string& name) {
        const std::string path = place.path() + "/" + name;
        REQUIRE(files->write_durable(path, std::string(8192, 'i'), 0600).ok());
        return path;
    }

    std::string editenv(std::vector<std::string> words) {
        platform::Command command;
        command.argv = std::move(words);
        command.argv.insert(command.argv.begin(), {"grub-editenv", image.grub_env});
        command.environment = platform::program_environment();
        command.output_limit = 4096;
        const auto exit = processes->run(command, CancelToken());
        REQUIRE(exit.ok());
        CHECK(exit->code == 0);
        return exit->output;
    }

    std::unique_ptr<boot::Boot> boot() {
        return boot::make_boot({image, *files, *processes, *devices, host, "", place.path() + "/lock"});
    }

    fakes::TempDirectory place;
    std::unique_ptr<platform::Files> files = platform::system_files();
    std::unique_ptr<platform::Processes> processes = platform::system_processes();
    std::unique_ptr<platform::BlockDevices> devices = platform::system_block_devices();
    fakes::FakeHost host;
    config::ImageSettings image;
};

void is_good(const Status& status) { CHECK_MESSAGE(status.ok(), (status.ok() ? "" : status.error().context)); }

}  // namespace

TEST_CASE_FIXTURE(Real, "a block of grub-editenv is read, and what the agent writes grub-editenv reads") {
    if (!there()) {
        return;
    }
    editenv({"create"});
    is_good(boot()->check());
    CHECK(boot()->look()->chosen == "A");
    editenv({"set", "saved_entry=Debian GNU\\Linux", "next_entry=1"});
    is_good(boot()->try_once("B", 3));
    const std::string listed = editenv({"list"});
    for (const char* line : {"hagent_slot=A\n", "hagent_trial=B\n", "hagent_tries=3\n",
                             "saved_entry=Debian GNU\\Linux\n", "next_entry=1\n"}) {
        CHECK(listed.find(line) != std::string::npos);
    }
    const auto info = files->info(image.grub_env);
    REQUIRE(info.ok());
    CHECK((*info)->bytes == boot::k_env_bytes);
    // as GRUB counts
    editenv({"set", "hagent_tries=2"});
    CHECK(boot()->look()->trial == boot::Trial{"B", 2, false});
    editenv({"unset", "next_entry"});
    is_good(boot()->confirm("A"));
    const std::string after = editenv({"list"});
    CHECK(after.find("hagent_slot=A\nhagent_trial=\nhagent_tries=\n") == 0);
    CHECK(after.find("saved_entry=Debian GNU\\Linux\n") != std::string::npos);
    CHECK(after.find("next_entry") == std::string::npos);
}

TEST_CASE_FIXTURE(Real, "a block that others have filled is kept by both") {
    if (!there()) {
        return;
    }
    editenv({"create"});
    for (int i = 10; i < 36; ++i) {
        editenv({"set", "of_others_" + std::to_string(i) + "=v"});
    }
    is_good(boot()->try_once("B", 2));
    editenv({"set", "hagent_tries=1", "of_others_10=longer", "hagent_slot=B"});
    const auto state = boot()->look();
    REQUIRE(state.ok());
    CHECK(state->chosen == "B");
    CHECK(state->trial == boot::Trial{"B", 1, false});
    is_good(boot()->fall_back());
    const std::string listed = editenv({"list"});
    for (int i = 11; i < 36; ++i) {
        CHECK(listed.find("of_others_" + std::to_string(i) + "=v\n") != std::string::npos);
    }
    CHECK(listed.find("of_others_10=longer\n") != std::string::npos);
}

TEST_CASE_FIXTURE(Real, "the file stays the same one: it is never renamed over") {
    std::string block = "# GRUB Environment Block\n";
    block.resize(boot::k_env_bytes, '#');
    REQUIRE(files->write_durable(image.grub_env, block, 0600).ok());
    const auto before = files->info(image.grub_env);
    is_good(boot()->try_once("B", 3));
    is_good(boot()->fall_back());
    const auto after = files->info(image.grub_env);
    REQUIRE(before.ok());
    REQUIRE(after.ok());
    CHECK((*before)->id == (*after)->id);
}
