// SPDX-License-Identifier: Apache-2.0
// Owns the start of an agent below the service on Windows, where no program takes another one's place: the launcher
// stays and waits. The agent ends with it, and hears of its wish to stop by an event, because a service has no console.
#include "platform/program_start.h"

#include <string>
#include <string_view>

#include "agent/base/concat.h"
#include "platform/os_error.h"
#include "platform/service.h"
#include "platform/win32/agent_events.h"
#include "platform/win32/api.h"
#include "platform/win32/command_line.h"
#include "platform/win32/wide.h"

namespace hagent::platform {
namespace {

constexpr DWORD k_look_every = 200;
constexpr UINT k_ended_by_us = 259;

struct Signalled {
    HANDLE stop, reload;
};

/// On the service manager's or the console's thread.
void pass_on(ServiceRequest request, void* context) {
    const auto* events = static_cast<const Signalled*>(context);
    SetEvent(request == ServiceRequest::stop ? events->stop : events->reload);
}

/// Ends whatever is in it when the last handle to it is closed, which is when this process ends.
KernelHandle job_for_children() {
    KernelHandle job(CreateJobObjectW(nullptr, nullptr));
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(job.get(), JobObjectExtendedLimitInformation, &limits, sizeof(limits));
    return job;
}

void set_variables(const ProgramStart& start) {
    for (const auto& [name, value] : start.environment) {
        SetEnvironmentVariableW(wide(name).c_str(), value.empty() ? nullptr : wide(value).c_str());
    }
}

class WindowsStarter final : public ProgramStarter {
public:
    /// The child inherits the environment, so it is changed here for the length of the call.
    Result<int> replace(const ProgramStart& start) override {
        const KernelHandle job = job_for_children();
        SECURITY_ATTRIBUTES inherited{sizeof(inherited), nullptr, TRUE};
        const KernelHandle stop(CreateEventW(&inherited, TRUE, FALSE, nullptr));
        const KernelHandle reload(CreateEventW(&inherited, FALSE, FALSE, nullptr));
        const KernelHandle limit(CreateEventW(&inherited, TRUE, FALSE, nullptr));
        const std::string events =
            concat({event_word(stop.get()), " ", event_word(reload.get()), " ", event_word(limit.get())});
        set_variables(start);
        SetEnvironmentVariableW(wide(k_events).c_str(), wide(events).c_str());
        std::wstring line;
        for (const auto& word : start.argv) {
            line += (line.empty() ? L"" : L" ") + quoted(wide(word));
        }
        STARTUPINFOW startup{};
        startup.cb = sizeof(startup);
        startup.dwFlags = STARTF_USESTDHANDLES;
        startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
        startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
        startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
        PROCESS_INFORMATION child{};
        const bool made =
            CreateProcessW(wide_path(start.program).c_str(), line.data(), nullptr, nullptr, TRUE,
                           CREATE_SUSPENDED | CREATE_NEW_PROCESS_GROUP, nullptr, nullptr, &startup, &child) != 0;
        const auto problem = static_cast<std::int64_t>(GetLastError());
        SetEnvironmentVariableW(wide(k_events).c_str(), nullptr);
        for (const auto& variable : start.environment) {
            SetEnvironmentVariableW(wide(variable.first).c_str(), nullptr);
        }
        if (!made) {
            return file_error(problem, start.program);
        }
        const KernelHandle process(child.hProcess), thread(child.hThread);
        AssignProcessToJobObject(job.get(), process.get());
        ResumeThread(thread.get());
        return wait(process.get(), limit.get(), start.limit, {stop.get(), reload.get()});
    }
    [[nodiscard]] bool stays() const override { return true; }

private:
    static Result<int> wait(HANDLE process, HANDLE lifted, Millis limit, Signalled events) {
        const auto watch = watch_signals(pass_on, &events);
        const ULONGLONG began = GetTickCount64();
        while (WaitForSingleObject(process, k_look_every) == WAIT_TIMEOUT) {
            const bool over = limit.count() > 0 && GetTickCount64() - began >= static_cast<ULONGLONG>(limit.count());
            if (over && WaitForSingleObject(lifted, 0) == WAIT_TIMEOUT) {
                TerminateProcess(process, k_ended_by_us);
            }
        }
        DWORD code = 0;
        GetExitCodeProcess(process, &code);
        return static_cast<int>(code);
    }
};

}  // namespace

std::unique_ptr<ProgramStarter> system_program_starter() { return std::make_unique<WindowsStarter>(); }

void lift_start_limit() {
    if (const HANDLE lifted = launcher_event(AgentEvent::lift_limit)) {
        SetEvent(lifted);
    }
}

}  // namespace hagent::platform
