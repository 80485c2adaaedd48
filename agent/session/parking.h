// SPDX-License-Identifier: Apache-2.0
// Owns the memory that ends circles: which jobs were done lately, and which are not begun again by themselves.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/job_kind.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/journal/journal.h"
#include "agent/session/record.h"
#include "platform/files.h"

namespace hagent::session {

/// How often the same job may be done, and within what time (upgrade.loop_rounds, upgrade.loop_hours).
struct LoopLimits {
    unsigned rounds = 3;
    std::chrono::hours within{24};
};

/// What is not begun again before somebody releases it. Two jobs are the same when they bring the same version of a
/// package of the same kind, whatever ids their manager gives them.
struct Parked {
    std::string job;  // the id of the job that was stopped last
    JobKind kind = JobKind::script;
    std::string package, version;
    std::string why;      // the circle and what to change, or how it failed; for people
    bool circle = false;  // it is done well, and something undoes it
    unsigned rounds = 0;  // that were done
    WallTime since;
};

/// Why such a job is not begun: job_in_circle, or parked for one that fails; with the whole story in the context.
[[nodiscard]] Failure error_of(const Parked& parked);

/// Images and upgrades count once they have begun to change the device, other jobs when they have failed and had gone
/// on after a restart; none when it failed for want of space, network or power, and none of the command line.
/// Thread-safe. Format: FORMAT.md.
class Parking {
public:
    /// Opens or creates the journal at `path`, whose folder exists. Where it cannot be written the memory is as good to
    /// read. Errors: those of reading.
    [[nodiscard]] static Result<std::unique_ptr<Parking>> open(platform::Files& files, const std::string& path,
                                                               LoopLimits limits);
    /// What list() would say, for who only looks while another process may own it. Errors: those of platform::Files.
    [[nodiscard]] static Result<std::vector<Parked>> look(platform::Files& files, const std::string& path);

    /// Oldest first.
    [[nodiscard]] std::vector<Parked> list() const;
    /// Whether the loop guard has stopped this job, and nobody has released it.
    [[nodiscard]] bool holds(std::string_view job_id) const;
    /// By the job's id, of any of those that were stopped for the same reason, or by its package. Durable; it begins to
    /// count anew. Returns the ids of the jobs that were stopped: they may be done when they are offered again. Errors:
    /// not_parked, those of the journal.
    [[nodiscard]] Result<std::vector<std::string>> release(std::string_view job);

    /// Whether the job of this session, whose package is known, may begin to change the device. Error: error_of() what
    /// holds it.
    [[nodiscard]] Status admit(const SessionRecord& record, WallTime now);
    /// It begins to: from here on an image or an upgrade counts. `from`: what the device runs now of what the job
    /// changes. Again for the same session changes nothing. Errors: those of the journal.
    [[nodiscard]] Status begins(const SessionRecord& record, std::string_view from, std::string_view boot,
                                WallTime now);
    /// Its end, before its final report. `executed`: the device may have been changed. Again for the same session
    /// changes nothing. Errors: those of the journal.
    [[nodiscard]] Status ends(const SessionRecord& record, ReportStage stage, bool executed);

private:
    /// One job that changed the device, or tried to.
    struct Round {
        std::string session;
        JobKind kind = JobKind::script;
        std::string package, from, to;
        std::string boot;    // the start of the machine in which it began
        WallTime at;         // when it began
        std::string result;  // "success", or the name of what failed; empty: it goes on
    };
    struct Held {
        Parked parked;
        std::vector<std::string> jobs;  // ids of all that were stopped, the latest last
    };

    /// What the journal says.
    struct Memory {
        std::vector<Round> rounds;  // oldest first
        std::vector<Held> held;     // oldest first

        void replay(const std::vector<journal::Record>& records);
        void take(Round round);
        void take(Held held_now);
        void release(JobKind kind, const std::string& package, const std::string& version);
        [[nodiscard]] Round* find_round(const std::string& session);
        [[nodiscard]] Held* find_held(const SessionRecord& record);
        [[nodiscard]] std::vector<Parked> list() const;
    };

    Parking(journal::Journal journal, LoopLimits limits) : journal_(std::move(journal)), limits_(limits) {}
    [[nodiscard]] bool is_recent(const Round& round, WallTime now) const;
    [[nodiscard]] std::optional<Held> judged(const SessionRecord& record, WallTime now) const;
    [[nodiscard]] std::string circle_of(const Parked& parked, WallTime now) const;
    [[nodiscard]] Status append(std::uint16_t type, const std::string& payload);
    [[nodiscard]] Status compact();
    static std::string to_payload(const Round& round);
    static std::string to_payload(const Held& held);

    mutable std::mutex mutex_;
    journal::Journal journal_;
    LoopLimits limits_;
    Memory memory_;
};

}  // namespace hagent::session
