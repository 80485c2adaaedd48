// SPDX-License-Identifier: Apache-2.0
// Owns the phase tables.
#include "agent/session/phase.h"

#include <algorithm>
#include <array>

namespace hagent::session {
namespace {

using enum Phase;

struct Name {
    Phase phase;
    std::string_view name;
    std::string_view words;
};

// clang-format off
constexpr std::array<Name, 19> k_names = {{
    {initial,                "SW_INITIAL_PHASE",                "waiting to begin"},
    {selection,              "SW_SELECTION_PHASE",              "reading the package"},
    {analysis_completed,     "SW_ANALYSIS_COMPLETED_PHASE",     "plan ready"},
    {suspended,              "SW_SUSPENDED_PHASE",              "suspended"},
    {ready_for_reboot,       "SW_READY_FOR_REBOOT_PHASE",       "waiting for the reboot"},
    {aborted,                "SW_ABORTED_PHASE",                "cancelled"},
    {completed,              "SW_COMPLETED_PHASE",              "finished"},
    {analyzing,              "SW_ANALYZING_PHASE",              "analysing"},
    {analyzing_target,       "SW_ANALYZING_TARGET_PHASE",       "checking the device"},
    {analyzing_software,     "SW_ANALYZING_SOFTWARE_PHASE",     "checking the package"},
    {analyzing_scripts,      "SW_ANALYZING_SCRIPTS_PHASE",      "checking the script"},
    {analyzing_files,        "SW_ANALYZING_FILES_PHASE",        "fetching and checking files"},
    {executing,              "SW_EXECUTING_PHASE",              "running steps"},
    {executing_prescript,    "SW_EXECUTING_PRESCRIPT_PHASE",    "running the script before"},
    {executing_files,        "SW_EXECUTING_FILES_PHASE",        "placing files"},
    {executing_postscript,   "SW_EXECUTING_POSTSCRIPT_PHASE",   "running the script after"},
    {executing_configure,    "SW_EXECUTING_CONFIGURE_PHASE",    "configuring"},
    {executing_kernel_build, "SW_EXECUTING_KERNEL_BUILD_PHASE", "building the kernel"},
    {source,                 "SW_SOURCE_PHASE",                 "serving files"},
}};

struct Step { Phase from, to; };

constexpr std::array k_steps = {
    Step{initial,            selection},           // a session begins
    Step{initial,            source},              // for SW_READ_TASK
    Step{selection,          analyzing},
    Step{selection,          aborted},             // cancelled before analysis
    Step{selection,          completed},           // refused: no package to speak of
    Step{analyzing,          selection},           // global error in analysis (seed: "will return from this state")
    Step{analyzing,          analysis_completed},
    Step{analyzing,          aborted},
    Step{analyzing,          completed},           // refused: the plan has errors
    Step{analysis_completed, analyzing},           // re-analysis is allowed (spec 6)
    Step{analysis_completed, executing},
    Step{analysis_completed, aborted},
    Step{analysis_completed, completed},           // download only: nothing to execute
    Step{executing,          suspended},
    Step{executing,          ready_for_reboot},
    Step{executing,          completed},
    Step{executing,          aborted},
    Step{suspended,          executing},
    Step{suspended,          aborted},
    Step{ready_for_reboot,   executing},           // the machine is back, steps remain
    Step{ready_for_reboot,   completed},
};
// clang-format on

/// The display phases stand for the phase they are a part of.
Phase part_of(Phase phase) {
    if (phase >= analyzing && phase <= analyzing_files) {
        return analyzing;
    }
    return phase >= executing && phase <= executing_kernel_build ? executing : phase;
}

const Name& entry(Phase phase) { return k_names[static_cast<std::size_t>(phase)]; }

}  // namespace

std::string_view to_string(Phase phase) { return entry(phase).name; }
std::string_view plain_words(Phase phase) { return entry(phase).words; }

std::optional<Phase> phase_from_number(std::uint64_t number) {
    return number < k_names.size() ? std::optional(static_cast<Phase>(number)) : std::nullopt;
}

bool may_follow(Phase from, Phase to) {
    const Phase a = part_of(from), b = part_of(to);
    const bool inside = a == b && (a == analyzing || a == executing);
    return inside || std::any_of(k_steps.begin(), k_steps.end(), [&](Step s) { return s.from == a && s.to == b; });
}

bool is_final(Phase phase) { return phase == completed || phase == aborted; }
bool is_executing(Phase phase) {
    return part_of(phase) == executing || phase == ready_for_reboot || phase == suspended;
}

}  // namespace hagent::session
