// SPDX-License-Identifier: Apache-2.0
// Owns the queue of jobs and its hand-over to the worker.
#include "agent/session/engine.h"

#include <algorithm>
#include <utility>

#include "agent/base/limits.h"
#include "agent/errors/catalogue.h"
#include "agent/session/exclusive.h"
#include "agent/session/reserve.h"

namespace hagent::session {
namespace {

constexpr Seconds k_try_again{60};  // a session that stopped half-way goes on when its job is offered again, not sooner

/// Whether the manager means another package by an offer than by the one before. Order and addresses may differ from
/// answer to answer, so they do not count.
bool means_another(const Job& before, const Job& now) {
    const auto* a = std::get_if<SignedPackage>(&before.source);
    const auto* b = std::get_if<SignedPackage>(&now.source);
    if (a == nullptr || b == nullptr) {
        return false;
    }
    const auto is_among_them = [b](const Artifact& one) {
        return std::any_of(b->artifacts.begin(), b->artifacts.end(), [&](const Artifact& other) {
            return other.path == one.path && other.bytes == one.bytes && other.sha256 == one.sha256 &&
                   other.sha1 == one.sha1;
        });
    };
    return a->manifest_sha256 != b->manifest_sha256 || a->artifacts.size() != b->artifacts.size() ||
           !std::all_of(a->artifacts.begin(), a->artifacts.end(), is_among_them);
}

}  // namespace

/// The manager as the session of one job reaches it.
class Engine::Link final : public work::ManagerLink {
public:
    Link(Engine& engine, std::string job_id) : engine_(engine), job_id_(std::move(job_id)) {}

    Status check_in(Seconds most, const CancelToken& cancel) override {
        return engine_.ask_manager_ ? engine_.ask_manager_(most, cancel)
                                    : Status(error(errors::AgentCode::unsupported_here, "no manager"));
    }
    [[nodiscard]] bool may_execute() const override { return engine_.may_execute(job_id_); }

private:
    Engine& engine_;
    std::string job_id_;
};

Engine::Engine(Context& context, loop::Worker& worker, std::function<void()> on_idle)
    : context_(context), worker_(worker), on_idle_(std::move(on_idle)) {}

Status Engine::resume_unfinished() {
    for (const auto& tidied : {context_.store.prune(), context_.store.drop_looks()}) {
        if (!tidied.ok()) {  // write-protected: what is there goes on all the same
            context_.log.warning("session", "old sessions cannot be removed", {{"where", tidied.error().context}});
        }
    }
    for (const auto& id : TRY(context_.store.list())) {
        const auto stored = context_.store.load(id);
        if (!stored.ok() || stored->record.ended) {
            continue;
        }
        Entry entry;
        entry.job = stored->record.job;
        entry.session_id = id;
        entry.may_execute = entry.job.execute;
        const bool begun = stored->executing || !stored->steps.empty();
        if ((begun && !stored->suspended) || stored->verdict) {
            (void)entry.stop->commit();  // a cancel comes too late for it
        }
        entry.on_trial = changes_half_done(*stored);
        if (stored->record.try_again) {
            rest_until_next_try(entry, stored->record);
            context_.observer.changed(stored->record);
        }
        const std::lock_guard lock(mutex_);
        if (find(entry.job.id) == nullptr) {
            entries_.push_back(std::move(entry));
        }
    }
    schedule();
    return {};
}

/// With the lock held, and good until the lock is given back: entries move when one is taken out.
Engine::Entry* Engine::find(const std::string& job_id) {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.job.id == job_id; });
    return found == entries_.end() ? nullptr : &*found;
}

