// SPDX-License-Identifier: Apache-2.0
// Owns the exec of an agent in the launcher's place. The limit is an alarm: it outlives the exec, and ends a program
// that hangs without anybody's help.
#include "platform/program_start.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/base/concat.h"
#include "platform/os_error.h"

namespace hagent::platform {
namespace {

constexpr unsigned k_close_on_exec = 1U << 2U;  // CLOSE_RANGE_CLOEXEC, since Linux 5.11
constexpr rlim_t k_most_descriptors = 65536;    // else each number costs a system call

void close_all_on_exec() {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, k_close_on_exec) == 0) {
        return;
    }
#endif
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const int end = static_cast<int>(std::min(limit.rlim_cur, k_most_descriptors));
    for (int fd = STDERR_FILENO + 1; fd < end; ++fd) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

void set_alarm(Millis after) {
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<decltype(timer.it_value.tv_sec)>(after.count() / 1000);
    timer.it_value.tv_usec = static_cast<decltype(timer.it_value.tv_usec)>(after.count() % 1000 * 1000);
    setitimer(ITIMER_REAL, &timer, nullptr);
}

/// Ours with the changes.
std::vector<std::string> environment_for(const ProgramStart& start) {
    std::vector<std::string> out;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        const auto name = text.substr(0, text.find('='));
        if (std::none_of(start.environment.begin(), start.environment.end(),
                         [&](const auto& change) { return change.first == name; })) {
            out.emplace_back(text);
        }
    }
    for (const auto& [name, value] : start.environment) {
        if (!value.empty()) {
            out.push_back(concat({name, "=", value}));
        }
    }
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (auto& text : texts) {
        out.push_back(text.data());
    }
    out.push_back(nullptr);
    return out;
}

class PosixStarter final : public ProgramStarter {
public:
    /// A signal that is blocked or ignored here would stay so in the program, and nothing could end it then.
    Result<int> replace(const ProgramStart& start) override {
        auto argv = start.argv;
        auto environment = environment_for(start);
        const auto words = pointers(argv), variables = pointers(environment);
        close_all_on_exec();
        std::signal(SIGALRM, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        set_alarm(start.limit);
        execve(start.program.c_str(), words.data(), variables.data());
        const int problem = errno;
        set_alarm(Millis{0});
        return file_error(problem, start.program);
    }
    [[nodiscard]] bool stays() const override { return false; }
};

}  // namespace

std::unique_ptr<ProgramStarter> system_program_starter() { return std::make_unique<PosixStarter>(); }

void lift_start_limit() { set_alarm(Millis{0}); }

}  // namespace hagent::platform
