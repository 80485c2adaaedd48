// SPDX-License-Identifier: Apache-2.0
// Owns the folders of sessions.
#include "agent/session/store.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/session/messages.h"
#include "agent/session/store_records.h"

namespace hagent::session {
namespace {

/// What became of the steps stands in records of their own, written long after the plan.
void show_steps(Stored& stored) {
    for (const auto& step : stored.steps) {
        for (auto& view : stored.record.steps) {
            if (view.n == step.n) {
                view.state = step.state;
                view.results = step.results;
                view.output = step.output;
            }
        }
    }
}

std::string numbered(std::uint64_t number) {
    std::array<char, 24> out{};
    std::snprintf(out.data(), out.size(), "%06llu", static_cast<unsigned long long>(number));
    return out.data();
}

bool is_id(std::string_view name) { return name.size() >= 6 && name.size() <= 12 && parse_u64(name).has_value(); }

/// The millionth comes after the one before.
bool comes_before(std::string_view a, std::string_view b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

}  // namespace

// --- SessionLog ---

Status SessionLog::begin(const SessionRecord& record) { return journal_.append(k_begin, begin_payload(record)); }
Status SessionLog::phase(Phase phase) { return journal_.append(k_phase, phase_payload(phase)); }
Status SessionLog::package(const SessionRecord& record) { return journal_.append(k_package, package_payload(record)); }
Status SessionLog::plan(const SessionRecord& record) { return journal_.append(k_plan, plan_payload(record)); }
Status SessionLog::transfer(const TransferView& view) { return journal_.append(k_transfer, transfer_payload(view)); }
Status SessionLog::trial() { return journal_.append(k_trial, "{}"); }
Status SessionLog::postponed(const SessionRecord& record) {
    return journal_.append(k_postponed, postponed_payload(record));
}
Status SessionLog::resumed() { return journal_.append(k_resumed, "{}"); }
Status SessionLog::intent(unsigned n) { return journal_.append(k_intent, intent_payload(n)); }
Status SessionLog::done(const work::StepRecord& step) { return journal_.append(k_step, step_payload(step)); }

Status SessionLog::verdict(const SessionRecord& record, ReportStage stage) {
    return journal_.append(k_verdict, verdict_payload(record, stage));
}

Status SessionLog::end(const SessionRecord& record) { return journal_.append(k_end, end_payload(record)); }

// --- Store ---

std::string Store::download_directory(const std::string& id, std::size_t number) const {
    return paths_.download(id, number);
}

Result<std::vector<std::string>> Store::list() const {
    auto names = files_.list(paths_.sessions());
    if (!names.ok()) {
        return names.error().is(errors::AgentCode::file_not_found)
                   ? Result<std::vector<std::string>>(std::vector<std::string>{})
                   : std::move(names);
    }
    std::vector<std::string> ids;
    for (std::string& name : *names) {
        if (is_id(name)) {
            ids.insert(std::upper_bound(ids.begin(), ids.end(), name, comes_before), std::move(name));
        }
    }
    return ids;
}

/// The folder's name is made durable before its journal is begun: a journal in a folder that a power cut takes away
/// would be none.
Result<SessionLog> Store::create(SessionRecord& record) {
    const auto ids = TRY(list());
    const std::uint64_t last = ids.empty() ? 0 : parse_u64(ids.back()).value_or(0);
    record.id = numbered(last + 1);
    TRY(files_.make_directories(paths_.package(record.id), 0700));
    TRY(files_.sync_directory(paths_.sessions()));
    auto log = TRY(reopen(record.id));
    TRY(log.begin(record));
    return log;
}

Result<SessionLog> Store::reopen(const std::string& id) {
    return SessionLog(TRY(journal::Journal::open(files_, paths_.journal(id))), paths_.session(id));
}

struct Store::Opened {
    Stored stored;
    std::vector<journal::Record> records;
    WallTime modified;
    std::optional<Error> damage;  // of one of the two copies
    bool lost = false;            // of both: what is missing nobody knows

    [[nodiscard]] bool undecided() const { return !stored.verdict && !stored.record.ended; }

