// SPDX-License-Identifier: Apache-2.0
// Owns signals and the process's own limits on POSIX.
#include "platform/service.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "agent/base/check.h"

namespace hagent::platform {
namespace {

class Watch;

// A signal handler gets no context, so the live watch has to be found from here; nothing else uses it.
constinit std::atomic<const Watch*> g_watch = nullptr;
static_assert(std::atomic<const Watch*>::is_always_lock_free);

constexpr std::array k_signals = {SIGTERM, SIGINT, SIGHUP};

void on_signal(int number);

/// Puts its handlers in place of those that were there, and these back when it ends.
class Watch final : public ServiceSignals {
public:
    Watch(void (*on_request)(ServiceRequest, void*), void* context) : on_request_(on_request), context_(context) {
        check(g_watch.exchange(this) == nullptr);
        struct sigaction action {};
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        for (std::size_t i = 0; i < k_signals.size(); ++i) {
            sigaction(k_signals[i], &action, &before_[i]);
        }
    }
    ~Watch() override {
        for (std::size_t i = 0; i < k_signals.size(); ++i) {
            sigaction(k_signals[i], &before_[i], nullptr);
        }
        g_watch = nullptr;
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void request(int number) const {
        on_request_(number == SIGHUP ? ServiceRequest::reload : ServiceRequest::stop, context_);
    }

private:
    void (*on_request_)(ServiceRequest, void*);
    void* context_;
    std::array<struct sigaction, k_signals.size()> before_{};
};

void on_signal(int number) {
    const int saved = errno;
    if (const Watch* watch = g_watch.load()) {
        watch->request(number);
    }
    errno = saved;
}

/// A program started without its standard streams would otherwise get a file of ours as its standard output.
void open_missing_streams() {
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR);
    }
    if (fd > STDERR_FILENO) {
        close(fd);
    }
}

}  // namespace

std::unique_ptr<ServiceSignals> watch_signals(void (*on_request)(ServiceRequest, void*), void* context) {
    return std::make_unique<Watch>(on_request, context);
}

int run_as_service(const Callback<int()>& body) { return body(); }

void harden_process() {
    open_missing_streams();
    umask(077);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error of the write, not the end of the agent
}

bool stdout_is_terminal() { return isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

}  // namespace hagent::platform
