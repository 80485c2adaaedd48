// SPDX-License-Identifier: Apache-2.0
// Owns the test of a service's life with the system's service manager: installed, started, asked to stop, ended,
// removed.
#include "platform/service.h"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "platform/files.h"
#include "platform/host.h"
#include "platform/paths.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"
#include "tests/fakes/temp_directory.h"

namespace hagent {
namespace {

struct ServiceHandleTraits {
    using Value = SC_HANDLE;
    static Value none() { return nullptr; }
    static void close(Value value) { CloseServiceHandle(value); }
};
using ServiceHandle = UniqueHandle<ServiceHandleTraits>;

bool soon(const std::function<bool()>& condition) {
    for (int i = 0; i < 6000; ++i) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

/// Installed while it lives.
struct Installed {
    explicit Installed(const std::string& command) {
        const auto name = platform::wide("hagent-test-" + std::to_string(platform::own_pid()));
        REQUIRE(manager.get() != nullptr);
        service =
            ServiceHandle(CreateServiceW(manager.get(), name.c_str(), name.c_str(), SERVICE_ALL_ACCESS,
                                         SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
                                         platform::wide(command).c_str(), nullptr, nullptr, nullptr, nullptr, nullptr));
        REQUIRE(service.get() != nullptr);
    }
    ~Installed() { CHECK(DeleteService(service.get()) != 0); }
    Installed(const Installed&) = delete;
    Installed& operator=(const Installed&) = delete;

    [[nodiscard]] SERVICE_STATUS status() const {
        SERVICE_STATUS status{};
        REQUIRE(QueryServiceStatus(service.get(), &status) != 0);
        return status;
    }

    ServiceHandle manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS)};
    ServiceHandle service;
};

/// The program of the contract suites that is a service when told so.
std::string helper() {
    const std::string own = platform::own_program();
    return own.substr(0, own.rfind("\\unit\\")) + "\\contract\\process_helper.exe";
}

TEST_CASE("a service tells its manager that it runs, stops when asked, and says how it ended") {
    const fakes::TempDirectory folder;
    const auto files = platform::system_files();
    const std::string running = folder.path() + "\\running", stopped = folder.path() + "\\stopped";
    const Installed installed("\"" + helper() + "\" serve \"" + running + "\" \"" + stopped + "\"");
    const auto service = installed.service.get();
    DWORD why = ERROR_SUCCESS;
    CHECK(soon([&] {  // while a system that has just begun starts its own services, nobody else may
        why = StartServiceW(service, 0, nullptr) != 0 ? ERROR_SUCCESS : GetLastError();
        return why != ERROR_SERVICE_DATABASE_LOCKED;
    }));
    INFO(helper());
    REQUIRE(why == ERROR_SUCCESS);
    CHECK(soon([&] { return installed.status().dwCurrentState == SERVICE_RUNNING; }));
    CHECK(soon([&] { return files->info(running).value().has_value(); }));
    SERVICE_STATUS status{};
    CHECK(ControlService(service, SERVICE_CONTROL_INTERROGATE, &status) != 0);
    CHECK(ControlService(service, SERVICE_CONTROL_STOP, &status) != 0);
    CHECK(soon([&] { return installed.status().dwCurrentState == SERVICE_STOPPED; }));
    CHECK(files->info(stopped).value().has_value());
    CHECK(installed.status().dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR);
    CHECK(installed.status().dwServiceSpecificExitCode == 7);
}

TEST_CASE("what a console starts simply runs") {
    CHECK(platform::run_as_service([] { return 5; }) == 5);
}

}  // namespace
}  // namespace hagent