/// Whether an offer wakes a job that is known. One that stopped half-way has to rest first: with a manager that is
/// asked every second the same disk that is full would be tried every second. A trial is not woken by an offer, because
/// only a check-in that ended well decides it. The wait after a bad answer is not for another one.
bool Engine::may_go_on(const Entry& entry, const Job& offered) const {
    switch (entry.rest) {
        case Rest::none: return false;
        case Rest::permission: return offered.execute;
        case Rest::trial:
        case Rest::behind: return false;
        case Rest::retry: return context_.clock.uptime() >= entry.not_before || means_another(entry.job, offered);
        case Rest::later: return context_.clock.uptime() - entry.rests_since >= k_try_again;
    }
    return false;
}

Offer Engine::offer(const Job& job) {
    {
        const std::lock_guard lock(mutex_);
        if (Entry* known = find(job.id)) {
            known->may_execute = job.execute;
            if (!may_go_on(*known, job)) {
                return Offer::known;
            }
            // the new offer brings the login that a restart has lost; an offer for later takes no permission back from
            // what has begun to change the device
            known->replaced = job.execute || known->rest == Rest::retry;
            known->job = known->replaced ? job : known->job;
            known->rest = Rest::none;
        } else if (context_.observer.has_ended(
                       job.id)) {  // its session may have come to its end since somebody last looked
            return Offer::known;
        } else if (entries_.size() >= limits::k_queued_jobs || shut_down_) {
            return Offer::full;
        } else {
            Entry entry;
            entry.job = job;
            entry.may_execute = job.execute;
            entries_.push_back(std::move(entry));
        }
    }
    schedule();
    return Offer::taken;
}

/// One visit of the worker for each change; it finds out itself whether there is something to do. An inbox that is full
/// holds visits that are still to come, so one more is not missed.
void Engine::schedule() {
    (void)worker_.submit(std::make_shared<CancelToken>(), [this](const CancelToken&) { work(); });
}

/// Runs a copy of the entry, without the lock: offers and cancels come while a session takes hours, and may move the
/// entries. What they change is seen by settle().
void Engine::work() {
    for (;;) {
        Entry entry;
        {
            const std::lock_guard lock(mutex_);
            const auto next =
                std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.rest == Rest::none; });
            if (shut_down_ || next == entries_.end()) {
                break;
            }
            entry = *next;
            running_ = entry.job.id;
        }
        const std::string job_id = entry.job.id;
        settle(job_id, run_one(std::move(entry)));
    }
    on_idle_();
}

/// What a job waits for whose session has stopped; nothing when the job is over.
std::optional<Engine::Rest> Engine::rest_after(const Entry& done, const Result<SessionEnd>& end) const {
    if (!end.ok()) {
        return done.session_id.empty() ? std::optional<Rest>() : Rest::later;
    }
    const bool stopped = done.stop->reason() != StopReason::none;
    // the manager may have answered while the session ran
    const bool news = (checked_in_ && !done.checked_in) || (answered_ && !done.answered);
    switch (*end) {
        case SessionEnd::on_trial: return news ? Rest::none : Rest::trial;
        case SessionEnd::behind: return stopped ? Rest::none : Rest::behind;
        case SessionEnd::waiting: return done.job.execute || stopped ? Rest::none : Rest::permission;
        case SessionEnd::postponed: return stopped ? Rest::none : Rest::retry;
        case SessionEnd::rebooting:
        case SessionEnd::suspended: return Rest::later;
        case SessionEnd::interrupted:
        case SessionEnd::finished: break;
    }
    return std::nullopt;
}

/// What becomes of a job whose session has stopped. One that is not over stays known, so that it is not begun anew.
void Engine::settle(const std::string& job_id, const Result<SessionEnd>& end) {
    const std::lock_guard lock(mutex_);
    running_.clear();
    const auto done =
        std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.job.id == job_id; });
    if (const auto rest = rest_after(*done, end)) {
        done->rest = *rest;
        done->rests_since = *rest == Rest::later ? context_.clock.uptime() : done->rests_since;
        done->told_to_wait = done->told_to_wait || (end.ok() && *end == SessionEnd::behind);
    } else {
        entries_.erase(done);
    }
    if (!end.ok() || *end == SessionEnd::finished || *end == SessionEnd::suspended) {
        for (auto& entry : entries_) {  // what they waited for may be over
            entry.rest = entry.rest == Rest::behind ? Rest::none : entry.rest;
        }
    }
}

