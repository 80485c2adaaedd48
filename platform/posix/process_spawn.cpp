// SPDX-License-Identifier: Apache-2.0
// Owns the code on both sides of the fork.
#include "platform/posix/process_spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "agent/base/concat.h"

#include "agent/base/text.h"
#include "platform/os_error.h"

namespace hagent::platform {
namespace {

// Fixed, so that nobody's environment chooses which program runs as root.
constexpr std::string_view k_program_path = "/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int k_control = 3;               // where the control pipe is in the new processes
constexpr int k_out_of_the_way = 10;       // above every descriptor that is about to be filled
constexpr int k_set_child_subreaper = 36;  // PR_SET_CHILD_SUBREAPER, since Linux 3.4
constexpr int k_set_no_new_privs = 38;     // PR_SET_NO_NEW_PRIVS, since Linux 3.5
// Only for kernels without close_range; the limit may be in the billions, and each number costs a system call.
constexpr rlim_t k_most_descriptors = 65536;

bool is_program(const std::string& path) {
    struct stat found {};
    return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && access(path.c_str(), X_OK) == 0;
}

/// For execve: views of the texts with a null behind them. Made before the fork, see Launch.
std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (auto& text : texts) {
        out.push_back(text.data());
    }
    out.push_back(nullptr);
    return out;
}

// From here on everything runs in a forked copy of a process with threads: system calls only.

void report(ReportKind kind, int value) {
    const Report message{kind, value};
    [[maybe_unused]] const auto count = uninterrupted([&] { return write(k_control, &message, sizeof(message)); });
}

/// 127 is what shells use for a command that could not be started.
[[noreturn]] void fail(ReportKind kind) {
    report(kind, errno);
    _exit(127);
}

void close_all_from(int first) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) {
        return;
    }
#endif
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const int end = static_cast<int>(std::min(limit.rlim_cur, k_most_descriptors));
    for (int fd = first; fd < end; ++fd) {
        close(fd);
    }
}

/// Puts the four descriptors in their places and closes the rest: a copy of our lock or listener must not outlive us.
bool place_descriptors(int null, int output, int control) {
    const std::array<int, 4> wanted = {null, output, output, control};
    std::array<int, 4> copies{};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        copies[i] = fcntl(wanted[i], F_DUPFD, k_out_of_the_way);
    }
    for (std::size_t i = 0; i < copies.size(); ++i) {
        if (dup2(copies[i], static_cast<int>(i)) < 0) {
            return false;
        }
    }
    close_all_from(k_control + 1);
    return true;
}

/// Handlers of the agent would run in the copy and touch objects that other threads held at the fork.
void forget_signal_handlers() {
    for (int number = 1; number < NSIG; ++number) {
        std::signal(number, SIG_DFL);
    }
}

/// Reports the program's end, takes its group down with it and ends when no descendant is left.
[[noreturn]] void wait_for_all(pid_t program) {
    for (;;) {
        siginfo_t ended{};
        if (uninterrupted([&] { return waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT); }) != 0) {
            _exit(0);
        }
        if (ended.si_pid == program) {
            kill(-program, SIGKILL);  // while it is a zombie its number cannot belong to anybody else
        }
        int status = 0;
        uninterrupted([&] { return waitpid(ended.si_pid, &status, 0); });
        if (ended.si_pid == program) {
            report(ReportKind::ended, status);
        }
    }
}

/// For this process and all that come of it: a set-user-id program or one with capabilities gives no rights back.
/// One of the two is enough, and old kernels or a narrow service unit have only one.
bool gain_no_rights() {
    const bool no_new = prctl(k_set_no_new_privs, 1, 0, 0, 0) == 0;
    bool dropped = true;
    for (int capability = 0; capability < 64 && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        dropped = prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 && dropped;
    }
    return no_new || dropped;
}

