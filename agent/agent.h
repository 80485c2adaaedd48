// SPDX-License-Identifier: Apache-2.0
// Owns the composition of the daemon: every service built by hand in order, stopped in reverse.
#pragma once

#include <atomic>
#include <memory>

#include "agent/loop/loop.h"
#include "agent/services.h"
#include "platform/service.h"

namespace hagent {

enum class Duration : std::uint8_t {
    until_stopped,  // the daemon
    one_check_in,   // `check-in --once`: one check-in, the jobs it brings, their reports
};

/// Why it returned; `reload`: the configuration is to be read again, because somebody asked or a manager was found.
enum class Ending : std::uint8_t {
    stopped,
    reload,
    relaunch,  // the launcher is to choose anew which agent runs
};

/// What the system asks of this process by signals, from the first life of the agent to the last: none is lost between
/// two. At most one object may live at a time.
class Requests {
public:
    Requests() : signals_(platform::watch_signals(&Requests::take, this)) {}

    [[nodiscard]] bool stop() const { return stop_; }
    [[nodiscard]] bool reload() const { return reload_; }
    /// Whether a reload was asked for since the last call.
    [[nodiscard]] bool take_reload() { return reload_.exchange(false); }
    /// From now on each request wakes this loop; null: none any more, and nobody is in it when this returns.
    void wake(loop::Loop* loop);

private:
    static void take(platform::ServiceRequest request, void* context);

    // A signal handler may do no more than set flags: no lock, no memory.
    std::atomic<bool> stop_ = false, reload_ = false;
    std::atomic<loop::Loop*> loop_ = nullptr;
    std::atomic<int> taking_ = 0;
    std::unique_ptr<platform::ServiceSignals> signals_;
};

/// Runs the agent with services whose state directory is locked. Returns when it was told to stop or to read its
/// configuration again, or when the one check-in is done. Errors: what prevents a start; for one check-in also why it
/// failed, or step_failed when a session that it brought ended with errors.
[[nodiscard]] Result<Ending> run_agent(AgentServices& services, Duration duration, Requests& requests);

}  // namespace hagent
