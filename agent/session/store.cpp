// SPDX-License-Identifier: Apache-2.0
// Owns the session records' JSON and the folders of sessions.
#include "agent/session/store.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/base/limits.h"
#include "agent/base/number.h"

namespace hagent::session {
namespace {

using nlohmann::json;

enum RecordType : std::uint16_t {
    k_begin = 1, k_phase, k_package, k_plan, k_resumed, k_intent, k_step, k_end, k_verdict, k_transfer
};

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// --- values to JSON ---

json to_json(const std::vector<TaskResult>& results) {
    json out = json::array();
    for (const auto& r : results) {
        json entry = {{"protocol", static_cast<unsigned>(r.id.protocol)},
                      {"code", r.id.number},
                      {"status", static_cast<unsigned>(r.status)},
                      {"info", r.info},
                      {"context", r.context}};
        if (r.native) {
            entry["native_protocol"] = static_cast<unsigned>(r.native->protocol);
            entry["native_number"] = r.native->number;
        }
        out.push_back(std::move(entry));
    }
    return out;
}

json to_json(const Job& job) {
    json artifacts = json::array();
    for (const auto& a : job.artifacts) {
        artifacts.push_back({{"path", a.path}, {"url", a.url}, {"bytes", a.bytes ? json(*a.bytes) : json(nullptr)},
                             {"sha256", a.sha256}, {"sha1", a.sha1}});
    }
    return {{"id", job.id},           {"kind", to_string(job.kind)}, {"name", job.name},
            {"version", job.version}, {"execute", job.execute},      {"forced", job.forced},
            {"base_url", job.base_url},
            {"local", {{"directory", job.local.directory}, {"entry", job.local.entry},
                       {"relocation", job.local.relocation}, {"allow_unsigned", job.local.allow_unsigned}}},
            {"artifacts", std::move(artifacts)}};
}

json begin_of(const SessionRecord& record) {
    return {{"id", record.id}, {"started", record.started.since_epoch.count()}, {"job", to_json(record.job)}};
}

json end_of(const SessionRecord& record) {
    return {{"phase", static_cast<unsigned>(record.phase)},
            {"ended", record.ended.value_or(WallTime{}).since_epoch.count()},
            {"bytes", record.progress.bytes},
            {"total", record.progress.total},
            {"results", to_json(record.results)}};
}

json verdict_of(const SessionRecord& record, ReportStage stage) {
    json value = end_of(record);
    value["stage"] = static_cast<unsigned>(stage);
    return value;
}

// --- JSON to values: a journal was written by us and its records carry a CRC, so odd members are just left out ---

template <class T>
T get(const json& from, const char* key, T otherwise) {
    const auto found = from.find(key);
    if (found == from.end()) {
        return otherwise;
    }
    if constexpr (std::is_same_v<T, bool>) {
        return found->is_boolean() ? found->template get<bool>() : otherwise;
    } else if constexpr (std::is_arithmetic_v<T>) {
        return found->is_number() ? found->template get<T>() : otherwise;
    } else {
        return found->is_string() ? found->template get<T>() : otherwise;
    }
}

std::string text(const json& from, const char* key) { return get(from, key, std::string()); }

const json& member(const json& from, const char* key) {
    static const json k_nothing = json::array();
    const auto found = from.find(key);
    return found == from.end() ? k_nothing : *found;
}

std::vector<TaskResult> results_from(const json& list) {
    std::vector<TaskResult> out;
    for (const auto& entry : list) {
        TaskResult r;
        r.id = {static_cast<errors::Protocol>(get(entry, "protocol", 6U)), get(entry, "code", std::uint16_t{0})};
        r.status = static_cast<errors::Severity>(get(entry, "status", 4U));
        r.info = get(entry, "info", std::uint64_t{1});
        r.context = text(entry, "context");
        if (entry.contains("native_number")) {
            r.native = errors::Id{static_cast<errors::Protocol>(get(entry, "native_protocol", 0U)),
                                  get(entry, "native_number", std::uint16_t{0})};
        }
        out.push_back(std::move(r));
    }
    return out;
}

Job job_from(const json& from) {
    Job job;
    job.id = text(from, "id");
    job.kind = job_kind(text(from, "kind")).value_or(JobKind::script);
    job.name = text(from, "name");
    job.version = text(from, "version");
    job.execute = get(from, "execute", true);
    job.forced = get(from, "forced", true);
    job.base_url = text(from, "base_url");
    const json& local = member(from, "local");
    job.local = {text(local, "directory"), text(local, "entry"), text(local, "relocation"), get(local, "allow_unsigned", false)};
    for (const auto& entry : member(from, "artifacts")) {
        Artifact a{text(entry, "path"), text(entry, "url"), std::nullopt, text(entry, "sha256"), text(entry, "sha1")};
        if (entry.contains("bytes") && entry["bytes"].is_number_unsigned()) {
            a.bytes = entry["bytes"].get<std::uint64_t>();
        }
        job.artifacts.push_back(std::move(a));
    }
    return job;
}

script::StepState state_from(const json& from) {
    const auto number = get(from, "state", 0U);
    return number <= static_cast<unsigned>(script::StepState::skipped) ? static_cast<script::StepState>(number)
                                                                      : script::StepState::pending;
}

void plan_from(const json& from, SessionRecord& record) {
    for (const auto& entry : member(from, "steps")) {
        StepView step;
        step.n = get(entry, "n", 0U);
        step.line = get(entry, "line", 0U);
        step.op = text(entry, "op");
        step.effect = text(entry, "effect");
        record.steps.push_back(std::move(step));
    }
    for (const auto& entry : member(from, "disk")) {
        script::VolumeImpact volume;
        volume.volume = text(entry, "volume");
        volume.type = static_cast<platform::VolumeType>(get(entry, "type", 0U));
        volume.state = static_cast<script::VolumeState>(get(entry, "state", 0U));
        volume.before_bytes = get(entry, "before_bytes", std::uint64_t{0});
        volume.after_bytes = get(entry, "after_bytes", std::uint64_t{0});
        record.disk.push_back(std::move(volume));
    }
    record.reboots = get(from, "reboots", 0U);
}

script::StepRecord& step_entry(std::vector<script::StepRecord>& steps, unsigned n) {
    const auto found = std::find_if(steps.begin(), steps.end(), [n](const auto& s) { return s.n == n; });
    if (found != steps.end()) {
        return *found;
    }
    script::StepRecord step;
    step.n = n;
    steps.push_back(std::move(step));
    return steps.back();
}

TransferView transfer_from(const json& from) {
    TransferView view;
    view.file = text(from, "file");
    view.url = text(from, "url");
    view.bytes = get(from, "bytes", std::uint64_t{0});
    view.total = view.bytes;
    view.attempts = get(from, "attempts", 0U);
    view.state = TransferState::done;
    for (const auto& offset : member(from, "resumed_at")) {
        if (offset.is_number_unsigned()) {
            view.resumed_at.push_back(offset.get<std::uint64_t>());
        }
    }
    return view;
}

void apply_step(const json& from, std::vector<script::StepRecord>& steps) {
    auto& step = step_entry(steps, get(from, "n", 0U));
    step.state = state_from(from);
    step.results = results_from(member(from, "results"));
    step.output = text(from, "output");
    step.boot_id = text(from, "boot_id");
    step.in_flight_before = false;
}

void end_from(const json& from, SessionRecord& record) {
    record.phase = phase_from_number(get(from, "phase", std::uint64_t{0})).value_or(Phase::completed);
    record.results = results_from(member(from, "results"));
    record.progress = {get(from, "bytes", std::uint64_t{0}), get(from, "total", std::uint64_t{0}), 0, {}};
}

void apply(const journal::Record& entry, Stored& stored) {
    const json value = json::parse(entry.payload, nullptr, false);
    if (!value.is_object()) {
        return;
    }
    SessionRecord& record = stored.record;
    switch (static_cast<RecordType>(entry.type)) {
        case k_begin:
            stored.begun = true;
            record.started = {Millis{get(value, "started", std::int64_t{0})}};
            record.job = job_from(member(value, "job"));
            break;
        case k_phase:
            record.phase = phase_from_number(get(value, "phase", std::uint64_t{0})).value_or(record.phase);
            stored.executing = stored.executing || is_executing(record.phase);
            break;
        case k_package:
            record.package = text(value, "package");
            record.version = text(value, "version");
            record.signer = text(value, "signer");
            record.serial = get(value, "serial", std::uint64_t{0});
            break;
        case k_plan:
            record.steps.clear();
            record.disk.clear();
            plan_from(value, record);
            stored.has_plan = true;
            break;
        case k_resumed: ++record.resumptions; break;
        case k_transfer: record.transfers.push_back(transfer_from(value)); break;
        case k_intent: {
            auto& step = step_entry(stored.steps, get(value, "n", 0U));
            step.state = script::StepState::running;
            step.in_flight_before = true;
            break;
        }
        case k_step: apply_step(value, stored.steps); break;
        case k_end:
            record.ended = WallTime{Millis{get(value, "ended", std::int64_t{0})}};
            end_from(value, record);
            break;
        case k_verdict:
            stored.verdict = static_cast<ReportStage>(
                std::min(get(value, "stage", static_cast<unsigned>(ReportStage::failure)), static_cast<unsigned>(ReportStage::cancelled)));
            stored.decided = WallTime{Millis{get(value, "ended", std::int64_t{0})}};
            end_from(value, record);
            break;
    }
}

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

}  // namespace

// --- SessionLog ---

Status SessionLog::begin(const SessionRecord& record) {
    return journal_.append(k_begin, dump(begin_of(record)));
}

Status SessionLog::phase(Phase phase) {
    return journal_.append(k_phase, dump({{"phase", static_cast<unsigned>(phase)}}));
}

Status SessionLog::package(const SessionRecord& record) {
    return journal_.append(k_package, dump({{"package", record.package}, {"version", record.version},
                                            {"serial", record.serial}, {"signer", record.signer}}));
}

Status SessionLog::plan(const SessionRecord& record) {
    json steps = json::array();
    for (const auto& step : record.steps) {
        steps.push_back({{"n", step.n}, {"line", step.line}, {"op", step.op}, {"effect", step.effect}});
    }
    json disk = json::array();
    for (const auto& volume : record.disk) {
        disk.push_back({{"volume", volume.volume}, {"type", static_cast<unsigned>(volume.type)},
                        {"state", static_cast<unsigned>(volume.state)}, {"before_bytes", volume.before_bytes},
                        {"after_bytes", volume.after_bytes}});
    }
    return journal_.append(k_plan, dump({{"steps", std::move(steps)}, {"disk", std::move(disk)}, {"reboots", record.reboots}}));
}

Status SessionLog::transfer(const TransferView& view) {
    return journal_.append(k_transfer, dump({{"file", view.file}, {"url", view.url}, {"bytes", view.bytes},
                                             {"attempts", view.attempts}, {"resumed_at", view.resumed_at}}));
}

Status SessionLog::resumed() { return journal_.append(k_resumed, "{}"); }
Status SessionLog::intent(unsigned n) { return journal_.append(k_intent, dump({{"n", n}})); }

Status SessionLog::done(const script::StepRecord& step) {
    return journal_.append(k_step, dump({{"n", step.n}, {"state", static_cast<unsigned>(step.state)},
                                         {"results", to_json(step.results)}, {"output", step.output},
                                         {"boot_id", step.boot_id}}));
}

Status SessionLog::verdict(const SessionRecord& record, ReportStage stage) {
    return journal_.append(k_verdict, dump(verdict_of(record, stage)));
}

Status SessionLog::end(const SessionRecord& record) { return journal_.append(k_end, dump(end_of(record))); }

// --- Store ---

Store::Store(platform::Files& files, std::string state_directory)
    : files_(files), root_(state_directory + "/sessions"), downloads_(std::move(state_directory) + "/downloads") {}

std::string Store::directory(const std::string& id) const { return root_ + "/" + id; }

std::string Store::download_directory(const std::string& id, std::size_t number) const {
    return downloads_ + "/" + id + "-" + std::to_string(number);
}

Result<std::vector<std::string>> Store::list() const {
    auto names = files_.list(root_);
    if (!names.ok()) {
        return names.error().is(errors::AgentCode::file_not_found) ? Result<std::vector<std::string>>(std::vector<std::string>{})
                                                                   : std::move(names);
    }
    std::erase_if(*names, [](const std::string& name) { return !is_id(name); });
    std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() < b.size() : a < b;  // the millionth comes after the one before
    });
    return names;
}

