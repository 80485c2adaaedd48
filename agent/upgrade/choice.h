// SPDX-License-Identifier: Apache-2.0
// Owns the rules by which the launcher and the agent change the record. Pure: values in, values out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/upgrade/record.h"

namespace hagent::upgrade {

struct Now {
    Moment moment;  // of this start of the machine
    WallTime wall;
};

/// What is started next.
struct Choice {
    std::optional<Program> program;  // empty: the preinstalled program itself
    bool on_trial = false;
    Millis pause{0};  // before it, so that one that ends at once is not started again and again
    Millis limit{0};  // of a trial: what is left of its deadline
};

/// Whether `a` is newer than `b` by the rule for upgrades: only the first three numbers count. Source: spec 7.
[[nodiscard]] bool is_newer(std::string_view a, std::string_view b);
/// By the same rule neither is newer.
[[nodiscard]] bool is_same_release(std::string_view a, std::string_view b);

/// The confirmed agent that counts beside a launcher of that version: none when the launcher is newer, unless a
/// downgrade was allowed.
[[nodiscard]] const Program* confirmed_beside(const Record& record, std::string_view launcher);
/// The version that runs when nothing is on trial.
[[nodiscard]] std::string version_without_trial(const Record& record, std::string_view launcher);

/// Decides for the launcher `own`, and notes the start in the record: a trial that has used up its starts or its time
/// is given up, a confirmed agent of which many lives in a row were short goes back by one.
[[nodiscard]] Choice choose(Record& record, const Place& own, const Now& now);
/// What choose() has chosen could not be started: it is given up at once.
void not_startable(Record& record, const Choice& choice, const Place& own, std::string_view reason, const Now& now);

/// The trial begins with the next start.
void begin_trial(Record& record, Trial trial);
/// The trial ends well: its agent is the confirmed one.
void confirm(Record& record, std::string_view launcher, std::string_view reason, WallTime now);
/// It does not.
void give_up(Record& record, std::string_view launcher, Verdict verdict, std::string_view reason, WallTime now);
/// Back to the agent that was confirmed before, or to the preinstalled one. False: there is nothing to go back from.
[[nodiscard]] bool go_back(Record& record, std::string_view launcher, Verdict verdict, std::string_view reason,
                           WallTime now);

}  // namespace hagent::upgrade
