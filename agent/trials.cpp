// SPDX-License-Identifier: Apache-2.0
// Owns the hand-over between loop and worker for trials.
#include "agent/trials.h"

#include <algorithm>
#include <utility>

namespace hagent {
namespace {

using errors::AgentCode;

constexpr Millis k_poll{100};

}  // namespace

Trials::Trials(session::Engine& engine, manager::Timers& timers, platform::Clock& clock, std::function<void()> ask_now)
    : engine_(engine), timers_(timers), clock_(clock), ask_now_(std::move(ask_now)) {
    engine_.ask_manager_with([this](Seconds most, const CancelToken& cancel) { return check_in(most, cancel); });
}

void Trials::attach(manager::CheckIn& check_in) {
    {
        const std::lock_guard lock(mutex_);
        has_manager_ = true;
    }
    check_in_ = &check_in;
    check_in.hurry(engine_.has_trial());
}

/// A check-in that ended well is more than an answer, and counts where answers show nobody's identity.
void Trials::heard(const manager::ManagerView& view) {
    const bool success = view.last_success && view.last_success != std::exchange(last_success_, view.last_success);
    const bool answer = view.last_answer && view.last_answer != std::exchange(last_answer_, view.last_answer);
    {
        const std::lock_guard lock(mutex_);
        successes_ += success ? 1 : 0;
        failure_ = view.last_error;
    }
    if (success || answer) {
        engine_.manager_answered();
    }
    if (success) {
        engine_.checked_in();
    }
}

void Trials::jobs_idle() {
    if (check_in_ != nullptr) {
        check_in_->hurry(engine_.has_trial());
    }
    timers_.cancel(std::exchange(timer_, 0));
    if (const auto at = engine_.next_look()) {
        timer_ = timers_.after(std::max(*at - clock_.uptime(), Millis{0}), [this] {
            timer_ = 0;
            engine_.look_again();
        });
    }
}

Status Trials::check_in(Seconds most, const CancelToken& cancel) {
    const auto until = clock_.uptime() + most;
    std::uint64_t before = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!has_manager_) {
            return error(AgentCode::unsupported_here, "no manager is known");
        }
        before = successes_;
    }
    ask_now_();
    for (;;) {
        if (clock_.wait(k_poll, cancel)) {
            return error(AgentCode::cancelled);
        }
        const std::lock_guard lock(mutex_);
        if (successes_ != before) {
            return {};
        }
        if (clock_.uptime() >= until) {
            return failure_ ? Status(*failure_) : Status(error(AgentCode::timed_out, "the manager does not answer"));
        }
    }
}

}  // namespace hagent
