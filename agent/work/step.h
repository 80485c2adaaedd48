// SPDX-License-Identifier: Apache-2.0
// Owns one step of work: what is planned, what is journalled, shown and reported about it, and who hears of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/task_result.h"

namespace hagent::work {

/// The part of execution that a step is shown under. Numbers: seed "Session Phase".
enum class Stage : std::uint8_t {
    any = 12,
    prescript = 13,
    files = 14,
    postscript = 15,
    configure = 16,
    kernel_build = 17,
};

/// What analysis decided about a step, as far as its kind does not matter.
struct StepPlan {
    unsigned n = 0;      // from 1
    unsigned line = 0;   // in the file that asks for it; 0: none does
    std::string op;      // a word that people know it by
    std::string effect;  // plain words: "fetch fw/kernel (8.1 MiB) to /boot/kernel"
    Stage stage = Stage::any;
    bool optional = false;              // its failure is a WARNING and work goes on
    bool acts = true;                   // false: it was settled in analysis, and nothing is done
    bool may_repeat = true;             // nobody need know whether it was done before an interruption: it is done again
    bool stops_machine = false;         // once its end is journalled, the machine is asked to stop
    std::optional<TaskResult> finding;  // optional step of which analysis knows that it fails: it is not tried
};

enum class StepState : std::uint8_t { pending, running, done, failed, skipped };
[[nodiscard]] std::string_view to_string(StepState state);  // "pending" ...

struct StepRecord {
    unsigned n = 0;  // from 1, as in the plan
    StepState state = StepState::pending;
    std::vector<TaskResult> results;
    bool in_flight_before = false;  // its intent was journalled before an interruption, its end was not
    std::string output;             // the tail of what a program printed, made printable
    // the start of the machine in which it was asked to stop; keep it in the journal
    std::string boot_id;
};

/// The session implements it. Errors of both calls: those of the journal.
/// Each call returns after the record is durable; an error ends the run before the next change.
class StepJournal {
public:
    virtual ~StepJournal() = default;
    [[nodiscard]] virtual Status intent(unsigned n) = 0;
    /// May come twice for one step (a stop of the machine that is refused): the later record counts.
    [[nodiscard]] virtual Status done(const StepRecord& record) = 0;
};

/// Hears of each step that begins, ends or is skipped, after it was journalled.
class StepObserver {
public:
    virtual ~StepObserver() = default;
    virtual void step_changed(const StepRecord& record) = 0;
};

}  // namespace hagent::work
