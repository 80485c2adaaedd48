// SPDX-License-Identifier: Apache-2.0
// Owns the queue of jobs and its hand-over to the worker.
#include "agent/session/engine.h"

#include <algorithm>
#include <utility>

#include "agent/base/limits.h"
#include "agent/errors/catalogue.h"

namespace hagent::session {

Engine::Engine(Context& context, loop::Worker& worker, std::function<void()> on_idle)
    : context_(context), worker_(worker), on_idle_(std::move(on_idle)) {}

Status Engine::resume_unfinished() {
    TRY(context_.store.prune());
    for (const auto& id : TRY(context_.store.list())) {
        const auto stored = context_.store.load(id);
        if (!stored.ok() || stored->record.ended) {
            continue;
        }
        Entry entry;
        entry.job = stored->record.job;
        entry.session_id = id;
        const std::lock_guard lock(mutex_);
        entries_.push_back(std::move(entry));
    }
    return schedule() ? Status() : Status(error(errors::AgentCode::limit_exceeded, "unfinished sessions"));
}

Engine::Entry* Engine::find(const std::string& job_id) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.job.id == job_id; });
    return found == entries_.end() ? nullptr : &*found;
}

Offer Engine::offer(const Job& job) {
    {
        const std::lock_guard lock(mutex_);
        if (Entry* known = find(job.id)) {
            if (!known->waiting || !job.execute) {
                return Offer::known;
            }
            known->job = job;
            known->waiting = false;
        } else if (entries_.size() >= limits::k_queued_jobs || shut_down_) {
            return Offer::full;
        } else {
            entries_.push_back({job, {}, false, std::make_shared<Stop>()});
        }
    }
    return schedule() ? Offer::taken : Offer::full;
}

/// One visit of the worker for each change; it finds out itself whether there is something to do.
bool Engine::schedule() {
    return worker_.submit(std::make_shared<CancelToken>(), [this](const CancelToken&) { work(); }).ok();
}

void Engine::work() {
    for (;;) {
        Entry entry;
        {
            const std::lock_guard lock(mutex_);
            const auto next = std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return !e.waiting; });
            if (shut_down_ || next == entries_.end()) {
                break;
            }
            entry = *next;
            running_ = entry.job.id;
        }
        const std::string job_id = entry.job.id;
        const auto end = run_one(std::move(entry));
        const std::lock_guard lock(mutex_);
        running_.clear();
        const auto done = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.job.id == job_id; });
        if (end.ok() && *end == SessionEnd::waiting) {
            done->waiting = !done->job.execute;
        } else {
            entries_.erase(done);  // what is unfinished is found again at the next start
        }
    }
    on_idle_();
}

Result<SessionEnd> Engine::run_one(Entry entry) {
    auto session = entry.session_id.empty()
                       ? Session::begin(context_, entry.job)
                       : Session::resume(context_, entry.session_id,
                                         entry.job.execute ? std::optional(entry.job) : std::nullopt);
    if (!session.ok()) {
        context_.log.error("session", "cannot begin: " + std::string(errors::describe(session.error().id).cause),
                           {{"job", entry.job.id}, {"where", session.error().context}});
        return std::move(session).error();
    }
    {
        const std::lock_guard lock(mutex_);
        if (Entry* known = find(entry.job.id)) {
            known->session_id = (*session)->record().id;
        }
    }
    return (*session)->run(*entry.stop);
}

CancelOutcome Engine::cancel_entry(std::deque<Entry>::iterator entry, StopReason reason) {
    if (entry->job.id == running_) {
        return entry->stop->request(reason) ? CancelOutcome::stopping : CancelOutcome::too_late;
    }
    if (entry->session_id.empty()) {
        entries_.erase(entry);
        return CancelOutcome::dropped;
    }
    // It waits half-way: its session must come to an orderly end.
    (void)entry->stop->request(reason);
    entry->waiting = false;
    return CancelOutcome::stopping;
}

CancelOutcome Engine::cancel(const std::string& job_id, StopReason reason) {
    CancelOutcome outcome = CancelOutcome::unknown;
    {
        const std::lock_guard lock(mutex_);
        const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.job.id == job_id; });
        if (entry != entries_.end()) {
            outcome = cancel_entry(entry, reason);
        }
    }
    (void)schedule();  // a session that waits half-way is visited to end it
    return outcome;
}

CancelOutcome Engine::cancel_session(const std::string& session_id, StopReason reason) {
    std::string job_id;
    {
        const std::lock_guard lock(mutex_);
        const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.session_id == session_id; });
        if (entry == entries_.end()) {
            return CancelOutcome::unknown;
        }
        job_id = entry->job.id;
    }
    return cancel(job_id, reason);
}

void Engine::shut_down() {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    for (auto& entry : entries_) {
        (void)entry.stop->request(StopReason::shutdown);
    }
}

bool Engine::idle() const {
    const std::lock_guard lock(mutex_);
    return std::none_of(entries_.begin(), entries_.end(), [](const Entry& e) { return !e.waiting; });
}

std::vector<std::string> Engine::waiting() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& entry : entries_) {
        if (entry.waiting) {
            ids.push_back(entry.job.id);
        }
    }
    return ids;
}

}  // namespace hagent::session
