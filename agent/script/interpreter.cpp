// SPDX-License-Identifier: Apache-2.0
// Owns the order of execution: intent, action, end, what follows; and what a restart finds.
#include "agent/script/interpreter.h"

#include "agent/base/check.h"
#include "agent/base/concat.h"
#include "agent/script/acting.h"
#include "agent/script/commands.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using errors::Severity;

/// How the script goes on after a step.
enum class Next : std::uint8_t { step, failed, cancelled, stopped };

std::string place_of(const PlannedStep& step) {
    return concat({"step ", std::to_string(step.n), " (", step.op, ", line ", std::to_string(step.line), ")"});
}

bool is_settled(StepState state) { return state == StepState::done || state == StepState::failed; }

class Interpreter {
public:
    Interpreter(const Plan& plan, PackageFiles& package, Services& services, StepJournal& journal,
                StepObserver& observer, const CancelToken& cancel)
        : plan_(plan),
          package_(package),
          services_(services),
          journal_(journal),
          observer_(observer),
          cancel_(cancel) {}

    [[nodiscard]] Result<Outcome> run(const std::vector<StepRecord>& earlier);

private:
    [[nodiscard]] Result<Next> take_step(std::size_t index);
    [[nodiscard]] Result<Next> act(const PlannedStep& step, const CommandRow& row, StepRecord& record);
    [[nodiscard]] Result<Next> follow(const PlannedStep& step, const CommandRow& row, StepRecord& record);
    [[nodiscard]] Result<Next> end(const PlannedStep& step, StepRecord& record, StepState state);
    [[nodiscard]] Result<Next> fail(const PlannedStep& step, StepRecord& record, const Error& error);
    [[nodiscard]] Result<Next> stop_again(std::size_t& index);
    void load(const std::vector<StepRecord>& earlier);
    [[nodiscard]] const PlannedStep* lock() const;
    void lock_again();
    void unlock_at_end();
    void finish(Next next, std::size_t index);
    [[nodiscard]] bool steps_remain(unsigned n) const { return n < plan_.steps.size(); }
    [[nodiscard]] Acting acting(const PlannedStep& step, StepRecord& record) {
        return {plan_, step, package_, services_, cancel_, record};
    }

    const Plan& plan_;
    PackageFiles& package_;
    Services& services_;
    StepJournal& journal_;
    StepObserver& observer_;
    const CancelToken& cancel_;
    Outcome outcome_;
    std::vector<unsigned> ran_;  // steps that ended in this run
};

void Interpreter::load(const std::vector<StepRecord>& earlier) {
    for (const auto& step : plan_.steps) {
        StepRecord record;
        record.n = step.n;
        outcome_.steps.push_back(std::move(record));
    }
    for (const auto& record : earlier) {
        check(record.n >= 1 && record.n <= plan_.steps.size());
        auto& own = outcome_.steps[record.n - 1];
        if (is_settled(record.state)) {
            own = record;
        } else {
            own.in_flight_before = record.state == StepState::running;
        }
    }
}

/// The LU that no EL followed; null when the user is not locked out.
const PlannedStep* Interpreter::lock() const {
    const PlannedStep* found = nullptr;
    for (const auto& step : plan_.steps) {
        const bool done = outcome_.steps[step.n - 1].state == StepState::done;
        found = done && step.op == "LU" ? &step : done && step.op == "EL" ? nullptr : found;
    }
    return found;
}

/// A restart of the machine let the user in; the steps that remain want him out. One who cannot be told again is no
/// reason to stop half-way.
void Interpreter::lock_again() {
    const bool remains = !outcome_.steps.empty() && !is_settled(outcome_.steps.back().state);
    if (const auto* step = lock(); step != nullptr && remains) {
        StepRecord again;
        Acting work = acting(*step, again);
        (void)act_lock(work);
    }
}

/// Before a restart the lock stays; the restart ends it or the rest of the script does.
void Interpreter::unlock_at_end() {
    const auto* step = lock();
    if (step == nullptr) {
        return;
    }
    StepRecord end;
    const CancelToken no_cancel;
    Acting work{plan_, *step, package_, services_, no_cancel, end};
    if (const auto status = act_unlock(work); !status) {
        TaskResult result = error_result(status.error(), AgentCode::step_failed);
        result.status = Severity::warning;
        result.context = "letting the user in again: " + status.error().context;
        outcome_.results.push_back(std::move(result));
    }
}

/// The machine was asked to stop, the request was journalled, but it is still the same start of the machine: it is
/// asked again. With a hook nobody can tell whether it should have gone down, so the script goes on.
/// `index` is the step concerned when the answer is not Next::step.
Result<Next> Interpreter::stop_again(std::size_t& index) {
    StepRecord* last = nullptr;
    for (auto& record : outcome_.steps) {
        last = is_settled(record.state) ? &record : last;
    }
    if (last == nullptr || last->state != StepState::done || last->boot_id.empty()) {
        return Next::step;
    }
    if (last->boot_id != services_.host.facts().boot_id || !hook_program(services_, "reboot").empty()) {
        return Next::step;
    }
    index = last->n - 1;
    const CommandRow* row = find_command(plan_.steps[index].op);
    check(row != nullptr);
    return follow(plan_.steps[index], *row, *last);
}

