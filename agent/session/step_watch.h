// SPDX-License-Identifier: Apache-2.0
// Owns the way of a step's news from the work to those who hear of the session.
#pragma once

#include <functional>
#include <utility>

#include "agent/session/context.h"

namespace hagent::session {

/// Tells the record, the status page and the manager about each step.
class StepWatch final : public work::StepObserver {
public:
    using Report = std::function<void(const StepView&)>;
    StepWatch(Context& context, SessionRecord& record, const work::Plan& plan, Report report)
        : context_(context), record_(record), plan_(plan), report_(std::move(report)) {}

    void step_changed(const work::StepRecord& step) override {
        if (step.state == work::StepState::running) {  // shown only: the journal knows that it executes
            record_.phase = static_cast<Phase>(plan_.steps[step.n - 1].stage);
        }
        for (auto& view : record_.steps) {
            if (view.n != step.n) {
                continue;
            }
            const bool news = view.state != step.state;
            view.state = step.state;
            view.results = step.results;
            view.output = step.output;
            context_.observer.changed(record_);
            if (news && step.state != work::StepState::running) {
                report_(view);
            }
        }
    }

private:
    Context& context_;
    SessionRecord& record_;
    const work::Plan& plan_;
    Report report_;
};

}  // namespace hagent::session
