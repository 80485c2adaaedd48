// SPDX-License-Identifier: Apache-2.0
// Owns the queue's records: report added, number acknowledged, finished job.
#include "agent/manager/report_queue.h"

#include <algorithm>
#include <concepts>
#include <iterator>
#include <limits>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/kept.h"
#include "agent/base/limits.h"
#include "agent/base/sort.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"

namespace hagent::manager {
namespace {

using session::Report;
using session::ReportStage;

enum RecordType : std::uint16_t {
    k_report = 1,
    k_acknowledged = 2,
    k_finished = 3,
    k_offered = 4,
    k_sure = 5,
    k_unsure = journal::k_gap
};

constexpr std::uint64_t k_compact_at_bytes = 256U << 10U;
constexpr std::size_t k_remembered_message_bytes = 200;
constexpr std::size_t k_contents = limits::k_finished_jobs + limits::k_queued_jobs;

std::string to_payload(std::uint64_t number, const Report& report) {
    JsonWriter json;
    json.begin_object();
    json.member("number", number);
    json.member("job", report.job_id);
    json.member("stage", static_cast<unsigned>(report.stage));
    json.member("messages", report.messages);
    json.member("done", report.done);
    json.member("of", report.of);
    if (report.held) {
        json.member("held", true);
    }
    json.end_object();
    return json.take();
}

std::string to_payload(const std::string& job_id, const std::string& content) {
    JsonWriter json;
    json.begin_object();
    json.member("job", job_id);
    json.member("content", content);
    json.end_object();
    return json.take();
}

/// 0 for anything but a number of the type's range.
template <std::unsigned_integral T>
T number_in(JsonView value, std::string_view name) {
    return static_cast<T>(value.find(name).whole(std::numeric_limits<T>::max()).value_or(0));
}

std::optional<ReportQueue::Waiting> from_payload(JsonView value) {
    const auto job = value.find("job").text();
    const auto stage = number_in<unsigned>(value, "stage");
    if (!job || stage > static_cast<unsigned>(ReportStage::cancelled)) {
        return std::nullopt;
    }
    ReportQueue::Waiting entry;
    entry.number = number_in<std::uint64_t>(value, "number");
    entry.report.job_id = *job;
    entry.report.stage = static_cast<ReportStage>(stage);
    entry.report.done = number_in<std::uint32_t>(value, "done");
    entry.report.of = number_in<std::uint32_t>(value, "of");
    entry.report.held = value.find("held").boolean().value_or(false);
    for (const JsonView message : value.find("messages")) {
        entry.report.messages.emplace_back(message.text().value_or(""));
    }
    return entry;
}

/// The last messages win: a reader wants to know how it went on.
void bound_messages(std::vector<std::string>& messages) {
    if (messages.size() > limits::k_report_messages) {
        messages.erase(messages.begin(), messages.end() - static_cast<std::ptrdiff_t>(limits::k_report_messages));
    }
    for (auto& message : messages) {
        message.resize(clip(message, limits::k_report_message_bytes).size());
    }
}

/// One report of both: the newer one's news behind all that was said.
Report join(const Report& older, Report newer) {
    newer.messages.insert(newer.messages.begin(), older.messages.begin(), older.messages.end());
    return newer;
}

}  // namespace

std::string content_of(const session::Job& job) {
    const auto* package = std::get_if<session::SignedPackage>(&job.source);
    if (package != nullptr && !package->base_url.empty()) {
        return "folder";  // there an id stands for one job for ever
    }
    std::vector<std::string> parts;
    for (const auto& artifact : package != nullptr ? package->artifacts : std::vector<session::Artifact>()) {
        parts.push_back(artifact.path + '\n' + std::to_string(artifact.bytes.value_or(0)) + '\n' + artifact.sha256 +
                        artifact.sha1 + '\n');
    }
    sort_all(parts);
    const auto* wire = std::get_if<session::WireScript>(&job.source);
    std::string text =
        parts.empty() ? concat({job.name, "\n", job.version, wire != nullptr ? wire->commands : ""}) : std::string();
    for (const auto& part : parts) {
        text += part;
    }
    return trust::sha256_hex(text).substr(0, 16);
}

Result<std::unique_ptr<ReportQueue>> ReportQueue::open(platform::Files& files, const std::string& path) {
    // within the `new` below its failure would leak the memory
    const bool fresh = !TRY(files.info(path)) && !TRY(files.info(copy_path(path)));
    auto journal = TRY(journal::Journal::open(files, path));
    auto queue = std::unique_ptr<ReportQueue>(new ReportQueue(std::move(journal), fresh));
    queue->replay(queue->journal_.take_records());
    if (const auto& damage = queue->journal_.damage()) {
        queue->damage_.push_back(damage->context);
    }
    return queue;
}

Result<std::size_t> ReportQueue::count(platform::Files& files, const std::string& path) {
    std::vector<std::uint64_t> waiting;
    for (const auto& record : TRY(journal::load(files, path)).found.records) {
        const JsonDocument document(record.payload);
        const auto number = number_in<std::uint64_t>(document.root(), "number");
        if (record.type == k_report) {
            waiting.push_back(number);
        } else if (record.type == k_acknowledged) {
            std::erase(waiting, number);
        }
    }
    return waiting.size();
}

/// In the order in which it was written, so that the rules give the same as the first time. A record that makes no
/// sense is passed over: the others are worth more.
void ReportQueue::replay(const std::vector<journal::Record>& records) {
    for (const auto& record : records) {
        if (record.type == k_unsure || record.type == k_sure) {
            unsure_ = record.type == k_unsure;
            continue;
        }
        const JsonDocument document(record.payload);
        auto entry = from_payload(document.root());
        if (!entry) {
            continue;
        }
        last_number_ = std::max(last_number_, entry->number);
        switch (static_cast<RecordType>(record.type)) {
            case k_report: waiting_.push_back(*entry); [[fallthrough]];
            case k_finished: remember(std::move(entry->report)); break;
            case k_acknowledged:
                std::erase_if(waiting_, [&](const Waiting& w) { return w.number == entry->number; });
                break;
            case k_offered:
                (void)note_content(entry->report.job_id,
                                   std::string(document.root().find("content").text().value_or("")));
                break;
            case k_sure:
            case k_unsure: break;
        }
    }
    compact_at_ = std::max(k_compact_at_bytes, journal_.bytes() + 1);
}

/// A final is durable here before the end of its session is, so a session that has ended and is not known here was
/// known once. One whose id stands for another job by now is none of ours any more.
Status ReportQueue::restore(const session::Store::Remembered& job) {
    const std::string content = content_of(job.job);
    const auto known =
        std::find_if(contents_.begin(), contents_.end(), [&](const auto& c) { return c.first == job.job.id; });
    if (!job.final || job.job.id.starts_with(session::k_local_job) || has_finished(job.job.id) ||
        (known != contents_.end() && known->second != content)) {
        return {};
    }
    damage_.push_back(concat({"the result of job ", job.job.id, " was missing; it is sent again"}));
    if (note_content(job.job.id, content)) {
        TRY(append(k_offered, to_payload(job.job.id, content)));
    }
    return enqueue(*job.final);
}

Status ReportQueue::recover(const session::Store::Memory& memory, bool sessions_damaged) {
    const std::lock_guard lock(mutex_);
    for (const auto& job : memory.jobs) {
        if (!job.job.id.starts_with(session::k_local_job)) {
            in_sessions_.push_back(job.job.id);
        }
    }
    const bool forgets = unsure_ || (fresh_ && !in_sessions_.empty()) || (sessions_damaged && memory.nameless);
    if (forgets && !memory.complete) {
        unsure_ = true;
        damage_.emplace_back("jobs may have been done here of which nobody knows");
        TRY(append(k_unsure, {}));
    } else if (unsure_) {
        unsure_ = false;
        TRY(append(k_sure, {}));
    }
    for (const auto& job : memory.jobs) {
        TRY(restore(job));
    }
    return {};
}

Status ReportQueue::all_offered() {
    const std::lock_guard lock(mutex_);
    if (!unsure_ || std::exchange(untold_, false)) {
        return {};
    }
    TRY(append(k_sure, {}));
    unsure_ = false;
    return {};
}

std::optional<Error> ReportQueue::unwritable() const {
    const std::lock_guard lock(mutex_);
    return journal_.unwritable();
}

bool ReportQueue::has_finished(const std::string& job_id) const {
    return std::any_of(finished_.begin(), finished_.end(), [&](const Report& other) { return other.job_id == job_id; });
}

/// With its last message only: many jobs are remembered, for as long as a manager may offer them again.
void ReportQueue::remember(Report report) {
    if (!report.final() || has_finished(report.job_id)) {
        return;
    }
    if (report.messages.size() > 1) {
        report.messages.erase(report.messages.begin(), report.messages.end() - 1);
    }
    if (!report.messages.empty()) {
        report.messages.front().resize(clip(report.messages.front(), k_remembered_message_bytes).size());
    }
    finished_.push_back(std::move(report));
    if (finished_.size() > limits::k_finished_jobs) {
        finished_.erase(finished_.begin());
    }
}

/// What is still offered is forgotten last.
void ReportQueue::touch(const std::string& job_id) {
    const auto found =
        std::find_if(finished_.begin(), finished_.end(), [&](const Report& r) { return r.job_id == job_id; });
    if (found != finished_.end()) {
        Report report = std::move(*found);
        finished_.erase(found);
        finished_.push_back(std::move(report));
    }
    const auto known =
        std::find_if(contents_.begin(), contents_.end(), [&](const auto& c) { return c.first == job_id; });
    if (known != contents_.end()) {
        auto content = std::move(*known);
        contents_.erase(known);
        contents_.push_back(std::move(content));
    }
}

/// False when it was known already.
bool ReportQueue::note_content(const std::string& job_id, const std::string& content) {
    const auto known =
        std::find_if(contents_.begin(), contents_.end(), [&](const auto& c) { return c.first == job_id; });
    if (known != contents_.end() && known->second == content) {
        return false;
    }
    if (known != contents_.end()) {
        contents_.erase(known);
        std::erase_if(finished_, [&](const Report& r) { return r.job_id == job_id; });
        std::erase_if(waiting_, [&](const Waiting& w) { return w.report.job_id == job_id; });
    }
    contents_.emplace_back(job_id, content);
    if (contents_.size() > k_contents) {
        contents_.erase(contents_.begin());
    }
    return true;
}

/// Compaction writes what memory holds, so memory and journal must agree whenever this is called.
Status ReportQueue::append(std::uint16_t type, const std::string& payload) {
    if (journal_.bytes() + payload.size() > compact_at_) {
        TRY(compact());
    }
    return journal_.append(type, payload);
}

/// The limit grows with what is left: a queue that is long because the manager is away must not be written anew with
/// every report.
Status ReportQueue::compact() {
    std::vector<journal::Record> records;
    if (unsure_) {
        records.push_back({k_unsure, {}});
    }
    for (const auto& [job_id, content] : contents_) {
        records.push_back({k_offered, to_payload(job_id, content)});
    }
    for (const auto& report : finished_) {
        records.push_back({k_finished, to_payload(0, report)});
    }
    records.push_back({k_acknowledged, to_payload(last_number_, {})});  // numbers go on growing
    for (const auto& entry : waiting_) {
        records.push_back({k_report, to_payload(entry.number, entry.report)});
    }
    TRY(journal_.rewrite(records));
    compact_at_ = std::max(k_compact_at_bytes, 2 * journal_.bytes());
    return {};
}

/// The journal first, so that an error leaves the report waiting in both.
Status ReportQueue::drop(std::uint64_t number) {
    TRY(append(k_acknowledged, to_payload(number, {})));
    std::erase_if(waiting_, [number](const Waiting& w) { return w.number == number; });
    return {};
}

Status ReportQueue::add(const Report& report) {
    const std::lock_guard lock(mutex_);
    if (has_finished(report.job_id)) {
        return {};
    }
    const auto older = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
        return w.report.job_id == report.job_id && w.number != on_its_way_;
    });
    return older == waiting_.end() ? enqueue(report) : enqueue(join(older->report, report), {older->number});
}