/// What a process writes to counts, and on kernels before 4.7, which count only a part of that, its addresses. Where
/// they are plentiful programs reserve more of them than they ever use.
bool limit_memory(std::uint64_t bytes) {
    if (bytes == 0) {
        return true;
    }
    const auto lower = [](auto resource, std::uint64_t most) {
        rlimit limit{};
        if (getrlimit(resource, &limit) != 0) {
            return false;
        }
        const auto wanted = static_cast<rlim_t>(most);
        limit.rlim_max = std::min(limit.rlim_max, wanted);
        limit.rlim_cur = std::min(limit.rlim_cur, wanted);
        return setrlimit(resource, &limit) == 0;
    };
    return lower(RLIMIT_DATA, bytes) && lower(RLIMIT_AS, sizeof(void*) > 4 ? 4 * bytes : bytes);
}

void unblock_signals() {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return name;
    }
    for (const auto directory : split(k_program_path, ':')) {
        if (auto path = concat({directory, "/", name}); !name.empty() && is_program(path)) {
            return path;
        }
    }
    return Failure{errors::agent(errors::AgentCode::command_not_found), ENOENT, name};
}

Launch::Launch(const Command& command)
    : command_(command), directory_(command.directory.empty() ? "/" : command.directory) {
    for (const auto& [name, value] : command_.environment) {
        variables_.push_back(concat({name, "=", value}));
    }
    argv_ = pointers(command_.argv);
    environment_ = pointers(variables_);
}

Result<std::unique_ptr<Launch>> Launch::prepare(const Command& command) {
    if (command.argv.empty()) {
        return error(errors::AgentCode::command_not_found, "the command is empty");
    }
    std::unique_ptr<Launch> launch(new Launch(command));
    launch->program_ = TRY(find_program(command.argv.front()));
    if (!command.user.empty()) {
        launch->account_ = TRY(find_account(command.user));
        launch->change_user_ = true;
    }
    launch->null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!launch->null_) {
        return file_error(errno, "/dev/null");
    }
    return launch;
}

Result<pid_t> Launch::fork_keeper(int control, int output) const {
    // Our signal handlers must not run in the copy, so no signal may arrive before it has dropped them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t keeper = fork();
    if (keeper == 0) {
        keep(control, output < 0 ? null_.get() : output);
    }
    const int problem = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (keeper < 0) {
        return file_error(problem, "start of " + name());
    }
    return keeper;
}

void Launch::keep(int control, int output) const {
    forget_signal_handlers();
    if (!place_descriptors(null_.get(), output, control)) {
        _exit(127);
    }
    setsid();  // Ctrl-C at our terminal is not meant for the keeper
    prctl(k_set_child_subreaper, 1, 0, 0, 0);
    const pid_t program = fork();
    if (program == 0) {
        become_program();
    }
    if (program < 0) {
        fail(ReportKind::no_process);
    }
    report(ReportKind::started, program);
    dup2(STDIN_FILENO, STDOUT_FILENO);  // the end of the output is seen when the last writer is gone
    dup2(STDIN_FILENO, STDERR_FILENO);
    if (command_.detached) {
        _exit(0);
    }
    wait_for_all(program);
}

void Launch::become_program() const {
    // The exec itself closes the control pipe: that is how the agent knows that it took place.
    fcntl(k_control, F_SETFD, FD_CLOEXEC);
    setsid();
    unblock_signals();
    // The agent's own umask is 077; programs get the usual one.
    umask(022);
    // Groups first: after setuid there is no right to change them.
    if (change_user_ && (!gain_no_rights() || setgroups(account_.groups.size(), account_.groups.data()) != 0 ||
                         setgid(account_.group) != 0 || setuid(account_.user) != 0)) {
        fail(ReportKind::no_user);
    }
    if (chdir(directory_.c_str()) != 0) {
        fail(ReportKind::no_directory);
    }
    if (!limit_memory(command_.memory_limit)) {
        fail(ReportKind::no_process);
    }
    execve(program_.c_str(), argv_.data(), environment_.data());
    fail(ReportKind::no_exec);
}

}  // namespace hagent::platform
