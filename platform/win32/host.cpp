// SPDX-License-Identifier: Apache-2.0
// Owns the machine's identity and its power switch on Windows.
#include "platform/host.h"

#include <array>
#include <bit>
#include <cstddef>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/clock.h"
#include "platform/os_error.h"
#include "platform/win32/api.h"
#include "platform/win32/network_facts.h"
#include "platform/win32/smbios.h"
#include "platform/win32/wide.h"
// After the Windows headers.
#include <ntsecapi.h>
#include <psapi.h>
#include <wtsapi32.h>

namespace hagent::platform {
namespace {

constexpr DWORD k_smbios_provider = 0x52534D42;  // 'RSMB'
constexpr std::size_t k_smbios_header_bytes = 8;
constexpr DWORD k_random_bytes = 16;

std::string host_name() {
    std::array<wchar_t, 256> name{};
    DWORD size = narrow<DWORD>(name.size());
    return GetComputerNameExW(ComputerNameDnsHostname, name.data(), &size) != 0 ? narrow_text({name.data(), size}) : "";
}

/// The first call tells the size. The header in front of the table is Windows' own, not part of SMBIOS.
MachineLabel machine_label() {
    std::vector<std::uint8_t> table(GetSystemFirmwareTable(k_smbios_provider, 0, nullptr, 0));
    const UINT size =
        table.empty() ? 0 : GetSystemFirmwareTable(k_smbios_provider, 0, table.data(), narrow<DWORD>(table.size()));
    if (size <= k_smbios_header_bytes || size > table.size()) {
        return {};
    }
    return read_machine_label(std::span(table).first(size).subspan(k_smbios_header_bytes));
}

/// Empty for a value that is absent or longer than any sensible fact.
std::string registry_text(const wchar_t* key, const wchar_t* name) {
    std::array<wchar_t, 512> text{};
    DWORD bytes = sizeof(text);
    if (RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, nullptr, text.data(), &bytes) != ERROR_SUCCESS) {
        return {};
    }
    return std::string(trim(narrow_text(text.data())));
}

/// The version that Windows has; the documented call tells old programs old versions.
std::string release() {
    using GetVersion = LONG(WINAPI*)(OSVERSIONINFOW*);
    const HMODULE system = GetModuleHandleW(L"ntdll.dll");
    const auto get_version =
        system != nullptr ? std::bit_cast<GetVersion>(GetProcAddress(system, "RtlGetVersion")) : nullptr;
    OSVERSIONINFOW version{};
    version.dwOSVersionInfoSize = sizeof(version);
    if (get_version == nullptr || get_version(&version) != 0) {
        return {};
    }
    return std::to_string(version.dwMajorVersion) + "." + std::to_string(version.dwMinorVersion) + "." +
           std::to_string(version.dwBuildNumber);
}

std::string machine() {
    SYSTEM_INFO info{};
    GetNativeSystemInfo(&info);
    switch (info.wProcessorArchitecture) {
        case PROCESSOR_ARCHITECTURE_AMD64: return "x86_64";
        case PROCESSOR_ARCHITECTURE_INTEL: return "i686";
        case 12: return "aarch64";  // PROCESSOR_ARCHITECTURE_ARM64
        default: return "unknown";
    }
}

/// A number in a registry key that lives until the machine starts anew; its first reader makes it up. The start time of
/// the machine would change whenever the clock is set. Without the right to write there the start time has to do.
std::string boot_id() {
    HKEY opened = nullptr;
    std::array<wchar_t, 64> text{};
    DWORD bytes = sizeof(text);
    if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\hagent-boot", 0, nullptr, REG_OPTION_VOLATILE,
                        KEY_READ | KEY_WRITE, nullptr, &opened, nullptr) == ERROR_SUCCESS) {
        const RegistryKey key(opened);
        if (RegGetValueW(opened, nullptr, L"id", RRF_RT_REG_SZ, nullptr, text.data(), &bytes) == ERROR_SUCCESS) {
            return narrow_text(text.data());
        }
        std::array<std::uint8_t, k_random_bytes> random{};
        if (RtlGenRandom(random.data(), k_random_bytes) != 0) {
            const std::wstring id = wide(to_hex(random));
            const auto size = narrow<DWORD>((id.size() + 1) * sizeof(wchar_t));
            if (RegSetValueExW(opened, L"id", 0, REG_SZ, reinterpret_cast<const BYTE*>(id.c_str()), size) ==
                ERROR_SUCCESS) {
                return narrow_text(id);
            }
        }
    }
    constexpr std::int64_t k_grain = 60'000;
    SystemClock clock;
    const Millis start = clock.wall().since_epoch - Millis{static_cast<std::int64_t>(GetTickCount64())};
    return "start-" + std::to_string(start.count() / k_grain);
}