/// The report waits behind all others. It takes the place of those that it was joined from.
Status ReportQueue::enqueue(Report report, const std::vector<std::uint64_t>& instead_of) {
    bound_messages(report.messages);
    const Waiting entry{last_number_ + 1, std::move(report)};
    TRY(append(k_report, to_payload(entry.number, entry.report)));
    last_number_ = entry.number;
    remember(entry.report);
    waiting_.push_back(entry);
    // The new report is safe. Should this fail, or the power go now, the older one is told once more.
    for (const auto number : instead_of) {
        TRY(drop(number));
    }
    return {};
}

std::optional<ReportQueue::Waiting> ReportQueue::begin_delivery() {
    const std::lock_guard lock(mutex_);
    on_its_way_ = waiting_.empty() ? 0 : waiting_.front().number;
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front());
}

Status ReportQueue::acknowledge(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    on_its_way_ = 0;
    return drop(number);
}

/// Should the joining not be written, both go on waiting, and it is tried again the next time.
void ReportQueue::put_back() {
    const std::lock_guard lock(mutex_);
    const auto number = std::exchange(on_its_way_, 0);
    const auto older =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.number == number; });
    if (older == waiting_.end()) {
        return;
    }
    const auto newer = std::find_if(std::next(older), waiting_.end(),
                                    [&](const Waiting& w) { return w.report.job_id == older->report.job_id; });
    if (newer != waiting_.end()) {
        (void)enqueue(join(older->report, newer->report), {older->number, newer->number});
    }
}

