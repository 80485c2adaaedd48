// SPDX-License-Identifier: Apache-2.0
// Owns the plan as people read it.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/script/analysis.h"

namespace hagent::script {
namespace {

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

std::string right(std::string text, std::size_t width) {
    return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string version_line(const Plan& plan) {
    std::string line;
    for (const auto& [key, value] : plan.version) {
        line += concat({(line.empty() ? "" : ", "), key, (value.empty() ? "" : " "), value});
    }
    return concat({printable(plan.file), (line.empty() ? "" : ": " + printable(line)), "\n"});
}

std::string_view state_text(VolumeState state) {
    switch (state) {
        case VolumeState::not_used: return "not changed";
        case VolumeState::used: return "enough space";
        case VolumeState::warn: return "into the reserve";
        case VolumeState::full: return "NOT ENOUGH SPACE";
    }
    return "";
}

std::string steps_text(const Plan& plan) {
    std::string text = "Steps\n";
    for (const auto& step : plan.steps) {
        text += concat({right(std::to_string(step.n), 4), "  line ", padded(std::to_string(step.line), 4), " ",
                        padded(step.op + (step.optional ? "*" : ""), 4), printable(step.effect), "\n"});
    }
    return text;
}

std::string downloads_text(const Plan& plan) {
    std::uint64_t total = 0;
    std::string lines;
    for (const auto& file : plan.downloads) {
        total += file.bytes;
        lines += concat({right(human_bytes(file.bytes), 12), "  ", printable(file.path), "\n"});
    }
    if (plan.downloads.empty()) {
        return "Downloads: none\n";
    }
    return concat({"Downloads: ", std::to_string(plan.downloads.size()), ", ", human_bytes(total), "\n", lines});
}

std::string disk_text(const Plan& plan) {
    std::string text = plan.disk.empty() ? "" : "Disk\n";
    for (const auto& impact : plan.disk) {
        text += concat({"  ", printable(impact.volume), ": ", human_bytes(impact.before_bytes), " available now, ",
                        human_bytes(impact.after_bytes), " afterwards, at most ", human_bytes(impact.peak_bytes),
                        " taken: ", state_text(impact.state), "\n"});
    }
    return text;
}

std::string notes_text(const Plan& plan) {
    std::string text;
    for (const auto& note : plan.notes) {
        text += "\nNote: " + render(note);
    }
    return text;
}

/// The caret lines when the result belongs to a place in the script, else its context.
std::string place_text(const Plan& plan, const TaskResult& result) {
    const auto complaint = std::find_if(plan.complaints.begin(), plan.complaints.end(),
                                        [&](const Complaint& c) { return headline(c) == result.context; });
    if (complaint != plan.complaints.end()) {
        return render(*complaint);
    }
    return result.context.empty() ? "" : printable(result.context) + "\n";
}

/// Each with its cause and what to do next, as everywhere in the agent: nobody has to look a number up.
std::string results_text(const Plan& plan) {
    std::string text;
    for (const auto& result : plan.results) {
        const errors::Row row = errors::describe(result.id);
        text += concat({"\n", to_upper(errors::to_string(result.status)), " ", errors::id_text(result.id), " ",
                        row.name, ": ", row.cause.text(), "\n", place_text(plan, result), row.next.text(), "\n"});
    }
    return text;
}

}  // namespace

/// Whatever the script wrote goes through printable(): looking at a hostile script must be safe.
std::string render_plan(const Plan& plan) {
    std::string text = version_line(plan);
    if (!plan.steps.empty()) {
        text += steps_text(plan) + downloads_text(plan) + disk_text(plan);
        text += concat({"Restarts: ", std::to_string(plan.reboots), "\n"});
    }
    if (plan.steps.empty() && plan.results.empty()) {
        text += "The script has no commands: nothing would be done.\n";
    }
    text += notes_text(plan) + results_text(plan);
    text += has_error(plan.results) ? "\nThe script cannot be run; nothing was changed.\n" : "";
    return text;
}

}  // namespace hagent::script
