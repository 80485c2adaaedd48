// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what the search for a manager says while nobody is found.
#include "agent/manager_search.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "agent/log/ring.h"
#include "tests/unit/verbs/command_line.h"

namespace hagent {
namespace {

/// One timer: the next look.
class NextLook final : public manager::Timers {
public:
    std::uint64_t after(Millis, std::function<void()> due) override {
        due_ = std::move(due);
        return 1;
    }
    void cancel(std::uint64_t) override { due_ = nullptr; }
    void turn() { std::exchange(due_, nullptr)(); }

private:
    std::function<void()> due_;
};

TEST_CASE("the log says why no manager is known, each reason once until there is another") {
    verbs::CommandLine device;
    config::Settings settings = config::default_settings();
    settings.state_dir = fakes::rooted("/var/lib/hagent");
    settings.manager.dhcp_lease_file = fakes::rooted("/leases");
    log::Ring ring;
    log::Log log(device.machine.clock);
    log.add(ring);
    const auto loop = std::move(loop::Loop::create(device.machine.clock)).value();
    loop::Worker worker(1);
    NextLook timers;
    const transfer::Random random = [] { return std::uint64_t{0}; };
    bool ended = false;
    ManagerSearch search({device.machine, settings, log, *loop, worker, timers, random},
                         ManagerSearch::Patience::until_found, [&](const Status&) { ended = true; });
    const auto said = [&] { return ring.since(0).size(); };

    search.look();
    CHECK(said() == 1);
    timers.turn();
    CHECK(said() == 1);
    device.files.fail_path("/var/lib/hagent/manager-met", error(errors::AgentCode::io_error, "manager-met"));
    timers.turn();
    CHECK(said() == 2);
    timers.turn();
    CHECK(said() == 2);
    device.files.fail_path("/var/lib/hagent/manager-met", error(errors::AgentCode::permission_denied, "manager-met"));
    timers.turn();
    CHECK(said() == 3);
    CHECK_FALSE(ended);
}

}  // namespace
}  // namespace hagent