/// A session of the job that is on disk already, or empty: one was begun, but could not say so.
Result<std::string> Engine::unfinished(const std::string& job_id) const {
    for (const auto& id : TRY(context_.store.list())) {
        const auto stored = context_.store.load(id);
        if (stored.ok() && stored->begun && !stored->record.ended && stored->record.job.id == job_id) {
            return id;
        }
    }
    return std::string();
}

/// Looked for on disk even where no session is known: a begin() that failed behind its record has left one, and a
/// second one would do the job twice.
Result<std::unique_ptr<Session>> Engine::open(const Entry& entry) {
    const std::string id = entry.session_id.empty() ? TRY(unfinished(entry.job.id)) : entry.session_id;
    return id.empty() ? Session::begin(context_, entry.job)
                      : Session::resume(context_, id,
                                        entry.job.execute || entry.replaced ? std::optional(entry.job) : std::nullopt);
}

/// The entry learns its session's id before the work begins, so that the page can cancel it while it runs.
Result<SessionEnd> Engine::run_one(Entry entry) {
    use_reserve(context_);
    auto session = open(entry);
    if (!session.ok()) {
        context_.log.error("session", "cannot begin: " + errors::describe(session.error().id).cause.text(),
                           {{"job", entry.job.id}, {"where", session.error().context}});
        return std::move(session).failure();
    }
    Link link(*this, entry.job.id);
    Life life{.may_be_postponed = true, .told_to_wait = entry.told_to_wait, .manager = &link};
    {
        const std::lock_guard lock(mutex_);
        life.checked_in = checked_in_;
        life.manager_answered = answered_;
        if (Entry* known = find(entry.job.id)) {
            known->session_id = (*session)->record().id;
            known->checked_in = checked_in_;
            known->answered = answered_;
        }
    }
    auto end = (*session)->run(*entry.stop, life);
    const std::lock_guard lock(mutex_);
    if (Entry* known = find(entry.job.id); known != nullptr && end.ok()) {
        known->look_again_at = (*session)->look_again_at();
        known->on_trial = *end == SessionEnd::on_trial;
        if (*end == SessionEnd::postponed) {
            rest_until_next_try(*known, (*session)->record());
        }
    }
    return end;
}

/// By the uptime, because the wall clock may be set at any time.
void Engine::rest_until_next_try(Entry& entry, const SessionRecord& record) const {
    entry.rest = Rest::retry;
    entry.not_before = context_.clock.uptime() + record.rests_for(context_.clock.wall());
}

/// With the lock held. Without a session nothing has happened that would have to be ended in order.
CancelOutcome Engine::cancel_entry(std::vector<Entry>::iterator entry, StopReason reason) {
    if (entry->session_id.empty() && entry->job.id != running_) {
        entries_.erase(entry);
        return CancelOutcome::dropped;
    }
    if (!entry->stop->request(reason)) {
        return CancelOutcome::too_late;
    }
    entry->rest = Rest::none;  // one that waits half-way is visited, so that it comes to an orderly end
    return CancelOutcome::stopping;
}

CancelOutcome Engine::cancel(const std::string& job_id, StopReason reason) {
    CancelOutcome outcome = CancelOutcome::unknown;
    {
        const std::lock_guard lock(mutex_);
        const auto entry =
            std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.job.id == job_id; });
        if (entry != entries_.end()) {
            outcome = cancel_entry(entry, reason);
        }
    }
    if (outcome == CancelOutcome::stopping) {
        schedule();
    }
    return outcome;
}

