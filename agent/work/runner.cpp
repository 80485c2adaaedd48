// SPDX-License-Identifier: Apache-2.0
// Owns the order of execution: intent, action, end, what follows; and what a restart finds.
#include "agent/work/runner.h"

#include "agent/base/check.h"
#include "agent/base/concat.h"
#include "agent/work/hooks.h"

namespace hagent::work {
namespace {

using errors::AgentCode;
using errors::Severity;

/// How work goes on after a step.
enum class Next : std::uint8_t { step, failed, cancelled, stopped, suspended, on_trial };

std::string place_of(const StepPlan& step) {
    const std::string line = step.line == 0 ? "" : concat({", line ", std::to_string(step.line)});
    return concat({"step ", std::to_string(step.n), " (", step.op, line, ")"});
}

bool is_settled(StepState state) { return state == StepState::done || state == StepState::failed; }

class Runner {
public:
    Runner(std::span<const StepPlan> steps, Actions& actions, const Services& services, StepJournal& journal,
           StepObserver& observer, const CancelToken& cancel)
        : steps_(steps),
          actions_(actions),
          services_(services),
          journal_(journal),
          observer_(observer),
          cancel_(cancel) {}

    [[nodiscard]] Result<Outcome> run(const std::vector<StepRecord>& earlier);

private:
    [[nodiscard]] Result<Next> take_step(std::size_t index);
    [[nodiscard]] Result<Next> act(const StepPlan& step, StepRecord& record);
    [[nodiscard]] Result<Next> follow(const StepPlan& step, StepRecord& record);
    [[nodiscard]] Result<Next> end(const StepPlan& step, StepRecord& record, StepState state);
    [[nodiscard]] Result<Next> fail(const StepPlan& step, StepRecord& record, const Error& error);
    [[nodiscard]] Result<Next> stop_again(std::size_t& index);
    void load(const std::vector<StepRecord>& earlier);
    void finish(Next next, std::size_t index);
    [[nodiscard]] bool steps_remain(unsigned n) const { return n < steps_.size(); }

