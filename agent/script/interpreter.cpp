// SPDX-License-Identifier: Apache-2.0
// Owns the actions of a script's steps, and the lock that lasts from one step to another.
#include "agent/script/interpreter.h"

#include "agent/base/check.h"
#include "agent/script/acting.h"
#include "agent/script/commands.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using errors::Severity;
using work::Acted;
using work::StepPlan;

/// Analysis refuses a step without a row, so a plan that may be run has none.
const CommandRow& row_of(const StepPlan& step) {
    const CommandRow* row = find_command(step.op);
    check(row != nullptr);
    return *row;
}

class ScriptActions final : public work::Actions {
public:
    ScriptActions(const Plan& plan, PackageFiles& package, const Services& services, const CancelToken& cancel)
        : plan_(plan), package_(package), services_(services), cancel_(cancel) {}

    /// No step of a script rests half-way or goes on trial.
    [[nodiscard]] Result<Acted> act(const StepPlan& step, StepRecord& record) override {
        Acting work = acting(step.n, record, cancel_);
        TRY(row_of(step).act(work));
        return Acted::done;
    }
    [[nodiscard]] Status stop_machine(const StepPlan& step, StepRecord& record) override {
        Acting work = acting(step.n, record, cancel_);
        return row_of(step).after(work);
    }
    void begin(std::span<const StepRecord> records) override;
    [[nodiscard]] std::optional<TaskResult> end(std::span<const StepRecord> records) override;

private:
    [[nodiscard]] Acting acting(unsigned n, StepRecord& record, const CancelToken& cancel) {
        return {plan_, plan_.steps[n - 1], package_, services_, cancel, record};
    }
    [[nodiscard]] unsigned lock(std::span<const StepRecord> records) const;

    const Plan& plan_;
    PackageFiles& package_;
    const Services& services_;
    const CancelToken& cancel_;
};

/// The step of the LU that no EL followed; 0 when the user is not locked out.
unsigned ScriptActions::lock(std::span<const StepRecord> records) const {
    unsigned found = 0;
    for (const auto& step : plan_.steps) {
        const bool done = step.acts && records[step.n - 1].state == StepState::done;
        const Lock lock = done ? row_of(step).lock : Lock::stays;
        found = lock == Lock::begins ? step.n : lock == Lock::ends ? 0 : found;
    }
    return found;
}

/// A restart of the machine let the user in; the steps that remain want him out. One who cannot be told again is no
/// reason to stop half-way.
void ScriptActions::begin(std::span<const StepRecord> records) {
    const auto is_settled = [](StepState state) { return state == StepState::done || state == StepState::failed; };
    const bool remains = !records.empty() && !is_settled(records.back().state);
    if (const unsigned n = lock(records); n != 0 && remains) {
        StepRecord again;
        Acting work = acting(n, again, cancel_);
        (void)act_lock(work);
    }
}

/// Before a restart the lock stays; the restart ends it or the rest of the script does. A WARNING when it cannot be
/// taken off, since the script's work is done all the same. Cancelling does not count here: who cancels a script wants
/// the user to get in.
std::optional<TaskResult> ScriptActions::end(std::span<const StepRecord> records) {
    const unsigned n = lock(records);
    if (n == 0) {
        return std::nullopt;
    }
    StepRecord record;
    const CancelToken no_cancel;
    Acting work = acting(n, record, no_cancel);
    const auto status = act_unlock(work);
    if (status) {
        return std::nullopt;
    }
    TaskResult result = error_result(status.error(), AgentCode::step_failed);
    result.status = Severity::warning;
    result.context = "letting the user in again: " + status.error().context;
    return result;
}

}  // namespace

Result<Outcome> run(const Plan& plan, PackageFiles& package, const Services& services, StepJournal& journal,
                    StepObserver& observer, const std::vector<StepRecord>& earlier, const CancelToken& cancel) {
    check(!has_error(plan.results));
    ScriptActions actions(plan, package, services, cancel);
    const std::vector<StepPlan> steps(plan.steps.begin(), plan.steps.end());
    return work::run_steps(steps, actions, services, journal, observer, earlier, cancel);
}

}  // namespace hagent::script
