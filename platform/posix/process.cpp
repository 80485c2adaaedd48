// SPDX-License-Identifier: Apache-2.0
// Owns running programs on POSIX: waiting, time limit, cancel, the tail of the output. Between the agent and each
// program stands a keeper process (process_spawn.h): it adopts every descendant, so none escapes by a double fork.
#include "platform/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <tuple>

#include "agent/base/concat.h"

#include "platform/clock.h"
#include "platform/os_error.h"
#include "platform/output_tail.h"
#include "platform/posix/fd.h"
#include "platform/posix/process_spawn.h"
#include "platform/posix/process_tree.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

// A cancel token has no descriptor to poll, so it is looked at this often.
constexpr Millis k_look_for_cancel{50};
constexpr Millis k_kill_time{5000};  // a process that hangs in a driver cannot be killed

struct Pipe {
    Fd read, write;
};

/// Close-on-exec at both ends, else a program started by another thread would hold them open. Reading never blocks.
Result<Pipe> new_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return file_error(errno, "pipe");
    }
    Pipe pipe{Fd(ends[0]), Fd(ends[1])};
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return pipe;
}

/// What the keeper reports instead of a start, as an error of the command.
Failure start_error(const Report& report, const Launch& launch) {
    switch (report.kind) {
        case ReportKind::no_exec:
            if (report.value == ENOENT || report.value == ENOTDIR) {
                return {errors::agent(AgentCode::command_not_found), report.value, launch.name()};
            }
            return file_error(report.value, launch.name());
        case ReportKind::no_directory: return file_error(report.value, launch.directory());
        case ReportKind::no_user: return file_error(report.value, "change of user for " + launch.name());
        case ReportKind::no_process:
        case ReportKind::started:
        case ReportKind::ended: break;
    }
    return file_error(report.value, "start of " + launch.name());
}

/// The code as shells count it, where a signal cannot be told from a program's own 137; `signal` can.
Exit exit_of(int status, std::string output) {
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return {signal != 0 ? 128 + signal : WEXITSTATUS(status), false, std::move(output), signal};
}

/// The next report; empty when none is there. `open` becomes false when there will be no more.
std::optional<Report> next_report(int control, bool& open) {
    Report report{};
    const auto count = uninterrupted([&] { return read(control, &report, sizeof(report)); });
    if (count == sizeof(report)) {
        return report;
    }
    open = count < 0 && errno == EAGAIN;
    return std::nullopt;
}

