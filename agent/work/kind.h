// SPDX-License-Identifier: Apache-2.0
// Owns the promises of a kind of work: script, software, image, upgrade. The session knows nothing else of them.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/job_kind.h"
#include "agent/base/result.h"
#include "agent/trust/manifest.h"
#include "agent/work/manager_link.h"
#include "agent/work/plan.h"
#include "agent/work/runner.h"
#include "agent/work/services.h"

namespace hagent::work {

/// Wishes of whoever offered the job, as (name, value); a kind ignores those that it does not know.
using Options = std::vector<std::pair<std::string, std::string>>;
/// The value of that option, or nothing.
[[nodiscard]] std::optional<std::string_view> option(const Options& options, std::string_view name);

/// What a kind analyses. Borrowed: `package` and `manifest` until the work is destroyed, the rest for the call.
struct Request {
    const trust::Manifest& manifest;  // of a package that nobody signed: made of what is there
    PackageFiles& package;
    Result<std::string> entry;  // the verified text of the manifest's entry; or why it cannot be read
    const Options& options;
    const std::string& relocation;        // every device path lies below this folder; empty: "/"
    std::span<const StepRecord> earlier;  // after a restart: steps already done are not checked again
    const Services& services;
};

/// What a run needs beside the work itself; borrowed for its length.
struct Run {
    const Services& services;
    StepJournal& journal;
    StepObserver& observer;
    const std::vector<StepRecord>& earlier;  // as run_steps() takes them
    const CancelToken& cancel;
    bool checked_in = false;         // a check-in has ended well since this life of the agent began
    bool manager_answered = false;   // or the manager has at least shown who it is, and answered, whatever it said
    ManagerLink* manager = nullptr;  // null: no manager takes part (command line)
};

/// One piece of work, analysed: a plan, and the way to carry it out.
class Work {
public:
    virtual ~Work() = default;
    /// The answer stays the same as long as the object.
    [[nodiscard]] virtual const Plan& plan() const = 0;
    /// Carries the plan out, which has no ERROR. Errors: those of the journal only; what a step meets is in the
    /// outcome.
    [[nodiscard]] virtual Result<Outcome> run(Run& run) = 0;
    /// The plan in the shape that spec 11 gives to this kind's dry run: one JSON document without a newline at its end.
    [[nodiscard]] virtual std::string plan_json() const = 0;
    /// The plan for people, many lines.
    [[nodiscard]] virtual std::string plan_text() const = 0;
};

/// One kind of work; without a state of its own, so that one object serves all sessions. Source: spec 2.
class Kind {
public:
    virtual ~Kind() = default;
    /// Changes nothing on the device. What is wrong is in the plan's results.
    /// Never null. Fetches nothing: what has to be downloaded is in Plan::downloads, what run() reads by
    /// PackageFiles::read_range() in Plan::streamed_bytes.
    [[nodiscard]] virtual std::unique_ptr<Work> analyse(const Request& request) const = 0;
    /// Whether the manifest's entry is a text that analyse() reads; else it may be any of the files, however large.
    [[nodiscard]] virtual bool reads_entry() const { return true; }
    /// Paths of the files that analyse() itself reads, each once: they are fetched and verified before it, and then
    /// PackageFiles::staged() has them. One that the manifest does not list is left out: analyse() tells it.
    [[nodiscard]] virtual std::vector<std::string> files_for_analysis(const trust::Manifest& /*manifest*/) const {
        return {};
    }
    /// Paths of the files that an entry without a manifest wants, each once. What is wrong with the entry is not told
    /// here but by analyse(). Only for kinds that a manager without manifests can send.
    [[nodiscard]] virtual std::vector<std::string> files_wanted(const std::string& /*entry*/,
                                                                const Options& /*options*/) const {
        return {};
    }
};

/// The kinds that this agent has; made in the composition root. Entries outlive all sessions; null: not there.
class Kinds {
public:
    void add(JobKind kind, const Kind& implementation) { of_[static_cast<std::size_t>(kind)] = &implementation; }
    [[nodiscard]] const Kind* find(JobKind kind) const { return of_[static_cast<std::size_t>(kind)]; }

private:
    std::array<const Kind*, k_job_kinds> of_{};
};

}  // namespace hagent::work
