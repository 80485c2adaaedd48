// SPDX-License-Identifier: Apache-2.0
// Owns the interface to the machine: who it is, and switching it off or starting it again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::platform {

/// What identifies the machine. Texts come from firmware and system files: UTF-8 without control characters.
struct HostFacts {
    std::string hostname;
    std::vector<std::string> macs;        // the machine's own first (platform/network_card.h), "00:80:64:aa:bb:cc"
    std::vector<std::string> addresses;   // IPv4 and IPv6, loopback and link-local left out
    std::string vendor, product, serial;  // from DMI; empty when the machine does not say
    std::string cpu;
    std::uint64_t memory_bytes = 0;
    std::string os_name, os_release, machine;  // as uname prints: "Linux", "6.1.0-37-686", "i686"
    std::string boot_id;                       // differs after each start of the machine
    // of the system image, as its maker wrote it (os-release IMAGE_VERSION); empty: not said
    std::string image_version;
    std::string user;                       // logged-on user; empty when nobody is
    std::vector<std::string> card_names{};  // of `macs`: "eth0"
    bool has_real_card = true;              // else `macs` are those of bridges, tunnels or containers
};

enum class PowerAction : std::uint8_t { reboot, power_off };

/// A hardware watchdog that counts: the machine restarts when nobody feeds it in time. Closed without disarm() it goes
/// on counting.
class Watchdog {
public:
    virtual ~Watchdog() = default;
    [[nodiscard]] virtual Status feed() = 0;
    /// It counts no more, where it can be stopped.
    [[nodiscard]] virtual Status disarm() = 0;
};

class Host {
public:
    virtual ~Host() = default;
    /// Reads all of them anew, which takes some milliseconds. What the machine does not say is left empty.
    [[nodiscard]] virtual HostFacts facts() = 0;
    /// Asks the system's service manager, so that services and file systems end in order; returns once it was asked.
    /// A restart goes through the firmware: a kernel that was loaded to be jumped into is dropped, else it would bypass
    /// the boot loader and its choice. Errors: reboot_failed with the answer, command_not_found, permission_denied.
    [[nodiscard]] virtual Status power(PowerAction action) = 0;
    /// Restarts the machine here and now, once power() was asked and nothing came of it: what is written is made
    /// durable, nothing else ends in order. Errors: permission_denied, those of the system.
    [[nodiscard]] virtual Status force_restart() = 0;
    /// Opening it starts it. Errors: file_not_found, permission_denied, busy (somebody else feeds it);
    /// unsupported_here.
    [[nodiscard]] virtual Result<std::unique_ptr<Watchdog>> open_watchdog(const std::string& device) {
        return error(errors::AgentCode::unsupported_here, device);
    }
};

[[nodiscard]] std::unique_ptr<Host> system_host();

/// Memory of this process as the system accounts it (Pss on Linux, working set on Windows); 0 when it does not say.
[[nodiscard]] std::uint64_t own_memory_bytes();
[[nodiscard]] std::uint32_t own_pid();
/// Whether this system has the boot manager whose entries bcdedit.exe changes.
[[nodiscard]] bool has_bcd();
/// Whether a process has this number now; also true when it belongs to somebody else.
[[nodiscard]] bool process_exists(std::uint32_t pid);

}  // namespace hagent::platform