/// A running tree: whatever happens, no process of it is left when this ends.
class Run {
public:
    Run(pid_t keeper, Pipe control, Pipe output, std::size_t output_limit)
        : keeper_(keeper), control_(std::move(control)), output_(std::move(output)), tail_(output_limit) {
        control_.write.reset();
        output_.write.reset();
    }
    ~Run() { end_tree(); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    Result<Exit> wait(const Launch& launch, Millis limit, const CancelToken& cancel) {
        SystemClock clock;
        const Uptime start = clock.uptime();
        while (!status_ && control_open_) {
            if (cancel.requested()) {
                return error(AgentCode::cancelled, launch.name());
            }
            const Millis used = clock.uptime() - start;
            if (limit.count() > 0 && used >= limit) {
                end_tree();
                drain();
                return Exit{128 + SIGKILL, true, tail_.take(), SIGKILL};
            }
            poll_once(limit.count() > 0 ? std::min(limit - used, k_look_for_cancel) : k_look_for_cancel);
            TRY(take_reports(launch));
        }
        end_tree();
        drain();
        if (!status_) {
            return error(AgentCode::command_killed, {launch.name(), ": its keeper was ended from outside"});
        }
        return exit_of(*status_, tail_.take());
    }

private:
    void poll_once(Millis time) {
        std::array<pollfd, 2> entries = {pollfd{control_.read.get(), POLLIN, 0}, pollfd{output_.read.get(), POLLIN, 0}};
        poll(entries.data(), output_.read ? 2 : 1, static_cast<int>(time.count()));
        if (output_.read && entries[1].revents != 0) {
            read_output();
        }
    }

    /// Takes what is there now; false when nothing is left to take.
    bool read_output() {
        std::array<char, 16384> buffer;
        const auto count = uninterrupted([&] { return read(output_.read.get(), buffer.data(), buffer.size()); });
        if (count > 0) {
            tail_.add({buffer.data(), static_cast<std::size_t>(count)});
            return true;
        }
        if (count == 0 || errno != EAGAIN) {
            output_.read.reset();
        }
        return false;
    }

    void drain() {
        while (output_.read && read_output()) {
        }
    }

    /// Notes all reports that are there. A start that failed is the error of the whole run.
    Status take_reports(const Launch& launch) {
        while (const auto report = next_report(control_.read.get(), control_open_)) {
            if (report->kind == ReportKind::started) {
                program_ = report->value;
            } else if (report->kind == ReportKind::ended) {
                status_ = status_ ? status_ : report->value;
            } else {
                return start_error(*report, launch);
            }
        }
        return {};
    }

    /// The keeper inherits whoever runs away and ends by itself when nobody is left, which is the one sure sign. It is
    /// killed only when that takes too long: without it those that are left could not be found any more.
    void end_tree() {
        if (keeper_ == 0) {
            return;
        }
        if (program_ != 0 && !status_) {
            kill(-program_, SIGKILL);  // at once for the group, so that it cannot grow while we look for the rest
        }
        SystemClock clock;
        const CancelToken never;
        const Uptime end = clock.uptime() + k_kill_time;
        while (uninterrupted([&] { return waitpid(keeper_, nullptr, WNOHANG); }) == 0) {
            if (clock.uptime() >= end) {
                kill(keeper_, SIGKILL);
                uninterrupted([&] { return waitpid(keeper_, nullptr, 0); });
                break;
            }
            kill(keeper_, SIGCONT);  // its own program may have stopped it
            if (!kill_descendants(keeper_)) {
                std::ignore = clock.wait(Millis{1}, never);
            }
        }
        keeper_ = 0;
    }

    pid_t keeper_;
    pid_t program_ = 0;
    Pipe control_, output_;
    bool control_open_ = true;
    std::optional<int> status_;
    OutputTail tail_;
};

/// Both processes have closed the control pipe once the keeper ended and the exec took place.
Result<Exit> wait_detached(pid_t keeper, Pipe control, const Launch& launch) {
    control.write.reset();
    bool open = true;
    std::optional<Report> failure;
    while (open) {
        pollfd entry{control.read.get(), POLLIN, 0};
        poll(&entry, 1, -1);
        while (const auto report = next_report(control.read.get(), open)) {
            if (report->kind != ReportKind::started) {
                failure = report;
            }
        }
    }
    uninterrupted([&] { return waitpid(keeper, nullptr, 0); });
    return failure ? Result<Exit>(start_error(*failure, launch)) : Exit{};
}

class PosixProcesses final : public Processes {
public:
    Result<Exit> run(const Command& command, const CancelToken& cancel) override {
        if (cancel.requested()) {
            return error(AgentCode::cancelled, command.argv.empty() ? "" : command.argv.front());
        }
        const auto launch = TRY(Launch::prepare(command));
        Pipe control = TRY(new_pipe());
        if (command.detached) {
            const pid_t keeper = TRY(launch->fork_keeper(control.write.get(), -1));
            return wait_detached(keeper, std::move(control), *launch);
        }
        Pipe output = TRY(new_pipe());
        const pid_t keeper = TRY(launch->fork_keeper(control.write.get(), output.write.get()));
        Run run(keeper, std::move(control), std::move(output), command.output_limit);
        return run.wait(*launch, command.time_limit, cancel);
    }

    Status find(const std::string& program, const std::string& directory) const override {
        const std::string found = TRY(find_program(program));
        const std::string path = found.starts_with('/') ? found : concat({directory, "/", found});
        struct stat info {};
        if (stat(path.c_str(), &info) != 0) {
            return Failure{errors::agent(AgentCode::command_not_found), errno, program};
        }
        return S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0
                   ? Status()
                   : Status(error(AgentCode::permission_denied, program));
    }
};

}  // namespace

std::unique_ptr<Processes> system_processes() { return std::make_unique<PosixProcesses>(); }

}  // namespace hagent::platform
