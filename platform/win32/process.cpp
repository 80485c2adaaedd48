// SPDX-License-Identifier: Apache-2.0
// Owns running programs on Windows: one job object per program takes the whole tree down.
#include "platform/process.h"

#include <array>
#include <vector>

#include "agent/base/number.h"
#include "platform/clock.h"
#include "platform/os_error.h"
#include "platform/output_tail.h"
#include "platform/win32/api.h"
#include "platform/win32/command_line.h"
#include "platform/win32/wide.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

constexpr Millis k_look{10};  // anonymous pipes cannot be waited for
constexpr Millis k_kill_time{5000};
constexpr DWORD k_pipe_bytes = 256U << 10U;
constexpr UINT k_killed = 128 + 9;  // what POSIX reports for a killed program

Failure last_error(const std::string& context) { return file_error(GetLastError(), context); }

struct Pipe {
    KernelHandle read, write;
};

/// The end for writing is inherited by the program, and only by it: see InheritedHandles.
Result<Pipe> new_pipe() {
    HANDLE read = nullptr, write = nullptr;
    if (CreatePipe(&read, &write, nullptr, k_pipe_bytes) == 0) {
        return last_error("pipe");
    }
    Pipe pipe{KernelHandle(read), KernelHandle(write)};
    SetHandleInformation(write, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return pipe;
}

/// When the last handle is closed, also because we died, the system ends all that is left in the job.
Result<KernelHandle> new_job(std::uint64_t memory_limit) {
    KernelHandle job(CreateJobObjectW(nullptr, nullptr));
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (memory_limit != 0) {
        limits.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_PROCESS_MEMORY;
        limits.ProcessMemoryLimit = narrow<SIZE_T>(memory_limit);
    }
    if (!job || SetInformationJobObject(job.get(), JobObjectExtendedLimitInformation, &limits, sizeof(limits)) == 0) {
        return last_error("job object");
    }
    return job;
}

struct AttributeListTraits {
    using Value = LPPROC_THREAD_ATTRIBUTE_LIST;
    static Value none() { return nullptr; }
    static void close(Value value) { DeleteProcThreadAttributeList(value); }
};

/// The list of handles that a new program gets; all others stay with us, also those of other threads' programs.
class InheritedHandles {
public:
    explicit InheritedHandles(std::array<HANDLE, 2> handles) : handles_(handles) {
        SIZE_T bytes = 0;
        InitializeProcThreadAttributeList(nullptr, 1, 0, &bytes);
        memory_.resize(bytes);
        auto* list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
        check(InitializeProcThreadAttributeList(list, 1, 0, &bytes) != 0);
        list_.reset(list);
        check(UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(), sizeof(handles_),
                                        nullptr, nullptr) != 0);
    }
    [[nodiscard]] LPPROC_THREAD_ATTRIBUTE_LIST get() const { return list_.get(); }

private:
    std::array<HANDLE, 2> handles_;
    std::vector<std::byte> memory_;
    UniqueHandle<AttributeListTraits> list_;
};

struct Started {
    KernelHandle process, thread;
};

/// Everything that CreateProcess wants, made once so that it can be tried with other flags.
struct Launch {
    CommandLine line;
    std::wstring environment, directory;
    std::string name;

    [[nodiscard]] Result<Started> start(STARTUPINFOEXW& info, bool inherit, DWORD flags) {
        PROCESS_INFORMATION made{};
        std::wstring text = line.line;  // CreateProcess writes into it
        if (CreateProcessW(line.program.c_str(), text.data(), nullptr, nullptr, inherit ? TRUE : FALSE,
                           flags | CREATE_UNICODE_ENVIRONMENT, environment.data(), directory.c_str(), &info.StartupInfo,
                           &made) == 0) {
            const DWORD number = GetLastError();
            const bool absent = number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND;
            return absent ? Failure{errors::agent(AgentCode::command_not_found), number, name}
                          : file_error(number, name);
        }
        return Started{KernelHandle(made.hProcess), KernelHandle(made.hThread)};
    }
};

Result<Launch> prepare(const Command& command) {
    if (!command.user.empty()) {
        return error(AgentCode::unsupported_here, "running a program as another user");
    }
    Launch launch{TRY(command_line(command)), environment_block(command), L"", command.argv.front()};
    std::array<wchar_t, MAX_PATH> windows{};
    GetWindowsDirectoryW(windows.data(), MAX_PATH);
    launch.directory = command.directory.empty() ? std::wstring(windows.data(), 3) : wide_path(command.directory);
    const DWORD attributes = GetFileAttributesW(launch.directory.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        return last_error(command.directory);
    }
    return launch;
}

