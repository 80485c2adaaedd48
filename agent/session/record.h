// SPDX-License-Identifier: Apache-2.0
// Owns SessionRecord: everything that is known of one session, as a value to publish, store and show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/task_result.h"
#include "agent/base/time.h"
#include "agent/session/job.h"
#include "agent/session/phase.h"
#include "agent/transfer/download.h"
#include "agent/work/package.h"
#include "agent/work/plan.h"
#include "agent/work/step.h"

namespace hagent::session {

/// One step as it is shown: work::StepPlan and work::StepRecord in one, but for what only the runner needs.
struct StepView {
    unsigned n = 0, line = 0;
    std::string op, effect;
    work::StepState state = work::StepState::pending;
    std::vector<TaskResult> results;
    std::string output;  // tail of what a program printed, made printable
};

enum class TransferState : std::uint8_t { waiting, running, done, failed };
[[nodiscard]] std::string_view to_string(TransferState state);

/// One download or upload as it is shown.
struct TransferView {
    std::string file;  // path in the package
    std::string url;   // of the source in use, without credentials
    std::uint64_t bytes = 0, total = 0;
    std::uint64_t rate_bps = 0;  // bytes a second
    unsigned attempts = 0;
    std::vector<std::uint64_t> resumed_at;  // offsets, also over restarts of the agent
    TransferState state = TransferState::waiting;
    std::vector<transfer::Attempted> decisions;  // the last tries, oldest first
    std::vector<std::string> transcript;         // of the last try: its last lines
};

/// Of all downloads together.
struct Progress {
    std::uint64_t bytes = 0, total = 0;
    std::uint64_t rate_bps = 0;
    std::optional<std::int64_t> eta_s;  // seconds; empty when nobody can tell
};

/// Transfers that are shown one by one; the counts in Progress are of all.
inline constexpr std::size_t k_shown_transfers = 64;

/// How long a job rests at least that failed so often before it changed anything.
[[nodiscard]] Millis wait_before_try(unsigned failed_tries);

struct SessionRecord {
    std::string id;  // of the store: "000017"
    Job job;
    std::string package, version, signer;  // of the verified manifest
    std::uint64_t serial = 0;
    // of the manifest that the session was begun with: it goes on with no other; empty for a local folder
    std::string package_sha256;
    bool contradicted =
        false;  // the manager vouches for other bytes of a file than the manifest: no source can mend that
    Phase phase = Phase::initial;
    WallTime started;
    std::optional<WallTime> ended;
    unsigned resumptions = 0;           // how often it went on after a restart, or was tried again
    unsigned tries = 0;                 // that failed before anything was changed and were not the last one
    std::optional<WallTime> try_again;  // it rests until then
    bool waits_for_leave = false;       // because of the device's own rules: nothing has failed
    std::vector<StepView> steps;
    Progress progress;
    std::vector<TransferView> transfers;
    std::vector<work::PackageFile> downloads;
    std::vector<work::VolumeImpact> disk;
    unsigned reboots = 0;
    std::vector<TaskResult> results;

    /// The job as it is offered now. The kind that the manifest has told holds where the manager does not know it.
    void take_job(Job offered);
    [[nodiscard]] std::vector<TaskResult> all_results() const;  // of the session, then of its steps
    /// Until it is tried again; zero when it does not wait for that.
    [[nodiscard]] Millis rests_for(WallTime now) const;
    [[nodiscard]] bool failed() const { return is_final(phase) && has_error(results); }
};

}  // namespace hagent::session
