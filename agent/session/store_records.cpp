// SPDX-License-Identifier: Apache-2.0
// Owns the members of each record's JSON object.
#include "agent/session/store_records.h"

#include <algorithm>
#include <concepts>
#include <limits>

#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/number.h"

namespace hagent::session {
namespace {

// --- values to JSON ---

/// The payload of a record: the members that `members` writes.
template <class Members>
std::string payload(const Members& members) {
    JsonWriter json;
    json.begin_object();
    members(json);
    json.end_object();
    return json.take();
}

void write(JsonWriter& json, const std::vector<TaskResult>& results) {
    json.begin_array("results");
    for (const auto& r : results) {
        json.begin_object();
        json.member("protocol", static_cast<unsigned>(r.id.protocol));
        json.member("code", r.id.number);
        json.member("status", static_cast<unsigned>(r.status));
        json.member("info", r.info);
        json.member("context", r.context);
        if (r.native) {
            json.member("native_protocol", static_cast<unsigned>(r.native->protocol));
            json.member("native_number", r.native->number);
        }
        json.end_object();
    }
    json.end_array();
}

void write(JsonWriter& json, const Artifact& artifact) {
    json.begin_object();
    json.member("path", artifact.path);
    json.member("url", artifact.url);
    if (artifact.bytes) {
        json.member("bytes", *artifact.bytes);
    }
    json.member("sha256", artifact.sha256);
    json.member("sha1", artifact.sha1);
    json.end_object();
}

void write(JsonWriter& json, const SignedPackage& package) {
    json.begin_object("signed");
    json.member("base_url", package.base_url);
    json.member("allow_unsigned", package.allow_unsigned);
    json.member("manifest_sha256", package.manifest_sha256);
    json.begin_array("artifacts");
    for (const auto& artifact : package.artifacts) {
        write(json, artifact);
    }
    json.end_array();
    json.end_object();
}

/// Without the logins: nothing secret is ever written, so a restart waits for the next offer.
void write(JsonWriter& json, const WireScript& wire) {
    json.begin_object("wire");
    json.member("commands", wire.commands);
    json.member("limit", wire.limit_bytes_per_s);
    json.begin_array("repositories");
    for (const auto& repository : wire.repositories) {
        json.value(repository.url);
    }
    json.end_array();
    json.end_object();
}

void write(JsonWriter& json, const LocalFolder& local) {
    json.begin_object("local");
    json.member("directory", local.directory);
    json.member("entry", local.entry);
    json.end_object();
}

void write(JsonWriter& json, const Job& job) {
    json.begin_object("job");
    json.member("id", job.id);
    json.member("kind", to_string(job.kind));
    json.member("kind_of_manifest", job.kind_of_manifest);
    json.member("name", job.name);
    json.member("version", job.version);
    json.member("execute", job.execute);
    json.member("forced", job.forced);
    json.member("relocation", job.relocation);
    json.begin_array("options");
    for (const auto& [name, value] : job.options) {
        json.begin_object();
        json.member("name", name);
        json.member("value", value);
        json.end_object();
    }
    json.end_array();
    std::visit([&](const auto& source) { write(json, source); }, job.source);
    json.end_object();
}

void write_end(JsonWriter& json, const SessionRecord& record) {
    json.member("phase", static_cast<unsigned>(record.phase));
    json.member("ended", record.ended.value_or(WallTime{}).since_epoch.count());
    json.member("bytes", record.progress.bytes);
    json.member("total", record.progress.total);
    write(json, record.results);
}

void write_plan(JsonWriter& json, const SessionRecord& record) {
    json.begin_array("steps");
    for (const auto& step : record.steps) {
        json.begin_object();
        json.member("n", step.n);
        json.member("line", step.line);
        json.member("op", step.op);
        json.member("effect", step.effect);
        json.end_object();
    }
    json.end_array();
    json.begin_array("disk");
    for (const auto& volume : record.disk) {
        json.begin_object();
        json.member("volume", volume.volume);
        json.member("type", static_cast<unsigned>(volume.type));
        json.member("state", static_cast<unsigned>(volume.state));
        json.member("before_bytes", volume.before_bytes);
        json.member("after_bytes", volume.after_bytes);
        json.end_object();
    }
    json.end_array();
    json.member("reboots", record.reboots);
}

// --- JSON to values: a journal was written by us and its records carry a CRC, so odd members are just left out ---

std::string text(JsonView from, std::string_view key) { return std::string(from.find(key).text().value_or("")); }
bool flag(JsonView from, std::string_view key, bool otherwise) { return from.find(key).boolean().value_or(otherwise); }

template <std::unsigned_integral T = std::uint64_t>
T number(JsonView from, std::string_view key, T otherwise = 0) {
    return static_cast<T>(from.find(key).whole(std::numeric_limits<T>::max()).value_or(otherwise));
}

WallTime time(JsonView from, std::string_view key) { return {Millis{from.find(key).integer().value_or(0)}}; }

std::vector<TaskResult> results_from(JsonView from) {
    std::vector<TaskResult> out;
    for (const JsonView entry : from.find("results")) {
        TaskResult r;
        r.id = {static_cast<errors::Protocol>(number(entry, "protocol", 6U)), number<std::uint16_t>(entry, "code")};
        r.status = static_cast<errors::Severity>(number(entry, "status", 4U));
        r.info = number<std::uint64_t>(entry, "info", 1);
        r.context = text(entry, "context");
        if (entry.find("native_number").exists()) {
            r.native = errors::Id{static_cast<errors::Protocol>(number(entry, "native_protocol", 0U)),
                                  number<std::uint16_t>(entry, "native_number")};
        }
        out.push_back(std::move(r));
    }
    return out;
}

PackageSource source_from(JsonView from) {
    if (const JsonView local = from.find("local"); local.exists()) {
        return LocalFolder{text(local, "directory"), text(local, "entry")};
    }
    if (const JsonView wire = from.find("wire"); wire.exists()) {
        WireScript source{text(wire, "commands"), {}, number(wire, "limit")};
        for (const JsonView url : wire.find("repositories")) {
            source.repositories.push_back({std::string(url.text().value_or("")), {}, {}});
        }
        return source;
    }
    const JsonView package = from.find("signed");
    SignedPackage source{
        {}, text(package, "base_url"), flag(package, "allow_unsigned", false), text(package, "manifest_sha256")};
    for (const JsonView entry : package.find("artifacts")) {
        source.artifacts.push_back({text(entry, "path"), text(entry, "url"), entry.find("bytes").whole(),
                                    text(entry, "sha256"), text(entry, "sha1")});
    }
    return source;
}

Job job_from(JsonView from) {
    Job job;
    job.id = text(from, "id");
    job.kind = job_kind(text(from, "kind")).value_or(JobKind::script);
    job.kind_of_manifest = flag(from, "kind_of_manifest", false);
    job.name = text(from, "name");
    job.version = text(from, "version");
    job.execute = flag(from, "execute", true);
    job.forced = flag(from, "forced", true);
    job.relocation = text(from, "relocation");
    for (const JsonView entry : from.find("options")) {
        job.options.emplace_back(text(entry, "name"), text(entry, "value"));
    }
    job.source = source_from(from);
    return job;
}

work::StepState state_from(JsonView from) {
    const auto state = number(from, "state", 0U);
    return state <= static_cast<unsigned>(work::StepState::skipped) ? static_cast<work::StepState>(state)
                                                                    : work::StepState::pending;
}

void plan_from(JsonView from, SessionRecord& record) {
    for (const JsonView entry : from.find("steps")) {
        StepView step;
        step.n = number<unsigned>(entry, "n");
        step.line = number<unsigned>(entry, "line");
        step.op = text(entry, "op");
        step.effect = text(entry, "effect");
        record.steps.push_back(std::move(step));
    }
    for (const JsonView entry : from.find("disk")) {
        work::VolumeImpact volume;
        volume.volume = text(entry, "volume");
        volume.type = static_cast<platform::VolumeType>(number(entry, "type", 0U));
        volume.state = static_cast<work::VolumeState>(number(entry, "state", 0U));
        volume.before_bytes = number(entry, "before_bytes");
        volume.after_bytes = number(entry, "after_bytes");
        record.disk.push_back(std::move(volume));
    }
    record.reboots = number<unsigned>(from, "reboots");
}

/// The last record of a step counts, wherever an earlier one of it stands.
work::StepRecord& step_entry(std::vector<work::StepRecord>& steps, unsigned n) {
    const auto found = std::find_if(steps.begin(), steps.end(), [n](const auto& s) { return s.n == n; });
    if (found != steps.end()) {
        return *found;
    }
    work::StepRecord step;
    step.n = n;
    steps.push_back(std::move(step));
    return steps.back();
}

/// Only complete ones are written, so the total is what has come.
TransferView transfer_from(JsonView from) {
    TransferView view;
    view.file = text(from, "file");
    view.url = text(from, "url");
    view.bytes = number(from, "bytes");
    view.total = view.bytes;
    view.attempts = number<unsigned>(from, "attempts");
    view.state = TransferState::done;
    for (const JsonView offset : from.find("resumed_at")) {
        if (const auto at = offset.whole()) {
            view.resumed_at.push_back(*at);
        }
    }
    return view;
}

void apply_step(JsonView from, std::vector<work::StepRecord>& steps) {
    auto& step = step_entry(steps, number<unsigned>(from, "n"));
    step.state = state_from(from);
    step.results = results_from(from);
    step.output = text(from, "output");
    step.boot_id = text(from, "boot_id");
    step.in_flight_before = false;
}

void end_from(JsonView from, SessionRecord& record) {
    record.phase = phase_from_number(number(from, "phase")).value_or(Phase::completed);
    record.results = results_from(from);
    record.progress = {number(from, "bytes"), number(from, "total"), 0, {}};
}

/// What this try was begun with binds the next one to nothing.
void postponed_from(JsonView from, SessionRecord& record) {
    record.tries = number<unsigned>(from, "tries");
    record.try_again = time(from, "at");
    record.results = results_from(from);
    record.package_sha256.clear();
}

}  // namespace

std::string begin_payload(const SessionRecord& record) {
    return payload([&](JsonWriter& json) {
        json.member("id", record.id);
        json.member("started", record.started.since_epoch.count());
        write(json, record.job);
    });
}

std::string phase_payload(Phase phase) {
    return payload([&](JsonWriter& json) { json.member("phase", static_cast<unsigned>(phase)); });
}

std::string package_payload(const SessionRecord& record) {
    return payload([&](JsonWriter& json) {
        json.member("package", record.package);
        json.member("version", record.version);
        json.member("serial", record.serial);
        json.member("signer", record.signer);
        json.member("sha256", record.package_sha256);
        json.member("kind", to_string(record.job.kind));
    });
}

std::string plan_payload(const SessionRecord& record) {
    return payload([&](JsonWriter& json) { write_plan(json, record); });
}

std::string postponed_payload(const SessionRecord& record) {
    return payload([&](JsonWriter& json) {
        json.member("tries", record.tries);
        json.member("at", record.try_again.value_or(WallTime{}).since_epoch.count());
        write(json, record.results);
    });
}

std::string transfer_payload(const TransferView& view) {
    return payload([&](JsonWriter& json) {
        json.member("file", view.file);
        json.member("url", view.url);
        json.member("bytes", view.bytes);
        json.member("attempts", view.attempts);
        json.begin_array("resumed_at");
        for (const auto offset : view.resumed_at) {
            json.value(offset);
        }
        json.end_array();
    });
}

std::string intent_payload(unsigned n) {
    return payload([&](JsonWriter& json) { json.member("n", n); });
}

std::string step_payload(const work::StepRecord& step) {
    return payload([&](JsonWriter& json) {
        json.member("n", step.n);
        json.member("state", static_cast<unsigned>(step.state));
        write(json, step.results);
        json.member("output", step.output);
        json.member("boot_id", step.boot_id);
    });
}

std::string verdict_payload(const SessionRecord& record, ReportStage stage) {
    return payload([&](JsonWriter& json) {
        write_end(json, record);
        json.member("stage", static_cast<unsigned>(stage));
    });
}

std::string end_payload(const SessionRecord& record) {
    return payload([&](JsonWriter& json) { write_end(json, record); });
}

void apply(const journal::Record& entry, Stored& stored) {
    const JsonDocument document(entry.payload);
    const JsonView value = document.root();
    if (!value.is_object()) {
        return;
    }
    SessionRecord& record = stored.record;
    switch (static_cast<RecordType>(entry.type)) {
        // comes again when the job was offered again: the later one counts
        case k_begin:
            stored.begun = true;
            record.started = time(value, "started");
            record.take_job(job_from(value.find("job")));
            break;
        case k_phase:
            record.phase = phase_from_number(number(value, "phase")).value_or(record.phase);
            // once the device may have changed that stays so; a rest ends with the next phase
            stored.executing = stored.executing || is_executing(record.phase);
            stored.suspended = record.phase == Phase::suspended;
            record.try_again.reset();
            break;
        case k_postponed: postponed_from(value, record); break;
        case k_package:
            record.package = text(value, "package");
            record.version = text(value, "version");
            record.signer = text(value, "signer");
            record.package_sha256 = text(value, "sha256");
            record.serial = number(value, "serial");
            record.job.kind = job_kind(text(value, "kind")).value_or(record.job.kind);
            break;
        // each life plans anew; its plan takes the place of the one before
        case k_plan:
            record.steps.clear();
            record.disk.clear();
            plan_from(value, record);
            stored.has_plan = true;
            break;
        case k_resumed: ++record.resumptions; break;
        case k_trial: stored.on_trial = true; break;
        case k_transfer: record.transfers.push_back(transfer_from(value)); break;
        case k_intent: {
            auto& step = step_entry(stored.steps, number<unsigned>(value, "n"));
            step.state = work::StepState::running;
            step.in_flight_before = true;
            break;
        }
        case k_step: apply_step(value, stored.steps); break;
        case k_end:
            record.ended = time(value, "ended");
            end_from(value, record);
            break;
        case k_verdict:
            stored.verdict =
                static_cast<ReportStage>(std::min(number(value, "stage", static_cast<unsigned>(ReportStage::failure)),
                                                  static_cast<unsigned>(ReportStage::cancelled)));
            stored.decided = time(value, "ended");
            end_from(value, record);
            break;
    }
}

}  // namespace hagent::session