    /// What became of a session of which something is lost. Where nobody had decided yet it has failed: a step may have
    /// been done that nobody remembers.
    void note_loss(WallTime now) {
        SessionRecord& record = stored.record;
        if (!stored.begun) {
            record.started = modified;
            record.job.name = "unknown";
        }
        auto result = error_result(*damage, errors::AgentCode::corrupt_journal);
        if (undecided()) {
            record.phase = Phase::completed;
            record.ended = now;
            result.context += "; it is not known whether the job was done, and it is not done again";
        } else {
            result.status = errors::Severity::warning;
        }
        record.results.push_back(std::move(result));
    }
};

/// Only a name that is an id is looked at: ids come from the status page and the command line, and must not lead to
/// another file.
Result<Store::Opened> Store::read(const std::string& id) const {
    const auto path = paths_.journal(id);
    auto loaded = is_id(id) ? TRY(journal::load(files_, path)) : journal::Loaded();
    if (!loaded.exists) {
        return error(errors::AgentCode::session_not_found, id);
    }
    Opened out;
    if (const auto info = TRY(files_.info(path))) {
        out.modified = info->modified;
    }
    out.lost = loaded.found.lost;
    out.damage = std::move(loaded.damage);
    if (out.lost && !out.damage) {
        out.damage = error(errors::AgentCode::corrupt_journal, {path, ": something is lost"});
    }
    out.stored.record.id = id;
    for (const auto& entry : loaded.found.records) {
        apply(entry, out.stored);
    }
    show_steps(out.stored);
    out.records = std::move(loaded.found.records);
    return out;
}

Result<Stored> Store::load(const std::string& id) const {
    auto opened = TRY(read(id));
    return opened.lost ? Result<Stored>(std::move(*opened.damage)) : std::move(opened.stored);
}

Result<SessionRecord> Store::shown(const std::string& id) const {
    auto opened = TRY(read(id));
    if (opened.lost) {
        opened.note_loss(opened.modified);
    }
    return std::move(opened.stored.record);
}

/// A begin record is made where none can be read: without one the session would count as never begun, and prune() would
/// remove what support has to see.
Result<std::optional<Error>> Store::mend(const std::string& id, WallTime now) {
    auto opened = TRY(read(id));
    if (!opened.damage) {
        return std::optional<Error>();
    }
    auto journal = TRY(journal::Journal::open(files_, paths_.journal(id)));
    if (opened.lost) {
        const auto& record = opened.stored.record;
        const bool ended = record.ended.has_value();
        const auto stage = opened.undecided() ? ReportStage::failure : opened.stored.verdict;
        opened.note_loss(now);
        std::erase_if(opened.records, [](const auto& entry) { return entry.type == journal::k_gap; });
        if (!opened.stored.begun) {
            opened.records.insert(opened.records.begin(), {k_begin, begin_payload(record)});
        }
        if (stage && !ended) {
            opened.records.push_back({k_verdict, verdict_payload(record, *stage)});
        }
        if (ended || !opened.stored.begun) {
            opened.records.push_back({k_end, end_payload(record)});
        }
        TRY(journal.rewrite(opened.records));
    } else if (journal.unwritable()) {
        return *journal.unwritable();
    }
    return std::move(opened.damage);
}

/// What was damaged before a session ended does not matter any more, but for its job.
Result<Store::Memory> Store::memory() const {
    Memory out;
    const auto ids = TRY(list());
    for (const auto& id : ids) {
        const auto stored = load(id);
        if (!stored.ok() || !stored->begun || stored->record.job.id.empty()) {
            out.nameless = out.nameless || !stored.ok() || stored->begun;
            continue;
        }
        const SessionRecord& record = stored->record;
        std::optional<Report> final;
        if (record.ended) {
            const auto stage = stored->verdict.value_or(record.failed() ? ReportStage::failure : ReportStage::success);
            final = report_of(record, stage, final_messages(record));
        }
        out.jobs.push_back({record.job, std::move(final)});
    }
    out.complete = !out.nameless && ids.size() < limits::k_kept_sessions;
    return out;
}

Status Store::drop_downloads(const std::string& id) {
    auto names = files_.list(paths_.downloads());
    if (!names.ok()) {
        return names.error().is(errors::AgentCode::file_not_found) ? Status() : Status(std::move(names).error());
    }
    for (const auto& name : *names) {
        if (name.starts_with(id + "-")) {
            TRY(files_.remove_tree(concat({paths_.downloads(), "/", name})));
        }
    }
    return {};
}

Status Store::drop_looks() {
    for (const std::string& folder : {paths_.sessions(), paths_.downloads()}) {
        const auto names = files_.list(folder);
        for (const auto& name : names.ok() ? *names : std::vector<std::string>{}) {
            TRY(name.starts_with(k_look) ? files_.remove_tree(concat({folder, "/", name})) : Status());
        }
    }
    return {};
}

/// Downloads are looked at for ended sessions as well: the power may have gone between the end and their removal.
Status Store::prune() {
    const auto ids = TRY(list());
    std::vector<std::string> finished;  // oldest first
    std::size_t left = ids.size();
    for (const auto& id : ids) {
        const auto stored = load(id);
        const bool never_begun = stored.ok() ? !stored->begun : stored.error().is(errors::AgentCode::session_not_found);
        if (never_begun) {
            TRY(drop_downloads(id));
            TRY(files_.remove_tree(paths_.session(id)));
            --left;
        } else if (stored.ok() && stored->record.ended) {
            TRY(drop_downloads(id));
            finished.push_back(id);
        }
    }
    for (const auto& id : finished) {
        if (left > limits::k_kept_sessions) {
            TRY(files_.remove_tree(paths_.session(id)));
            --left;
        }
    }
    return {};
}

}  // namespace hagent::session
