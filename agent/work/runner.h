// SPDX-License-Identifier: Apache-2.0
// Owns the order of execution: one step after the other, each journalled before and after, so that a power cut loses
// nothing. What a step does is its kind's business (Actions).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/work/services.h"
#include "agent/work/step.h"

namespace hagent::work {

/// How a step left off without an error.
enum class Acted : std::uint8_t {
    done,
    suspended,  // half-way, at a place where it may rest or be given up; it is acted again when work goes on
    on_trial,   // it is done when a later run finds that it was (after a restart, a check-in); it is acted again then
    restarts,   // half-way, and the machine was asked to restart: it is acted again in the next start of the machine
};

/// What a kind hands to the runner. Everything is called on the session's thread.
class Actions {
public:
    virtual ~Actions() = default;
    /// Does the step. `record` says whether it was in flight before an interruption; output, boot_id and results may be
    /// added to it. An error is the end of the step; `cancelled` while the token is requested leaves it in flight.
    [[nodiscard]] virtual Result<Acted> act(const StepPlan& step, StepRecord& record) = 0;
    /// The step is journalled as done, now the machine may go down at any moment. For StepPlan::stops_machine only.
    [[nodiscard]] virtual Status stop_machine(const StepPlan& step, StepRecord& record) = 0;
    /// Steps are about to be taken, the first ones or those that remain.
    virtual void begin(std::span<const StepRecord> /*records*/) {}
    /// No more steps are taken, and no restart is to follow. A result of this is added to those of the run.
    [[nodiscard]] virtual std::optional<TaskResult> end(std::span<const StepRecord> /*records*/) { return {}; }
};

enum class Ended : std::uint8_t {
    completed,         // every step is done, or failed and optional
    failed,            // a step failed; the later ones are skipped
    cancelled,         // stopped between or in steps; the rest is pending and can be run later
    reboot_requested,  // the machine is going down (or a hook took note) and work remains: run again with the records
    suspended,         // a step rests: run again with the records, or give up
    on_trial,          // all is done that can be; the verdict comes later: run again with the records
};

struct Outcome {
    std::vector<StepRecord> steps;    // one for each step of the plan
    std::vector<TaskResult> results;  // of the steps of this run, in order, and step_failed at the end of a failed one
    Ended ended = Ended::completed;
    // of what is on trial, or waits for a restart: it is run again then, by Clock::uptime(), whoever has checked in
    std::optional<Uptime> look_again_at;
};

/// Runs the steps of a plan without ERROR. `earlier`: the last record of each step that was begun before a restart;
/// `running` stands for an intent without its end. Such a step is done again when it may be repeated, else it fails
/// with step_interrupted.
/// Errors: those of the journal only; what a step meets is in the outcome.
[[nodiscard]] Result<Outcome> run_steps(std::span<const StepPlan> steps, Actions& actions, const Services& services,
                                        StepJournal& journal, StepObserver& observer,
                                        const std::vector<StepRecord>& earlier, const CancelToken& cancel);

}  // namespace hagent::work
