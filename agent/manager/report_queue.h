// SPDX-License-Identifier: Apache-2.0
// Owns the reports that wait for the manager, and the memory of finished jobs. Survives power cuts; bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/journal/journal.h"
#include "agent/session/store.h"
#include "platform/files.h"

namespace hagent::manager {

/// What the job is made of, short: the id alone does not tell two managers' jobs apart. Order and addresses may differ
/// from answer to answer, so they do not count.
[[nodiscard]] std::string content_of(const session::Job& job);

/// Thread-safe: the worker adds, the loop delivers. Format: FORMAT.md. Errors are those of the journal.
class ReportQueue {
public:
    struct Waiting {
        std::uint64_t number = 0;  // grows; names this report in acknowledge()
        session::Report report;
    };

    /// Opens or creates the journal at `path`, whose folder exists. Where it cannot be written the queue is as good to
    /// read, and what is added fails.
    [[nodiscard]] static Result<std::unique_ptr<ReportQueue>> open(platform::Files& files, const std::string& path);
    /// How many reports wait in the journal at `path`; only looks.
    [[nodiscard]] static Result<std::size_t> count(platform::Files& files, const std::string& path);

    /// Once after open(): compares with what the sessions remember of the manager's jobs. Finals that are missing here
    /// are made again, and sent. Where something is lost and the sessions do not remember every job either, a job that
    /// neither knows counts as one of which nobody can tell whether it was done: offered() ends it with a failure that
    /// says so. That lasts until all_offered(). `sessions_damaged`: something of them was lost just now.
    [[nodiscard]] Status recover(const session::Store::Memory& memory, bool sessions_damaged);
    /// The manager has offered all that it has: any other job is a new one.
    [[nodiscard]] Status all_offered();

    /// What was damaged or missing when this queue was opened, for people.
    [[nodiscard]] const std::vector<std::string>& damage() const { return damage_; }
    /// Why it cannot be written; empty when it can.
    [[nodiscard]] std::optional<Error> unwritable() const;

    /// Keeps the report until it is acknowledged; once this returns success no power cut loses it. A job has one final
    /// report: what comes after it changes nothing. A report joins the one of its job that waits already and is not on
    /// its way, so the queue stays as long as there are jobs; the newest messages win.
    [[nodiscard]] Status add(const session::Report& report);

    /// The oldest waiting report goes on its way: until acknowledge() or put_back() nothing is added to it.
    [[nodiscard]] std::optional<Waiting> begin_delivery();
    /// Delivered, or obsolete.
    [[nodiscard]] Status acknowledge(std::uint64_t number);
    /// It could not be delivered now. News of its job that came meanwhile take it in: else an answer that gets lost
    /// each time would let progress be told again and again, and keep the result back for ever.
    void put_back();

    /// A job is offered; `content` is content_of() it. True when it has ended here, or is ended by recover()'s rule. An
    /// id that comes with another content than before names another job (a manager that was set up anew counts from 1
    /// again): what was known under it is forgotten. An error only means that this was not noted for the next start.
    [[nodiscard]] Result<bool> offered(const std::string& job_id, const std::string& content);

    /// The final report of a job that ended here, also long after it was delivered: for jobs that are offered again.
    [[nodiscard]] std::optional<session::Report> finished(const std::string& job_id) const;
    /// Sends the final report of a finished job once more.
    [[nodiscard]] Status repeat(const std::string& job_id);

    /// These jobs may be done again when they are offered again, under the same ids. Errors: those of the journal;
    /// until the next start they are forgotten all the same.
    [[nodiscard]] Status forget(const std::vector<std::string>& job_ids);

    /// Reports that wait, the one on its way among them.
    [[nodiscard]] std::size_t size() const;

private:
    ReportQueue(journal::Journal journal, bool fresh) : journal_(std::move(journal)), fresh_(fresh) {}
    void replay(const std::vector<journal::Record>& records);
    [[nodiscard]] Status restore(const session::Store::Remembered& job);
    void remember(session::Report report);
    void touch(const std::string& job_id);
    void tell_unknown(const std::string& job_id);
    [[nodiscard]] Status enqueue(session::Report report, const std::vector<std::uint64_t>& instead_of = {});
    [[nodiscard]] bool note_content(const std::string& job_id, const std::string& content);
    [[nodiscard]] bool has_finished(const std::string& job_id) const;
    [[nodiscard]] Status append(std::uint16_t type, const std::string& payload);
    [[nodiscard]] Status compact();
    [[nodiscard]] Status drop(std::uint64_t number);

    mutable std::mutex mutex_;
    journal::Journal journal_;
    std::uint64_t last_number_ = 0;
    std::uint64_t on_its_way_ = 0;  // number; 0: none
    std::uint64_t compact_at_ = 0;  // bytes of the journal
    bool fresh_ = false;            // there was no journal
    bool unsure_ = false;           // jobs may have ended here of which nobody knows
    bool untold_ = false;           // such a job was offered, and its end could not be written
    std::vector<std::string> damage_;
    std::vector<std::string> in_sessions_;  // ids of jobs that the sessions remember
    std::vector<Waiting> waiting_;
    // offered or ended last at the end; at most k_finished_jobs, each with its last message only
    std::vector<session::Report> finished_;
    std::vector<std::pair<std::string, std::string>> contents_;  // of the jobs offered last: id, content
};

}  // namespace hagent::manager
