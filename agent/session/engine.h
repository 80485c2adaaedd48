// SPDX-License-Identifier: Apache-2.0
// Owns the jobs of this device: one at a time on the worker, the others waiting, each job id once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/loop/worker.h"
#include "agent/session/context.h"
#include "agent/session/session.h"

namespace hagent::session {

enum class Offer : std::uint8_t {
    taken,  // a new job, or a waiting one that may be executed or go on now
    known,  // running or waiting already, or ended: the observer has its final report
    full,   // too many jobs wait: the manager will offer it again
};

enum class CancelOutcome : std::uint8_t {
    stopping,  // its session ends within a second and reports that it was cancelled
    dropped,   // it had not begun
    too_late,  // the device is being changed: it goes on to its end
    unknown,   // no such job here
};

/// Thread-safe. Works on the worker; the observer of the context hears of everything.
class Engine {
public:
    /// All borrowed. `on_idle` is called on the worker's thread whenever there is nothing left to run, also after a
    /// visit that found nothing.
    Engine(Context& context, loop::Worker& worker, std::function<void()> on_idle);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Queues every unfinished session of the store, oldest first, and tidies up. Call it once, first. A session that
    /// cannot be read is left for the next start. Errors: those of platform::Files.
    [[nodiscard]] Status resume_unfinished();

    /// Decides at once and waits for nothing; the work is done later, on the worker.
    [[nodiscard]] Offer offer(const Job& job);
    /// By the manager's id of the job. Only a job that has begun makes a report of its cancel; for `dropped` and
    /// `unknown` whoever asked has to tell the manager.
    [[nodiscard]] CancelOutcome cancel(const std::string& job_id, StopReason reason);
    /// By session id, as the status page names it.
    [[nodiscard]] CancelOutcome cancel_session(const std::string& session_id, StopReason reason);
    /// A check-in has ended well: what is on trial is looked at again, now and whenever it is asked for.
    void checked_in();
    /// The manager has at least shown who it is: the first time, what is on trial is looked at again.
    void manager_answered();
    /// Whether a change of the system waits for its verdict: a session on trial, or one that this life has found half
    /// done.
    [[nodiscard]] bool has_trial() const;
    /// When a session wants to be looked at again though nobody has checked in; empty: none does.
    [[nodiscard]] std::optional<Uptime> next_look() const;
    /// That moment may have come.
    void look_again();
    /// How work asks the manager (work::ManagerLink::check_in), called on the worker's thread. Call it before anything
    /// is begun.
    using AskManager = std::function<Status(Seconds most, const CancelToken& cancel)>;
    void ask_manager_with(AskManager ask) { ask_manager_ = std::move(ask); }
    /// Stops what runs so that it can go on at the next start. No job is begun any more.
    void shut_down();
    /// Nothing runs and nothing is queued (jobs that wait for permission to execute do not count).
    [[nodiscard]] bool idle() const;
    /// Ids of jobs that wait for the manager: downloaded, for permission to execute, or for another try. One that it
    /// has no more may be cancelled.
    [[nodiscard]] std::vector<std::string> waiting() const;
    /// When the first of the jobs that rest is to be tried again, at the next check-in from then on; empty: none rests.
    [[nodiscard]] std::optional<Uptime> next_try() const;

private:
    enum class Rest : std::uint8_t {
        none,        // runs, or is next when the worker is free
        permission,  // downloaded, waits for permission to execute
        later,       // stopped half-way: suspended, the machine is going down, or the state could not be written
        trial,       // all is done, its verdict comes with a check-in
        behind,      // waits for another change of the system to end
        retry,       // failed before it changed anything: is tried again at `not_before`
    };

    struct Entry {
        Job job;
        std::string session_id;  // empty: not begun yet
        Rest rest = Rest::none;
        Uptime rests_since{};
        Uptime not_before{};
        bool replaced = false;    // the job is not the one that its session was begun with
        bool checked_in = false;  // what its session was told when it ran last
        bool answered = false;    // the same
        bool told_to_wait = false;
        bool on_trial = false;
        bool may_execute = false;             // by its last offer
        std::optional<Uptime> look_again_at;  // of one on trial, or that waits for the machine to go down
        // shared: the session's thread and those who stop it
        std::shared_ptr<Stop> stop = std::make_shared<Stop>();
    };

    class Link;

    [[nodiscard]] Entry* find(const std::string& job_id);
    [[nodiscard]] bool may_execute(const std::string& job_id);
    void wake_trials(bool& noted);
    [[nodiscard]] CancelOutcome cancel_entry(std::vector<Entry>::iterator entry, StopReason reason);
    [[nodiscard]] bool may_go_on(const Entry& entry, const Job& offered) const;
    void rest_until_next_try(Entry& entry, const SessionRecord& record) const;
    void schedule();
    void work();
    [[nodiscard]] std::optional<Rest> rest_after(const Entry& done, const Result<SessionEnd>& end) const;
    void settle(const std::string& job_id, const Result<SessionEnd>& end);
    [[nodiscard]] Result<SessionEnd> run_one(Entry entry);
    [[nodiscard]] Result<std::unique_ptr<Session>> open(const Entry& entry);
    [[nodiscard]] Result<std::string> unfinished(const std::string& job_id) const;

    Context& context_;
    loop::Worker& worker_;
    std::function<void()> on_idle_;
    mutable std::mutex mutex_;
    std::vector<Entry> entries_;  // running_ points into it by job id
    std::string running_;         // job id; empty: none
    AskManager ask_manager_;
    bool checked_in_ = false;
    bool answered_ = false;
    bool shut_down_ = false;
};

/// Mends every damaged journal of the store, gives the sessions of which something is lost their end (Store::mend), and
/// says so in the log; what fails is left for the next start. Call it before the engine, or anything else, looks for
/// unfinished sessions. Returns what was damaged, for people.
std::vector<std::string> mend_sessions(Context& context);

}  // namespace hagent::session
