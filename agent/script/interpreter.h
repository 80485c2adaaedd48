// SPDX-License-Identifier: Apache-2.0
// Owns execution: one step after the other, each journalled before and after, so that a power cut loses nothing.
#pragma once

#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/script/analysis.h"
#include "platform/clock.h"
#include "platform/dialog.h"
#include "platform/disk.h"
#include "platform/host.h"
#include "platform/process.h"
#include "platform/registry.h"

namespace hagent::script {

/// Each call returns after the record is durable; an error ends the run before the next change.
class StepJournal {
public:
    virtual ~StepJournal() = default;
    [[nodiscard]] virtual Status intent(unsigned n) = 0;
    /// May come twice for one step (RB whose request fails): the later record counts.
    [[nodiscard]] virtual Status done(const StepRecord& record) = 0;
};

class StepObserver {
public:
    virtual ~StepObserver() = default;
    virtual void step_changed(const StepRecord& record) = 0;
};

/// GF: takes a local file to the package's repository under a name. Repeating it is harmless.
class Uploads {
public:
    virtual ~Uploads() = default;
    [[nodiscard]] virtual Status upload(const std::string& local_path, const std::string& name,
                                        const CancelToken& cancel) = 0;
};

/// Borrowed for the length of run().
struct Services {
    platform::Files& files;
    platform::Processes& processes;
    platform::Host& host;
    platform::Clock& clock;
    Facts facts;               // given to programs as HAGENT_* variables
    std::string hooks_dir;     // empty: no hooks
    std::string run_as;        // user of EX; empty: as we are
    Seconds time_limit{3600};  // of EX without its own
    Uploads* uploads = nullptr;
    platform::Registry* registry = nullptr;  // null: there is none
    platform::Dialogs* dialogs = nullptr;    // LU, QU without a hook; null: nobody is told or asked
    std::string scratch_dir = {};  // exists and is the agent's own: notes that outlive a restart; empty: none are kept
};

enum class Ended : std::uint8_t {
    completed,         // every step is done, or failed and optional
    failed,            // a step failed; the later ones are skipped
    cancelled,         // stopped between or in steps; the rest is pending and can be run later
    reboot_requested,  // the machine is going down (or a hook took note) and steps remain: run again with the records
};

struct Outcome {
    std::vector<StepRecord> steps;    // one for each step of the plan
    std::vector<TaskResult> results;  // of the steps of this run, in order, and step_failed at the end of a failed one
    Ended ended = Ended::completed;
};

/// Runs a plan without ERROR (anything else is a bug in the caller). `earlier`: the last record of each step that was
/// begun before a restart; `running` stands for an intent without its end. Such a step is done again when that is
/// harmless, else it fails with step_interrupted.
/// Errors: those of the journal only; what a step meets is in the outcome.
[[nodiscard]] Result<Outcome> run(const Plan& plan, PackageFiles& package, Services& services, StepJournal& journal,
                                  StepObserver& observer, const std::vector<StepRecord>& earlier,
                                  const CancelToken& cancel);

}  // namespace hagent::script
