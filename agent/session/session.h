// SPDX-License-Identifier: Apache-2.0
// Owns one session: the only place where the order of selection, analysis and execution is decided.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/session/context.h"
#include "agent/session/origin/origin.h"
#include "agent/session/stop.h"
#include "agent/work/kind.h"

namespace hagent::session {

enum class SessionEnd : std::uint8_t {
    finished,     // completed or aborted; the final report is in the queue
    waiting,      // everything is downloaded, but it may not be executed yet
    interrupted,  // stopped by a shutdown: goes on at the next start
    rebooting,    // the machine was asked to restart: goes on after that
    suspended,    // rests half-way: goes on when it is offered again or at the next start, or is given up
    postponed,    // rests before it changed anything: run it again when `try_again` of the record has come
    behind,       // another change of the system is under way: run it again when that one is over
    on_trial,     // all is done; what comes of it is known after a restart and a check-in: run it again then
};

/// What a session is told about the life that it runs in.
struct Life {
    bool checked_in = false;               // the manager has answered since this life of the agent began
    bool may_be_postponed = false;         // whoever runs it will run it again; else the first failure is the last
    bool manager_answered = false;         // or at least shown who it is, and answered, whatever it said
    bool told_to_wait = false;             // the manager knows that it waits for another change of the system
    work::ManagerLink* manager = nullptr;  // null: none takes part
};

class Session {
public:
    /// A new session for a job; once this returns success a restart finds it. Errors: those of the store.
    [[nodiscard]] static Result<std::unique_ptr<Session>> begin(Context& context, const Job& job);
    /// An unfinished one, after a restart, or when a waiting job may be executed now (then with the job as offered
    /// again).
    /// Errors: session_not_found, corrupt_journal, those of the store.
    [[nodiscard]] static Result<std::unique_ptr<Session>> resume(Context& context, const std::string& id,
                                                                 const std::optional<Job>& offered_again);

    /// Works until the end. Errors: those of the journal or report queue only (disk full, read only ...): nothing
    /// was lost and the session can go on later.
    [[nodiscard]] Result<SessionEnd> run(Stop& stop, Life life = {});

    [[nodiscard]] const SessionRecord& record() const { return record_; }
    /// After `on_trial` and `rebooting`: run it again then, whoever has checked in; empty: nothing is due.
    [[nodiscard]] std::optional<Uptime> look_again_at() const { return look_again_at_; }

private:
    Session(Context& context, SessionLog log, Stored stored);

    [[nodiscard]] Result<SessionEnd> phases(Stop& stop);
    [[nodiscard]] Status select(Stop& stop);
    [[nodiscard]] Status analyse();
    [[nodiscard]] Result<Status> download(Stop& stop);
    [[nodiscard]] Result<SessionEnd> execute(Stop& stop);
    [[nodiscard]] Result<SessionEnd> finish(Phase phase, ReportStage stage);
    [[nodiscard]] Result<work::Outcome> run_work(const work::Services& services, Stop& stop);
    void keep_results_of_no_step(const work::Outcome& outcome);
    [[nodiscard]] Result<SessionEnd> wait_behind(const SessionRecord& other, Stop& stop);
    [[nodiscard]] Result<SessionEnd> wait_for_reboot();
    [[nodiscard]] Result<SessionEnd> suspend(Stop& stop);
    [[nodiscard]] Result<SessionEnd> wait_for_verdict();
    [[nodiscard]] Result<SessionEnd> conclude(ReportStage stage);
    [[nodiscard]] Result<SessionEnd> refused(const Error& why, Stop& stop);
    [[nodiscard]] bool may_be_postponed(const Error& why) const;
    [[nodiscard]] Result<SessionEnd> postpone(TaskResult why);
    [[nodiscard]] Result<SessionEnd> rest(const Leave::Wait& wait);
    [[nodiscard]] Status enter(Phase phase);
    [[nodiscard]] Status report(ReportStage stage, std::vector<std::string> messages);
    void take_steps(const work::Plan& plan);

    Context& context_;
    SessionRecord record_;
    SessionLog log_;
    std::vector<work::StepRecord> earlier_;
    bool had_plan_;
    bool executing_;  // this run or an earlier one has begun to change the device
    bool suspended_;  // it rested, and may still be given up
    bool on_trial_;   // an earlier run had done all that can be done
    Life life_;
    std::optional<Uptime> look_again_at_;
    std::optional<ReportStage> verdict_;  // an earlier run had come to its end, and only had to say so
    std::unique_ptr<Origin> origin_;
    std::unique_ptr<work::Work> work_;  // borrows from origin_
};

/// What a dry run shows.
struct Preview {
    std::vector<TaskResult> results;  // has_error(results): it would not be run
    std::string json;                 // as work::Work::plan_json()
    std::string text;                 // as work::Work::plan_text()
};

/// Selection and analysis only: the plan of the record's job; nothing is changed on the device and no session is made.
/// Errors: job_unsupported, those of Origin::select and platform::Files.
[[nodiscard]] Result<Preview> dry_run(Context& context, SessionRecord& record, const CancelToken& cancel);

}  // namespace hagent::session
