// SPDX-License-Identifier: Apache-2.0
// Owns what the running agent does about its own upgrade: it confirms itself, or makes room for the agent before it.
#pragma once

#include <atomic>

#include "agent/loop/loop.h"
#include "agent/manager/caller.h"
#include "agent/services.h"
#include "agent/upgrade/life.h"
#include "agent/work/services.h"

namespace hagent {

/// One life of the agent. Everything but restart_agent() is called on the loop's thread.
class OwnUpgrade final : public work::Restarts {
public:
    OwnUpgrade(AgentServices& services, loop::Loop& loop, manager::Timers& timers);

    /// A trial's time runs from here at the latest.
    void begin();
    [[nodiscard]] bool on_trial() const { return on_trial_; }
    /// A check-in has ended well.
    void checked_in();
    /// It stands in the reason when the trial is given up.
    void check_in_failed(const Error& error);
    /// The life is over, because somebody asked for it or by itself.
    void ended(bool asked_for);

    void restart_agent() override;
    [[nodiscard]] bool restart_wanted() const { return restart_; }

private:
    void lift_limit();
    void deadline_passed();
    void tell(const Status& status, std::string_view what);

    AgentServices& services_;
    loop::Loop& loop_;
    manager::Timers& timers_;
    upgrade::Life life_;
    Seconds time_{0};      // that the trial had
    std::string failure_;  // of the last check-in, for people
    bool on_trial_ = false;
    std::atomic<bool> restart_ = false;
};

}  // namespace hagent
