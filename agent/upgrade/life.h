// SPDX-License-Identifier: Apache-2.0
// Owns what an agent that runs says to the record: that it is good, that its trial is over, that it ended in order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/upgrade/choice.h"
#include "platform/clock.h"
#include "platform/host.h"

namespace hagent::upgrade {

/// One life of the agent. All borrowed.
class Life {
public:
    /// `launcher`: who has started this program; empty: nobody, it is the preinstalled one. `program`: its own file.
    Life(platform::Files& files, platform::Clock& clock, platform::Host& host, const config::StatePaths& state,
         std::optional<Place> launcher, std::string program)
        : files_(files),
          clock_(clock),
          host_(host),
          file_(files, state),
          launcher_(std::move(launcher)),
          program_(std::move(program)) {}

    struct TrialTime {
        Millis left;    // until a check-in must have ended well
        Seconds whole;  // that there was
    };
    /// Empty: this program is not on trial.
    [[nodiscard]] Result<std::optional<TrialTime>> trial_time();
    /// Whether the launcher has begun a trial of any agent: then the limit with which it started this process stays.
    [[nodiscard]] bool is_trial_open() const;
    /// A check-in has ended well: what is on trial is confirmed, after its program was compared with what was staged,
    /// and read back; of a confirmed one the count of short lives ends. True: it was confirmed just now. Errors:
    /// agent_program_changed, those of RecordFile.
    [[nodiscard]] Result<bool> is_good();
    /// The deadline is over: the trial is given up, so that the launcher starts the agent before it.
    [[nodiscard]] Status give_up(std::string_view reason);
    /// Somebody has stopped the agent: this start does not count.
    [[nodiscard]] Status ended_in_order();
    /// Whether the launcher would start another agent than this one by now (it was rolled back or confirmed by hand).
    [[nodiscard]] bool is_another_chosen();

private:
    [[nodiscard]] Now now();
    [[nodiscard]] bool is_mine(const Record& record) const;
    [[nodiscard]] std::string launcher_version() const;

    platform::Files& files_;
    platform::Clock& clock_;
    platform::Host& host_;
    RecordFile file_;
    std::optional<Place> launcher_;
    std::string program_;
};

}  // namespace hagent::upgrade
