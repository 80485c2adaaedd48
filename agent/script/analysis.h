// SPDX-License-Identifier: Apache-2.0
// Owns analysis: everything that can be known about a script before step 1, and the plan that comes of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/task_result.h"
#include "agent/base/time.h"
#include "agent/script/paths.h"
#include "agent/script/syntax.h"
#include "agent/script/user.h"
#include "agent/script/variables.h"
#include "agent/work/plan.h"
#include "agent/work/services.h"
#include "platform/disk.h"
#include "platform/files.h"
#include "platform/process.h"
#include "platform/registry.h"

namespace hagent::script {

using work::PackageFile;
using work::PackageFiles;
using work::StepRecord;
using work::StepState;
using work::VolumeImpact;
using work::VolumeState;

/// One package file on its way to one place.
struct Placement {
    PackageFile file;
    std::string target;  // device path as scripts write it; the jail gives the real one
    bool move = false;   // last user of a disposable staged copy
};

/// What the general plan of a step leaves out. Of `may_repeat`: EX says with "+r" that it may be done twice.
struct PlannedStep : work::StepPlan {
    std::vector<std::string> arguments;  // expanded
    std::vector<Placement> files;        // SF, XC
    std::vector<std::string> argv;       // EX
    bool detached = false;               // EX "-"
    Seconds seconds{0};                  // EX: time limit, 0: the configured one; RB, SP: delay; LU, QU: time to answer
    unsigned postponements = 0;          // QU: at most that many
};

/// What the script would do, and all objections to it. Source: spec 4 "Analysis before execution".
struct Plan {
    std::string file;
    std::vector<std::pair<std::string, std::string>> version;
    std::vector<PlannedStep> steps;
    std::vector<PackageFile> downloads;  // each once, in order of first use; steps already done need none
    std::vector<VolumeImpact> disk;      // every volume that is touched
    unsigned reboots = 0;
    std::vector<TaskResult> results;    // has_error(results): nothing may be run
    std::vector<Complaint> complaints;  // results that belong to a place in the script, with that place
    std::vector<Complaint> notes;       // what was ignored in the script's text
    // the run looks at its paths with the same one
    Jail jail;
};

/// What the caller knows beside the script. Sources: config `script`, the job's options (script_kind.h).
struct Options {
    std::string staging_dir;                         // where downloads are kept until they are placed
    bool uploads = false;                            // GF can be run here
    unsigned postponements = k_postponements;        // of each QU, at most k_most_postponements
    Seconds question = k_usual_question;             // how long QU asks that does not say so
    Seconds time_limit{3600};                        // config script.time_limit_s, for EX without its own
    const platform::Processes* processes = nullptr;  // programs of EX are looked for; null: they are not
    platform::Registry* registry = nullptr;          // CR, SV ...; only read; null: there is none
    const work::Services* device = nullptr;          // whose hooks are looked at; null: they are not
    std::span<const StepRecord> earlier;             // after a restart: steps already done are not checked again
};

/// Changes nothing. A failed check is a result: ERROR, or WARNING when the step is optional; malformed commands,
/// refused paths and unknown opcodes are ERROR in any case. A program that is not there is ERROR too, but WARNING when
/// an earlier step may bring it, and nothing when one puts it there.
/// Codes: unsupported_here, name_too_long, file_not_listed, those of scripts (1501 to 1512), and what platform::Files,
/// Disks, Processes and Registry say of things that cannot be looked at; for space read_only and XDSA 74 to 76.
[[nodiscard]] Plan analyse(const Script& script, const Facts& facts, const PackageFiles& package, const Jail& jail,
                           platform::Files& files, platform::Disks& disks, const Options& options);

/// The plan of a script that could not be parsed: script_syntax results only.
[[nodiscard]] Plan refused_plan(const std::string& file, const std::vector<Complaint>& complaints);

/// The text of `script check --json` (spec 11), one document without a newline at its end.
[[nodiscard]] std::string plan_json(const Plan& plan);
/// The plan for people, many lines, complaints with carets.
[[nodiscard]] std::string render_plan(const Plan& plan);

}  // namespace hagent::script