Result<bool> ReportQueue::offered(const std::string& job_id, const std::string& content) {
    const std::lock_guard lock(mutex_);
    const bool news = note_content(job_id, content);
    const Status noted = news ? append(k_offered, to_payload(job_id, content)) : Status();
    touch(job_id);
    if (unsure_ && !has_finished(job_id) &&
        std::find(in_sessions_.begin(), in_sessions_.end(), job_id) == in_sessions_.end()) {
        tell_unknown(job_id);
        return true;
    }
    return noted.ok() ? Result<bool>(has_finished(job_id)) : Result<bool>(noted.error());
}

/// Should this not be written, the job is not begun either, and it is tried again.
void ReportQueue::tell_unknown(const std::string& job_id) {
    const auto told =
        enqueue({job_id,
                 ReportStage::failure,
                 {"what this device knew of its jobs was damaged: it is not known whether this one was done, and it is "
                  "not done again",
                  "what to do: see how the device is, then order the job under a new id"},
                 0,
                 0});
    untold_ = untold_ || !told.ok();
}

std::optional<Report> ReportQueue::finished(const std::string& job_id) const {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(finished_.begin(), finished_.end(), [&](const Report& r) { return r.job_id == job_id; });
    return found == finished_.end() ? std::nullopt : std::optional(*found);
}

/// Where a report of the job waits already nothing is added: the manager hears of it with that one.
Status ReportQueue::repeat(const std::string& job_id) {
    const auto report = finished(job_id);
    const std::lock_guard lock(mutex_);
    const bool waits =
        std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.report.job_id == job_id; });
    if (!report || waits) {
        return {};
    }
    return enqueue(*report);
}

/// Reports of theirs that wait go as well: read again at the next start they would end the jobs anew.
Status ReportQueue::forget(const std::vector<std::string>& job_ids) {
    const std::lock_guard lock(mutex_);
    const auto is_meant = [&](const Report& report) {
        return report.final() && std::find(job_ids.begin(), job_ids.end(), report.job_id) != job_ids.end();
    };
    std::erase_if(finished_, is_meant);
    std::erase_if(waiting_, [&](const Waiting& w) { return is_meant(w.report); });
    return compact();
}

std::size_t ReportQueue::size() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

}  // namespace hagent::manager