/// The session may come to its end between the two looks: then it is unknown, which is true.
CancelOutcome Engine::cancel_session(const std::string& session_id, StopReason reason) {
    std::string job_id;
    {
        const std::lock_guard lock(mutex_);
        const auto entry =
            std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.session_id == session_id; });
        if (entry == entries_.end()) {
            return CancelOutcome::unknown;
        }
        job_id = entry->job.id;
    }
    return cancel(job_id, reason);
}

/// It is also noted for later: a session that runs at this moment may end on trial and must not wait for another
/// check-in.
void Engine::wake_trials(bool& noted) {
    bool any = false;
    {
        const std::lock_guard lock(mutex_);
        noted = true;
        for (auto& entry : entries_) {
            any = any || entry.rest == Rest::trial;
            entry.rest = entry.rest == Rest::trial ? Rest::none : entry.rest;
        }
    }
    if (any) {
        schedule();
    }
}

void Engine::checked_in() { wake_trials(checked_in_); }

/// Later answers are no news.
void Engine::manager_answered() {
    {
        const std::lock_guard lock(mutex_);
        if (answered_) {
            return;
        }
    }
    wake_trials(answered_);
}

bool Engine::has_trial() const {
    const std::lock_guard lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.on_trial; });
}

std::optional<Uptime> Engine::next_look() const {
    const std::lock_guard lock(mutex_);
    std::optional<Uptime> first;
    for (const auto& entry : entries_) {
        const bool rests = entry.rest == Rest::trial || entry.rest == Rest::later;
        if (rests && entry.look_again_at && (!first || *entry.look_again_at < *first)) {
            first = entry.look_again_at;
        }
    }
    return first;
}

void Engine::look_again() {
    bool any = false;
    {
        const std::lock_guard lock(mutex_);
        const auto now = context_.clock.uptime();
        for (auto& entry : entries_) {
            const bool rests = entry.rest == Rest::trial || entry.rest == Rest::later;
            if (rests && entry.look_again_at && *entry.look_again_at <= now) {
                entry.look_again_at.reset();
                entry.rest = Rest::none;
                any = true;
            }
        }
    }
    if (any) {
        schedule();
    }
}

bool Engine::may_execute(const std::string& job_id) {
    const std::lock_guard lock(mutex_);
    const Entry* known = find(job_id);
    return known != nullptr && known->may_execute;
}

/// Under the lock of work(): a job that it has only just taken out hears of it as well.
void Engine::shut_down() {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    for (auto& entry : entries_) {
        (void)entry.stop->request(StopReason::shutdown);
    }
}

bool Engine::idle() const {
    const std::lock_guard lock(mutex_);
    return std::none_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.rest == Rest::none; });
}

std::vector<std::string> Engine::waiting() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& entry : entries_) {
        if (entry.rest == Rest::permission || entry.rest == Rest::retry || entry.rest == Rest::behind) {
            ids.push_back(entry.job.id);
        }
    }
    return ids;
}

std::optional<Uptime> Engine::next_try() const {
    const std::lock_guard lock(mutex_);
    std::optional<Uptime> first;
    for (const auto& entry : entries_) {
        if (entry.rest == Rest::retry && (!first || entry.not_before < *first)) {
            first = entry.not_before;
        }
    }
    return first;
}

std::vector<std::string> mend_sessions(Context& context) {
    std::vector<std::string> damage;
    const auto ids = context.store.list();
    for (const auto& id : ids.ok() ? *ids : std::vector<std::string>{}) {
        auto mended = context.store.mend(id, context.clock.wall());
        const bool bad = mended.ok() && *mended;
        if (bad) {
            context.log.warning("session", "its journal is damaged", {{"id", id}, {"where", (*mended)->context}});
            damage.push_back((*mended)->context);
        } else if (!mended.ok()) {
            context.log.error("session", "its journal cannot be read or mended",
                              {{"id", id}, {"where", mended.error().context}});
            damage.push_back(mended.error().context);
        }
    }
    return damage;
}

}  // namespace hagent::session