/// A running tree: whatever happens, no process of it is left when this ends.
class Run {
public:
    Run(KernelHandle job, Started started, Pipe output, std::size_t output_limit)
        : job_(std::move(job)), started_(std::move(started)), output_(std::move(output)), tail_(output_limit) {
        output_.write.reset();
    }
    ~Run() { end_tree(); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    Result<Exit> wait(const std::string& name, Millis limit, const CancelToken& cancel) {
        SystemClock clock;
        const Uptime start = clock.uptime();
        while (WaitForSingleObject(started_.process.get(), static_cast<DWORD>(k_look.count())) == WAIT_TIMEOUT) {
            drain();
            if (cancel.requested()) {
                return error(AgentCode::cancelled, name);
            }
            if (limit.count() > 0 && clock.uptime() - start >= limit) {
                end_tree();
                drain();
                return Exit{static_cast<int>(k_killed), true, tail_.take(), 0};
            }
        }
        DWORD code = 0;
        GetExitCodeProcess(started_.process.get(), &code);
        end_tree();
        drain();
        return Exit{static_cast<int>(code), false, tail_.take(), 0};
    }

private:
    void drain() {
        std::array<char, 16384> buffer;
        DWORD waiting = 0, count = 0;
        while (PeekNamedPipe(output_.read.get(), nullptr, 0, nullptr, &waiting, nullptr) != 0 && waiting > 0 &&
               ReadFile(output_.read.get(), buffer.data(), narrow<DWORD>(buffer.size()), &count, nullptr) != 0) {
            tail_.add({buffer.data(), count});
        }
    }

    /// Whether any process is left in the job.
    [[nodiscard]] bool is_alive() const {
        JOBOBJECT_BASIC_ACCOUNTING_INFORMATION accounts{};
        return QueryInformationJobObject(job_.get(), JobObjectBasicAccountingInformation, &accounts, sizeof(accounts),
                                         nullptr) != 0 &&
               accounts.ActiveProcesses > 0;
    }

    void end_tree() {
        SystemClock clock;
        const CancelToken never;
        const Uptime end = clock.uptime() + k_kill_time;
        TerminateJobObject(job_.get(), k_killed);
        // Termination takes place some time after the call: files stay open until the processes are gone.
        WaitForSingleObject(started_.process.get(), static_cast<DWORD>(k_kill_time.count()));
        while (is_alive() && clock.uptime() < end && !clock.wait(k_look, never)) {
        }
    }

    KernelHandle job_;
    Started started_;
    Pipe output_;
    OutputTail tail_;
};

/// Started but not yet running, and in the job. Where our own job does not let another one in (before Windows 8), the
/// program leaves it first.
Result<Started> start_in_job(Launch& launch, HANDLE job, STARTUPINFOEXW& info) {
    constexpr DWORD k_flags = CREATE_SUSPENDED | CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT;
    Error last;
    for (const DWORD extra : {DWORD{0}, DWORD{CREATE_BREAKAWAY_FROM_JOB}}) {
        auto started = launch.start(info, true, k_flags | extra);
        if (!started.ok()) {
            return extra == 0 ? std::move(started).error() : std::move(last);
        }
        if (AssignProcessToJobObject(job, started->process.get()) != 0) {
            return started;
        }
        last = last_error("job object for " + launch.name);
        TerminateProcess(started->process.get(), k_killed);
    }
    return last;
}

Result<Exit> run_attached(const Command& command, const CancelToken& cancel, Launch& launch) {
    Pipe output = TRY(new_pipe());
    SECURITY_ATTRIBUTES inherit{sizeof(inherit), nullptr, TRUE};
    const FileHandle null(
        CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherit, OPEN_EXISTING, 0, nullptr));
    if (!null) {
        return last_error("NUL");
    }
    const InheritedHandles handles({null.get(), output.write.get()});
    STARTUPINFOEXW info{};
    info.StartupInfo.cb = sizeof(info);
    info.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    info.StartupInfo.hStdInput = null.get();
    info.StartupInfo.hStdOutput = output.write.get();
    info.StartupInfo.hStdError = output.write.get();
    info.lpAttributeList = handles.get();
    KernelHandle job = TRY(new_job(command.memory_limit));
    Started started = TRY(start_in_job(launch, job.get(), info));
    ResumeThread(started.thread.get());
    Run run(std::move(job), std::move(started), std::move(output), command.output_limit);
    return run.wait(launch.name, command.time_limit, cancel);
}

/// Outside of any job that we are in, if that is allowed, so that it survives us.
Result<Exit> run_detached(Launch& launch) {
    constexpr DWORD k_flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
    STARTUPINFOEXW info{};
    info.StartupInfo.cb = sizeof(info.StartupInfo);
    auto started = launch.start(info, false, k_flags | CREATE_BREAKAWAY_FROM_JOB);
    if (!started.ok() && started.error().os == ERROR_ACCESS_DENIED) {
        started = launch.start(info, false, k_flags);
    }
    return started.ok() ? Result<Exit>(Exit{}) : std::move(started).error();
}

class WindowsProcesses final : public Processes {
public:
    Result<Exit> run(const Command& command, const CancelToken& cancel) override {
        if (cancel.requested()) {
            return error(AgentCode::cancelled, command.argv.empty() ? "" : command.argv.front());
        }
        Launch launch = TRY(prepare(command));
        return command.detached ? run_detached(launch) : run_attached(command, cancel, launch);
    }

    Status find(const std::string& program, const std::string& directory) const override {
        return program_is_there(program, directory);
    }
};

}  // namespace

std::unique_ptr<Processes> system_processes() { return std::make_unique<WindowsProcesses>(); }

}  // namespace hagent::platform
