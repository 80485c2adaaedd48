// SPDX-License-Identifier: Apache-2.0
// Owns the machine's identity and its power switch on Linux.
#include "platform/host.h"

#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utmpx.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/files.h"
#include "platform/firmware_text.h"
#include "platform/os_error.h"
#include "platform/os_release_text.h"
#include "platform/posix/network_facts.h"
#include "platform/posix/watchdog.h"
#include "platform/process.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

// The longest file read here is smaps of a process with many mappings.
constexpr std::size_t k_proc_file_bytes = 4U << 20U;
constexpr Millis k_power_time_limit{60'000};

std::string content(Files& files, const std::string& path) { return files.read(path, k_proc_file_bytes).value_or(""); }

/// The first of these files that holds a real answer: makers fill in the board where they leave the system empty.
std::string first_fact(Files& files, std::initializer_list<const char*> paths) {
    for (const char* path : paths) {
        if (auto fact = firmware_fact(content(files, path)); !fact.empty()) {
            return fact;
        }
    }
    return {};
}

/// The text after "name<blanks>:" of the first such line: a view into `table`, which must outlive it.
std::string_view field_of(std::string_view table, std::string_view name) {
    for (const auto line : split(table, '\n')) {
        const auto colon = line.find(':');
        if (colon != std::string_view::npos && trim(line.substr(0, colon)) == name) {
            return trim(line.substr(colon + 1));
        }
    }
    return {};
}

/// "1234 kB" in bytes; 0 when it is something else.
std::uint64_t kilobytes(std::string_view text) {
    const auto parts = words(text);
    return parts.empty() ? 0 : parse_u64(parts[0], UINT64_MAX / 1024).value_or(0) * 1024;
}

/// The field's name depends on the processor family: x86, ARM, MIPS, PowerPC.
std::string cpu_name(Files& files) {
    const std::string table = content(files, "/proc/cpuinfo");
    for (const char* name : {"model name", "Processor", "cpu model", "Hardware", "cpu"}) {
        if (const auto value = field_of(table, name); !value.empty()) {
            return std::string(value);
        }
    }
    return {};
}

/// The first user whose session is still alive; a crash leaves entries of dead ones in the log of sessions. Without
/// such a log (musl has none) there is nobody.
std::string logged_on_user() {
    std::string user;
    setutxent();
    while (const utmpx* entry = user.empty() ? getutxent() : nullptr) {
        if (entry->ut_type == USER_PROCESS && entry->ut_pid > 0 &&
            process_exists(narrow<std::uint32_t>(entry->ut_pid))) {
            const char* end = std::find(std::begin(entry->ut_user), std::end(entry->ut_user), '\0');
            user.assign(std::begin(entry->ut_user), end);
        }
    }
    endutxent();
    return user;
}

class LinuxHost final : public Host {
public:
    HostFacts facts() override {
        const auto files = system_files();
        HostFacts facts;
        utsname system{};
        if (uname(&system) == 0) {
            facts.hostname = system.nodename;
            facts.os_name = system.sysname;
            facts.os_release = system.release;
            facts.machine = system.machine;
        }
        put_cards(network_cards(), facts);
        facts.addresses = ip_addresses();
        facts.vendor = first_fact(*files, {"/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/board_vendor"});
        facts.product = first_fact(
            *files, {"/sys/class/dmi/id/product_name", "/sys/class/dmi/id/board_name", "/proc/device-tree/model"});
        facts.serial = first_fact(*files, {"/sys/class/dmi/id/product_serial", "/sys/class/dmi/id/board_serial",
                                           "/proc/device-tree/serial-number"});
        facts.cpu = cpu_name(*files);
        facts.memory_bytes = kilobytes(field_of(content(*files, "/proc/meminfo"), "MemTotal"));
        facts.boot_id = trim(content(*files, "/proc/sys/kernel/random/boot_id"));
        for (const char* path :
             {"/usr/lib/os-release", "/etc/os-release"}) {  // the second one counts where both say it
            const auto version = os_release_value(content(*files, path), "IMAGE_VERSION");
            facts.image_version = version.empty() ? facts.image_version : version;
        }
        facts.user = logged_on_user();
        return facts;
    }

    /// The service manager's own commands, so that services and file systems end in order.
    Status power(PowerAction action) override {
        const bool again = action == PowerAction::reboot;
        if (again) {
            drop_kexec_kernel();
        }
        TRY(ask({"shutdown", again ? "-r" : "-h", "now"}, {again ? "reboot" : "poweroff"}));
        return {};
    }

    Status force_restart() override {
        sync();
        (void)reboot(RB_AUTOBOOT);
        return file_error(errno, "restart");
    }

    Result<std::unique_ptr<Watchdog>> open_watchdog(const std::string& device) override {
        return linux_watchdog(device);
    }

private:
    using Arguments = std::vector<std::string>;

    /// No segments: whatever is loaded goes. Where that is refused nothing is loaded, or only systemctl can tell.
    static void drop_kexec_kernel() { (void)syscall(SYS_kexec_load, 0UL, 0UL, nullptr, 0UL); }

    /// Runs the first command, and the second one where the first fails: small systems lack shutdown(8).
    static Status ask(const Arguments& first, const Arguments& second) {
        Command command;
        command.time_limit = k_power_time_limit;
        command.output_limit = 512;
        command.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"SYSTEMCTL_SKIP_AUTO_KEXEC", "1"}};
        const CancelToken never;
        Failure last = error(AgentCode::command_not_found);
        for (const auto& arguments : {first, second}) {
            command.argv = arguments;
            auto done = system_processes()->run(command, never);
            if (done.ok() && done->code == 0 && !done->timed_out) {
                return {};
            }
            last = done.ok() ? error(AgentCode::reboot_failed, {arguments.front(), ": ", printable(trim(done->output))})
                             : std::move(done).failure();
        }
        return last;
    }
};

}  // namespace

std::unique_ptr<Host> system_host() { return std::make_unique<LinuxHost>(); }

bool has_bcd() { return false; }

std::uint64_t own_memory_bytes() {
    const auto files = system_files();
    const std::string rollup = content(*files, "/proc/self/smaps_rollup");
    if (const auto pss = kilobytes(field_of(rollup, "Pss")); pss != 0) {
        return pss;
    }
    std::uint64_t total = 0;  // kernels before 4.14 have no summary
    for (const std::string maps = content(*files, "/proc/self/smaps"); const auto line : split(maps, '\n')) {
        total += line.starts_with("Pss:") ? kilobytes(line.substr(4)) : 0;
    }
    return total != 0 ? total : kilobytes(field_of(content(*files, "/proc/self/status"), "VmRSS"));
}

std::uint32_t own_pid() { return narrow<std::uint32_t>(getpid()); }

bool process_exists(std::uint32_t pid) {
    if (pid == 0 || pid > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max())) {
        return false;
    }
    return kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

}  // namespace hagent::platform