std::string logged_on_user() {
    const DWORD session = WTSGetActiveConsoleSessionId();
    wchar_t* text = nullptr;
    DWORD bytes = 0;
    if (session == 0xFFFFFFFFU || WTSQuerySessionInformationW(nullptr, session, WTSUserName, &text, &bytes) == 0) {
        return {};
    }
    const std::string user = narrow_text(text);
    WTSFreeMemory(text);
    return user;
}

/// Even an administrator's process has to switch this right on before it may use it.
Status take_shutdown_privilege() {
    HANDLE token = nullptr;
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token) == 0) {
        return file_error(GetLastError(), "process token");
    }
    const KernelHandle owned(token);
    TOKEN_PRIVILEGES wanted{};
    wanted.PrivilegeCount = 1;
    wanted.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    // AdjustTokenPrivileges succeeds with ERROR_NOT_ALL_ASSIGNED when we do not have it.
    if (LookupPrivilegeValueW(nullptr, L"SeShutdownPrivilege", &wanted.Privileges[0].Luid) == 0 ||
        AdjustTokenPrivileges(token, FALSE, &wanted, 0, nullptr, nullptr) == 0 || GetLastError() != ERROR_SUCCESS) {
        return Failure{errors::agent(errors::AgentCode::permission_denied), GetLastError(), "right to shut down"};
    }
    return {};
}

class WindowsHost final : public Host {
public:
    HostFacts facts() override {
        HostFacts facts;
        NetworkFacts network = network_facts();
        MachineLabel label = machine_label();
        facts.hostname = host_name();
        put_cards(std::move(network.cards), facts);
        facts.addresses = std::move(network.addresses);
        facts.vendor = std::move(label.vendor);
        facts.product = std::move(label.product);
        facts.serial = std::move(label.serial);
        facts.cpu = registry_text(L"HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", L"ProcessorNameString");
        MEMORYSTATUSEX memory{};
        memory.dwLength = sizeof(memory);
        facts.memory_bytes = GlobalMemoryStatusEx(&memory) != 0 ? memory.ullTotalPhys : 0;
        facts.os_name = "Windows";
        facts.os_release = release();
        facts.machine = machine();
        facts.boot_id = boot_id();
        facts.user = logged_on_user();
        return facts;
    }

    Status power(PowerAction action) override {
        TRY(take_shutdown_privilege());
        std::wstring message = L"hagent: a software job asked for this.";
        const DWORD reason =
            SHTDN_REASON_MAJOR_APPLICATION | SHTDN_REASON_MINOR_INSTALLATION | SHTDN_REASON_FLAG_PLANNED;
        const BOOL again = action == PowerAction::reboot ? TRUE : FALSE;
        if (InitiateSystemShutdownExW(nullptr, message.data(), 0, TRUE, again, reason) == 0) {
            const DWORD number = GetLastError();
            return number == ERROR_SHUTDOWN_IN_PROGRESS ? Status() : Status(file_error(number, "shutdown"));
        }
        return {};
    }

    Status force_restart() override {
        TRY(take_shutdown_privilege());
        if (ExitWindowsEx(EWX_REBOOT | EWX_FORCE, SHTDN_REASON_MAJOR_APPLICATION | SHTDN_REASON_FLAG_PLANNED) == 0) {
            return file_error(GetLastError(), "restart");
        }
        return {};  // it ends every process, this one too
    }
};

}  // namespace

std::unique_ptr<Host> system_host() { return std::make_unique<WindowsHost>(); }

bool has_bcd() { return true; }

std::uint64_t own_memory_bytes() {
    PROCESS_MEMORY_COUNTERS counters{};
    return GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters)) != 0 ? counters.WorkingSetSize : 0;
}

std::uint32_t own_pid() { return GetCurrentProcessId(); }

bool process_exists(std::uint32_t pid) {
    const KernelHandle process(pid == 0 ? nullptr : OpenProcess(SYNCHRONIZE, FALSE, pid));
    if (!process) {
        return pid != 0 && GetLastError() == ERROR_ACCESS_DENIED;
    }
    return WaitForSingleObject(process.get(), 0) == WAIT_TIMEOUT;
}

}  // namespace hagent::platform