Result<SessionLog> Store::create(SessionRecord& record) {
    const auto ids = TRY(list());
    const std::uint64_t last = ids.empty() ? 0 : parse_u64(ids.back()).value_or(0);
    record.id = numbered(last + 1);
    TRY(files_.make_directories(directory(record.id) + "/package", 0700));
    TRY(files_.sync_directory(root_));
    auto log = TRY(reopen(record.id));
    TRY(log.begin(record));
    return log;
}

Result<SessionLog> Store::reopen(const std::string& id) {
    return SessionLog(TRY(journal::Journal::open(files_, directory(id) + "/journal")), directory(id));
}

struct Store::Opened {
    Stored stored;
    std::vector<journal::Record> records;  // all before the damage
    std::string bytes;                     // the file
    WallTime modified;
    std::optional<Error> damage;

    /// How a session ends whose journal cannot be trusted.
    void fail(WallTime now) {
        SessionRecord& record = stored.record;
        if (!stored.begun) {
            record.started = modified;
            record.job.name = "unknown";
        }
        record.phase = Phase::completed;
        record.ended = now;
        record.results.push_back(error_result(*damage, errors::AgentCode::corrupt_journal));
    }
};

Result<Store::Opened> Store::read(const std::string& id) const {
    const auto path = directory(id) + "/journal";
    const auto info = is_id(id) ? TRY(files_.info(path)) : std::nullopt;
    if (!info) {
        return error(errors::AgentCode::session_not_found, id);
    }
    Opened out;
    out.modified = info->modified;
    out.bytes = TRY(files_.read(path, limits::k_journal_bytes));
    auto found = journal::replay(out.bytes);
    if (found.tail == journal::Tail::damaged || found.tail == journal::Tail::foreign) {
        out.damage = error(errors::AgentCode::corrupt_journal, path + " at byte " + std::to_string(found.good_bytes));
    }
    out.stored.record.id = id;
    for (const auto& entry : found.records) {
        apply(entry, out.stored);
    }
    show_steps(out.stored);
    out.records = std::move(found.records);
    return out;
}