    std::span<const StepPlan> steps_;
    Actions& actions_;
    const Services& services_;
    StepJournal& journal_;
    StepObserver& observer_;
    const CancelToken& cancel_;
    Outcome outcome_;
    std::vector<unsigned> ran_;  // steps that ended in this run
};

/// Earlier records fit the plan, because the same package gives the same steps; the check finds a plan that does not.
void Runner::load(const std::vector<StepRecord>& earlier) {
    for (const auto& step : steps_) {
        StepRecord record;
        record.n = step.n;
        outcome_.steps.push_back(std::move(record));
    }
    for (const auto& record : earlier) {
        check(record.n >= 1 && record.n <= steps_.size());
        auto& own = outcome_.steps[record.n - 1];
        if (is_settled(record.state)) {
            own = record;
        } else {
            own.in_flight_before = record.state == StepState::running;
        }
    }
}

/// The machine was asked to stop, the request was journalled, but it is still the same start of the machine: it is
/// asked again. With a hook nobody can tell whether it should have gone down, so work goes on.
/// `index` is the step concerned when the answer is not Next::step.
Result<Next> Runner::stop_again(std::size_t& index) {
    StepRecord* last = nullptr;
    for (auto& record : outcome_.steps) {
        last = is_settled(record.state) ? &record : last;
    }
    if (last == nullptr || last->state != StepState::done || last->boot_id.empty()) {
        return Next::step;
    }
    const auto hook = hook_program(services_, "reboot");
    if (last->boot_id != services_.host.facts().boot_id || (hook && !hook->empty())) {
        return Next::step;
    }
    index = last->n - 1;
    return follow(steps_[index], *last);
}

/// Journalled before anybody hears of it: a step that was shown as done must not be done again.
Result<Next> Runner::end(const StepPlan& step, StepRecord& record, StepState state) {
    record.state = state;
    TRY(journal_.done(record));
    observer_.step_changed(record);
    if (ran_.empty() || ran_.back() != step.n) {
        ran_.push_back(step.n);
    }
    return state == StepState::failed && !step.optional ? Next::failed : Next::step;
}

/// Of an optional step it is a warning: the job can still succeed, and a manager must not see an error in it.
Result<Next> Runner::fail(const StepPlan& step, StepRecord& record, const Error& error) {
    TaskResult result = error_result(error, AgentCode::step_failed);
    result.status = step.optional ? Severity::warning : Severity::error;
    result.context = place_of(step) + (error.context.empty() ? "" : ": " + error.context);
    record.results.push_back(std::move(result));
    return end(step, record, StepState::failed);
}

/// A stop of the machine: the step is journalled as done, now the machine may go down at any moment.
Result<Next> Runner::follow(const StepPlan& step, StepRecord& record) {
    if (!step.stops_machine) {
        return Next::step;
    }
    if (const auto status = actions_.stop_machine(step, record); !status) {
        record.results.clear();  // the pending stop is not coming
        record.boot_id.clear();
        return fail(step, record, status.error());
    }
    return steps_remain(step.n) ? Next::stopped : Next::step;
}

/// The intent is durable before the device changes, so that a restart knows which step may be half done. A cancelled
/// step keeps its intent without an end, and is met as one that was in flight.
Result<Next> Runner::act(const StepPlan& step, StepRecord& record) {
    TRY(journal_.intent(step.n));
    record.state = StepState::running;
    observer_.step_changed(record);
    const auto acted = actions_.act(step, record);
    if (!acted) {
        const bool cancelled = acted.error().is(AgentCode::cancelled) && cancel_.requested();
        return cancelled ? Next::cancelled : TRY(fail(step, record, acted.error()));
    }
    switch (*acted) {
        case Acted::done: break;
        case Acted::suspended: return Next::suspended;
        case Acted::on_trial: return Next::on_trial;
        case Acted::restarts: return Next::stopped;
    }
    const Next next = TRY(end(step, record, StepState::done));
    return next == Next::step ? follow(step, record) : Result<Next>(next);
}

/// What an earlier life has settled is passed over. A step that was in flight and does harm when it is done twice fails
/// instead: nobody can tell how far it came.
Result<Next> Runner::take_step(std::size_t index) {
    const StepPlan& step = steps_[index];
    StepRecord& record = outcome_.steps[index];
    if (is_settled(record.state)) {
        return record.state == StepState::failed && !step.optional ? Next::failed : Next::step;
    }
    if (cancel_.requested()) {
        return Next::cancelled;
    }
    if (step.finding) {
        record.state = StepState::failed;
        record.results.push_back(*step.finding);  // in the plan's results already, so not in the outcome's
        TRY(journal_.done(record));
        observer_.step_changed(record);
        return Next::step;
    }
    if (record.in_flight_before && !step.may_repeat) {
        return fail(step, record, error(AgentCode::step_interrupted, step.effect));
    }
    return step.acts ? act(step, record) : end(step, record, StepState::done);
}

/// Only results of this run are told: those of earlier lives are in the records already, and would be told twice.
/// Before a reboot the kind's end() does not come, because the work is not over.
void Runner::finish(Next next, std::size_t index) {
    for (const unsigned n : ran_) {
        const auto& results = outcome_.steps[n - 1].results;
        outcome_.results.insert(outcome_.results.end(), results.begin(), results.end());
    }
    if (next != Next::stopped) {
        if (auto result = actions_.end(outcome_.steps)) {
            outcome_.results.push_back(std::move(*result));
        }
    }
    switch (next) {
        case Next::step: outcome_.ended = Ended::completed; return;
        case Next::cancelled: outcome_.ended = Ended::cancelled; return;
        case Next::stopped: outcome_.ended = Ended::reboot_requested; return;
        case Next::suspended: outcome_.ended = Ended::suspended; return;
        case Next::on_trial: outcome_.ended = Ended::on_trial; return;
        case Next::failed: break;
    }
    outcome_.ended = Ended::failed;
    outcome_.results.push_back(
        {errors::agent(AgentCode::step_failed), Severity::error, 1, place_of(steps_[index]), {}});
    for (std::size_t i = index + 1; i < outcome_.steps.size(); ++i) {
        outcome_.steps[i].state = StepState::skipped;
        observer_.step_changed(outcome_.steps[i]);
    }
}

Result<Outcome> Runner::run(const std::vector<StepRecord>& earlier) {
    load(earlier);
    std::size_t index = 0;
    Next next = TRY(stop_again(index));
    if (next == Next::step) {
        actions_.begin(outcome_.steps);
    }
    while (next == Next::step && index < steps_.size()) {
        next = TRY(take_step(index));
        index += next == Next::step ? 1 : 0;
    }
    finish(next, index);
    return std::move(outcome_);
}

}  // namespace

Result<Outcome> run_steps(std::span<const StepPlan> steps, Actions& actions, const Services& services,
                          StepJournal& journal, StepObserver& observer, const std::vector<StepRecord>& earlier,
                          const CancelToken& cancel) {
    return Runner(steps, actions, services, journal, observer, cancel).run(earlier);
}

}  // namespace hagent::work
