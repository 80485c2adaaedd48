// SPDX-License-Identifier: Apache-2.0
// Owns what sessions on trial need of the loop: to be looked at in time, to hear of the manager, to ask it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/manager/caller.h"
#include "agent/manager/check_in.h"
#include "agent/session/engine.h"
#include "platform/clock.h"

namespace hagent {

/// On the loop's thread, but for check_in().
class Trials {
public:
    /// All borrowed. `ask_now` has the loop begin a check-in; it is called on any thread.
    Trials(session::Engine& engine, manager::Timers& timers, platform::Clock& clock, std::function<void()> ask_now);
    ~Trials() { timers_.cancel(timer_); }
    Trials(const Trials&) = delete;
    Trials& operator=(const Trials&) = delete;

    /// There is a manager, and its schedule has not begun: it has no spread when a trial waits.
    void attach(manager::CheckIn& check_in);
    /// Something has changed in what a check-in shows.
    void heard(const manager::ManagerView& view);
    /// The worker has nothing left to run.
    void jobs_idle();

    /// See work::ManagerLink; on the worker's thread, as long as the loop runs.
    [[nodiscard]] Status check_in(Seconds most, const CancelToken& cancel);

private:
    session::Engine& engine_;
    manager::Timers& timers_;
    platform::Clock& clock_;
    std::function<void()> ask_now_;
    manager::CheckIn* check_in_ = nullptr;
    std::uint64_t timer_ = 0;                             // of the session that is to be looked at first; 0: none set
    std::optional<WallTime> last_success_, last_answer_;  // as they were shown last

    std::mutex mutex_;  // for what follows
    bool has_manager_ = false;
    std::uint64_t successes_ = 0;   // check-ins that ended well
    std::optional<Error> failure_;  // of the last one, when it failed
};

}  // namespace hagent
