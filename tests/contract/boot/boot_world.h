// SPDX-License-Identifier: Apache-2.0
// Owns machines with two slots, one for each boot method: what the boot loader makes of what the agent has written.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/boot/boot.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"

namespace hagent {

/// A machine that runs slot A when it is made. Everything that lasts lies in `files`; calls of programs that change
/// something are among its numbered ones.
class BootWorld {
public:
    virtual ~BootWorld() = default;
    BootWorld(const BootWorld&) = delete;
    BootWorld& operator=(const BootWorld&) = delete;

    /// The machine starts again, as its boot loader would have it; the slot that runs then.
    std::string start();
    /// A cut, then the start.
    std::string start_after_cut(fakes::Unsynced unsynced);
    [[nodiscard]] std::unique_ptr<boot::Boot> boot();
    [[nodiscard]] boot::State look();
    /// Somebody else is writing for the boot loader.
    [[nodiscard]] virtual Result<std::unique_ptr<platform::Lock>> other_writer() = 0;
    /// The slot that runs bears the mark as long as its image is not whole.
    void put_mark(const std::string& slot) { devices.put(device_of(slot), boot::unfit_head()); }
    void put_image(const std::string& slot) { devices.put(device_of(slot), std::string(4096, 'i')); }

    bool counts = false;  // more than one start a trial

    fakes::FakeFiles files;
    fakes::FakeBlockDevices devices{files};
    fakes::FakeProcesses processes;
    fakes::FakeHost host;
    config::ImageSettings image;

protected:
    explicit BootWorld(config::BootMethod method);
    [[nodiscard]] virtual std::string next_slot() = 0;
    [[nodiscard]] virtual std::string line_for(const std::string& slot) { return "quiet hagent.slot=" + slot; }
    static std::string device_of(const std::string& slot) { return slot == "A" ? "/dev/sda2" : "/dev/sda3"; }

private:
    unsigned starts_ = 0;
};

[[nodiscard]] std::unique_ptr<BootWorld> grub_world();
/// With variables of others that the first sector has no room for beside ours.
[[nodiscard]] std::unique_ptr<BootWorld> full_grub_world();
inline constexpr const char* k_grub_env = "/boot/grub/grubenv";
[[nodiscard]] std::unique_ptr<BootWorld> efi_world();
[[nodiscard]] std::unique_ptr<BootWorld> bcd_world();
[[nodiscard]] std::unique_ptr<BootWorld> hook_world();

struct NamedWorld {
    const char* name;
    std::unique_ptr<BootWorld> (*make)();
};
/// Those that can start another slot.
[[nodiscard]] const std::vector<NamedWorld>& boot_worlds();

}  // namespace hagent
