// SPDX-License-Identifier: Apache-2.0
// Owns the tests of signals and hardening.
#include "platform/service.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

namespace hagent {
namespace {

using platform::ServiceRequest;

struct Seen {
    volatile std::sig_atomic_t stops = 0, reloads = 0;
};

void note(ServiceRequest request, void* context) {
    auto* seen = static_cast<Seen*>(context);
    if (request == ServiceRequest::stop) {
        seen->stops = seen->stops + 1;
    } else {
        seen->reloads = seen->reloads + 1;
    }
}

TEST_CASE("stop and reload signals reach the callee while the watch lives") {
    Seen seen;
    {
        const auto watch = platform::watch_signals(note, &seen);
        std::raise(SIGTERM);
        std::raise(SIGINT);
        std::raise(SIGHUP);
    }
    CHECK(seen.stops == 2);
    CHECK(seen.reloads == 1);
    struct sigaction after {};
    REQUIRE(sigaction(SIGHUP, nullptr, &after) == 0);
    CHECK(after.sa_handler == SIG_DFL);
    CHECK(platform::watch_signals(note, &seen) != nullptr);
}

TEST_CASE("no service manager stands between a daemon and its work") {
    CHECK(platform::run_as_service([] { return 5; }) == 5);
}

TEST_CASE("hardening keeps others out of new files and writes no core") {
    const mode_t before = umask(022);
    platform::harden_process();
    CHECK(umask(before) == 077);
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_CORE, &limit) == 0);
    CHECK(limit.rlim_cur == 0);
}

}  // namespace
}  // namespace hagent