Result<Next> Interpreter::end(const PlannedStep& step, StepRecord& record, StepState state) {
    record.state = state;
    TRY(journal_.done(record));
    observer_.step_changed(record);
    if (ran_.empty() || ran_.back() != step.n) {
        ran_.push_back(step.n);
    }
    return state == StepState::failed && !step.optional ? Next::failed : Next::step;
}

Result<Next> Interpreter::fail(const PlannedStep& step, StepRecord& record, const Error& error) {
    TaskResult result = error_result(error, AgentCode::step_failed);
    result.status = step.optional ? Severity::warning : Severity::error;
    result.context = place_of(step) + (error.context.empty() ? "" : ": " + error.context);
    record.results.push_back(std::move(result));
    return end(step, record, StepState::failed);
}

/// RB and SP: the step is journalled as done, now the machine may go down at any moment.
Result<Next> Interpreter::follow(const PlannedStep& step, const CommandRow& row, StepRecord& record) {
    if (row.after == nullptr) {
        return Next::step;
    }
    Acting work = acting(step, record);
    if (const auto status = row.after(work); !status) {
        record.results.clear();  // the pending stop is not coming
        record.boot_id.clear();
        return fail(step, record, status.error());
    }
    return steps_remain(step.n) ? Next::stopped : Next::step;
}

Result<Next> Interpreter::act(const PlannedStep& step, const CommandRow& row, StepRecord& record) {
    TRY(journal_.intent(step.n));
    record.state = StepState::running;
    observer_.step_changed(record);
    Acting work = acting(step, record);
    if (const auto status = row.act(work); !status) {
        const bool cancelled = status.error().is(AgentCode::cancelled) && cancel_.requested();
        return cancelled ? Next::cancelled : TRY(fail(step, record, status.error()));
    }
    const Next next = TRY(end(step, record, StepState::done));
    return next == Next::step ? follow(step, row, record) : Result<Next>(next);
}

Result<Next> Interpreter::take_step(std::size_t index) {
    const PlannedStep& step = plan_.steps[index];
    StepRecord& record = outcome_.steps[index];
    const CommandRow* row = find_command(step.op);
    check(row != nullptr && row->plan != nullptr ? true : step.finding.has_value());
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
    if (record.in_flight_before && !repeatable(*row, step.may_repeat)) {
        return fail(step, record, error(AgentCode::step_interrupted, step.effect));
    }
    return row->act == nullptr ? end(step, record, StepState::done) : act(step, *row, record);
}

void Interpreter::finish(Next next, std::size_t index) {
    for (const unsigned n : ran_) {
        const auto& results = outcome_.steps[n - 1].results;
        outcome_.results.insert(outcome_.results.end(), results.begin(), results.end());
    }
    if (next != Next::stopped) {
        unlock_at_end();
    }
    switch (next) {
        case Next::step: outcome_.ended = Ended::completed; return;
        case Next::cancelled: outcome_.ended = Ended::cancelled; return;
        case Next::stopped: outcome_.ended = Ended::reboot_requested; return;
        case Next::failed: break;
    }
    outcome_.ended = Ended::failed;
    outcome_.results.push_back(
        {errors::agent(AgentCode::step_failed), Severity::error, 1, place_of(plan_.steps[index]), {}});
    for (std::size_t i = index + 1; i < outcome_.steps.size(); ++i) {
        outcome_.steps[i].state = StepState::skipped;
        observer_.step_changed(outcome_.steps[i]);
    }
}

Result<Outcome> Interpreter::run(const std::vector<StepRecord>& earlier) {
    load(earlier);
    std::size_t index = 0;
    Next next = TRY(stop_again(index));
    if (next == Next::step) {
        lock_again();
    }
    while (next == Next::step && index < plan_.steps.size()) {
        next = TRY(take_step(index));
        index += next == Next::step ? 1 : 0;
    }
    finish(next, index);
    return std::move(outcome_);
}

}  // namespace

std::string_view to_string(StepState state) {
    switch (state) {
        case StepState::pending: return "pending";
        case StepState::running: return "running";
        case StepState::done: return "done";
        case StepState::failed: return "failed";
        case StepState::skipped: return "skipped";
    }
    return "";
}

Result<Outcome> run(const Plan& plan, PackageFiles& package, Services& services, StepJournal& journal,
                    StepObserver& observer, const std::vector<StepRecord>& earlier, const CancelToken& cancel) {
    check(!has_error(plan.results));
    return Interpreter(plan, package, services, journal, observer, cancel).run(earlier);
}

}  // namespace hagent::script
