// SPDX-License-Identifier: Apache-2.0
// Owns the writing of report messages.
#include "agent/session/messages.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/session/json.h"

namespace hagent::session {
namespace {

/// "1 step", "2 steps".
std::string counted(std::uint64_t number, std::string_view noun) {
    return concat({std::to_string(number), " ", noun, (number == 1 ? "" : "s")});
}

/// Both lines or none: an error without what to do about it would only make its reader ask. The first errors are kept,
/// because later ones mostly follow from them.
void add_error(std::vector<std::string>& messages, const std::string& where, const TaskResult& result) {
    if (result.status != errors::Severity::error || messages.size() + 2 > limits::k_report_messages) {
        return;
    }
    messages.push_back(
        concat({where, errors::id_text(result.id), " ", errors::describe(result.id).name, ": ", plain_text(result)}));
    messages.push_back("what to do: " + next_step(result));
}

/// A job that was refused has no steps.
std::string steps_done(const SessionRecord& record) {
    const auto done = std::count_if(record.steps.begin(), record.steps.end(),
                                    [](const StepView& step) { return step.state == work::StepState::done; });
    return record.steps.empty() ? "nothing was done"
                                : concat({std::to_string(done), " of ", counted(record.steps.size(), "step"), " done"});
}

}  // namespace

std::vector<std::string> plan_messages(const SessionRecord& record, std::uint64_t download_bytes, std::size_t files) {
    std::vector<std::string> messages = {
        concat({"plan: ", counted(record.steps.size(), "step"), ", ", counted(record.reboots, "reboot"), ", ",
                counted(files, "file"), " with ", human_bytes(download_bytes), " to download"})};
    for (const auto& volume : record.disk) {
        messages.push_back(concat({"volume ", volume.volume, ": ", human_bytes(volume.before_bytes), " free now, ",
                                   human_bytes(volume.after_bytes), " afterwards"}));
    }
    return messages;
}

std::string step_message(const StepView& step, std::size_t of) {
    std::string text = concat({"step ", std::to_string(step.n), " of ", std::to_string(of), ", ", step.op, ": ",
                               work::to_string(step.state)});
    for (const auto& result : step.results) {
        text += "; " + plain_text(result);
    }
    return text;
}

std::vector<std::string> postponed_messages(const SessionRecord& record) {
    std::vector<std::string> messages;
    for (const auto& result : record.results) {
        add_error(messages, "", result);
    }
    messages.push_back(
        concat({"nothing was changed; will be tried again at ", rfc3339(record.try_again.value_or(WallTime{})),
                " (try ", std::to_string(record.tries + 1), " of ", std::to_string(limits::k_job_tries), ")"}));
    return messages;
}

std::vector<std::string> final_messages(const SessionRecord& record) {
    const unsigned restarts = record.resumptions - std::min(record.resumptions, record.tries);  // each try goes on once
    std::vector<std::string> messages = {
        concat({plain_words(record.phase), ": ", steps_done(record),
                (record.tries > 0 ? ", tried " + counted(record.tries + 1, "time") : ""),
                (restarts > 0 ? ", continued after " + counted(restarts, "restart") : "")})};
    for (const auto& result : record.results) {
        add_error(messages, "", result);
    }
    for (const auto& step : record.steps) {
        for (const auto& result : step.results) {
            add_error(messages, concat({"step ", std::to_string(step.n), " ", step.op, ": "}), result);
        }
    }
    return messages;
}

Report report_of(const SessionRecord& record, ReportStage stage, std::vector<std::string> messages) {
    const auto ended = [](const StepView& s) { return s.state == work::StepState::done; };
    Report out{record.job.id, stage, std::move(messages), 0, static_cast<std::uint32_t>(record.steps.size()), false};
    out.done = static_cast<std::uint32_t>(std::count_if(record.steps.begin(), record.steps.end(), ended));
    out.held = out.final() && std::any_of(record.results.begin(), record.results.end(), [](const TaskResult& r) {
                   return r.id == errors::agent(errors::AgentCode::parked) ||
                          r.id == errors::agent(errors::AgentCode::job_in_circle);
               });
    return out;
}

}  // namespace hagent::session