Result<Stored> Store::load(const std::string& id) const {
    auto opened = TRY(read(id));
    return opened.damage ? Result<Stored>(std::move(*opened.damage)) : std::move(opened.stored);
}

Result<SessionRecord> Store::shown(const std::string& id) const {
    auto opened = TRY(read(id));
    if (opened.damage && !opened.stored.verdict) {
        opened.fail(opened.modified);
    }
    return std::move(opened.stored.record);
}

Status Store::close_damaged(const std::string& id, WallTime now) {
    auto opened = TRY(read(id));
    if (!opened.damage) {
        return {};
    }
    const auto& record = opened.stored.record;
    if (!opened.stored.verdict && !record.ended) {
        opened.fail(now);
        if (!opened.stored.begun) {
            opened.records = {{k_begin, dump(begin_of(record))}};
        }
        opened.records.push_back({k_verdict, dump(verdict_of(record, ReportStage::failure))});
        if (!opened.stored.begun) {
            opened.records.push_back({k_end, dump(end_of(record))});
        }
    }
    std::string bytes(journal::k_magic);
    for (const auto& entry : opened.records) {
        bytes += journal::encode(entry);
    }
    const auto path = directory(id) + "/journal";
    (void)files_.write_durable(path + ".damaged", opened.bytes, 0600);  // for support; a full disk must not stop this
    return files_.write_durable(path, bytes, 0600);
}

Status Store::drop_downloads(const std::string& id) {
    auto names = files_.list(downloads_);
    if (!names.ok()) {
        return names.error().is(errors::AgentCode::file_not_found) ? Status() : Status(std::move(names).error());
    }
    for (const auto& name : *names) {
        if (name.starts_with(id + "-")) {
            TRY(files_.remove_tree(downloads_ + "/" + name));
        }
    }
    return {};
}

Status Store::prune() {
    const auto ids = TRY(list());
    std::vector<std::string> finished;  // oldest first
    std::size_t left = ids.size();
    for (const auto& id : ids) {
        const auto stored = load(id);
        const bool never_begun = stored.ok() ? !stored->begun : stored.error().is(errors::AgentCode::session_not_found);
        if (never_begun) {
            TRY(drop_downloads(id));
            TRY(files_.remove_tree(directory(id)));
            --left;
        } else if (stored.ok() && stored->record.ended) {
            TRY(drop_downloads(id));
            finished.push_back(id);
        }
    }
    for (const auto& id : finished) {
        if (left > limits::k_kept_sessions) {
            TRY(files_.remove_tree(directory(id)));
            --left;
        }
    }
    return {};
}

}  // namespace hagent::session
