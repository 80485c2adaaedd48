// SPDX-License-Identifier: Apache-2.0
// Owns what host.h promises of addresses: one counts while its card has a link.
#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "platform/host.h"

namespace hagent {
namespace {

bool has_address() {
    const auto found = platform::system_host()->facts().addresses;
    return std::find(found.begin(), found.end(), "192.0.2.7") != found.end();
}

/// Linux looks at a link that came or went in a thread of its own, some time after the command that changed it ended.
bool becomes(bool there) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (has_address() != there && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return has_address() == there;
}

bool shell(const std::string& script) { return std::system(script.c_str()) == 0; }

/// In a network of this thread's own, which ends with it; only root may have one.
TEST_CASE("an address counts from the moment on at which there is a link") {
    std::thread([] {
        if (unshare(CLONE_NEWNET) != 0 || !shell("ip link add v0 type veth peer name v1 2>/dev/null")) {
            MESSAGE("skipped: no network of one's own can be had here");
            return;
        }
        REQUIRE(shell("ip addr add 192.0.2.7/24 dev v0 && ip link set v0 up"));
        CHECK_FALSE(has_address());
        REQUIRE(shell("ip link set v1 up"));
        CHECK(becomes(true));
        REQUIRE(shell("ip link set v1 down"));
        CHECK(becomes(false));
    }).join();
}

}  // namespace
}  // namespace hagent
