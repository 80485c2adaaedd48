// SPDX-License-Identifier: Apache-2.0
// Owns the writing of session JSON.
#include "agent/session/json.h"

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"

namespace hagent::session {
namespace {

std::string sentence(std::string_view cause, std::string_view context) {
    return context.empty() ? std::string(cause) : concat({cause, " [", context, "]"});
}

/// The members of a result's object.
/// `status_name` is written out beside its number, so that whoever reads the document needs no table of the seed.
void write_members(JsonWriter& json, const TaskResult& result) {
    const auto row = errors::describe(result.id);
    json.member("code", result.id.number);
    json.member("name", row.name);
    json.member("protocol", errors::to_string(result.id.protocol));
    json.member("status", static_cast<unsigned>(result.status));
    json.member("status_name", "SW_" + to_upper(errors::to_string(result.status)));
    json.member("info", result.info);
    json.member("text", plain_text(result));
    json.member("next", next_step(result));
    if (result.native) {
        json.begin_object("native");
        json.member("protocol", errors::to_string(result.native->protocol));
        json.member("number", result.native->number);
        json.end_object();
    }
}

void write(JsonWriter& json, std::span<const TaskResult> results) {
    json.begin_array();
    for (const auto& result : results) {
        json.begin_object();
        write_members(json, result);
        json.end_object();
    }
    json.end_array();
}

void write(JsonWriter& json, const transfer::Attempted& attempted) {
    json.begin_object();
    json.member("attempt", attempted.attempt);
    json.member("source", attempted.source);
    json.member("reply", attempted.reply.number);
    json.member("protocol", errors::to_string(attempted.reply.protocol));
    json.member("stage", transfer::to_string(attempted.stage));
    json.member("decision", transfer::to_string(attempted.decision));
    json.member("because", errors::describe(attempted.because).cause.text());
    json.member("wait_ms", attempted.wait_ms);
    json.member("at_bytes", attempted.at_bytes);
    json.end_object();
}

void write(JsonWriter& json, const TransferView& view) {
    json.begin_object();
    json.member("file", view.file);
    json.member("url", view.url);
    json.member("bytes", view.bytes);
    json.member("total", view.total);
    json.member("rate_bps", view.rate_bps);
    json.member("attempts", view.attempts);
    json.begin_array("resumed_at");
    for (const auto offset : view.resumed_at) {
        json.value(offset);
    }
    json.end_array();
    json.member("state", to_string(view.state));
    json.begin_array("decisions");
    for (const auto& attempted : view.decisions) {
        write(json, attempted);
    }
    json.end_array();
    json.member("transcript", view.transcript);
    json.end_object();
}

void write(JsonWriter& json, const StepView& step) {
    json.begin_object();
    json.member("n", step.n);
    json.member("op", step.op);
    json.member("line", step.line);
    json.member("effect", step.effect);
    json.member("state", work::to_string(step.state));
    json.name("results");
    write(json, step.results);
    if (!step.output.empty()) {
        json.member("output", step.output);
    }
    json.end_object();
}

void write_job(JsonWriter& json, const SessionRecord& record) {
    json.begin_object("job");
    json.member("id", record.job.id);
    json.member("name", record.job.name);
    json.member("package", record.package);
    json.member("version", record.version);
    json.member("serial", record.serial);
    json.member("signer", record.signer);
    json.end_object();
}

/// Null instead of a guess: without a rate nobody knows how long it takes.
void write_progress(JsonWriter& json, const Progress& progress) {
    json.begin_object("progress");
    json.member("bytes", progress.bytes);
    json.member("total", progress.total);
    json.member("rate_bps", progress.rate_bps);
    if (progress.eta_s) {
        json.member("eta_s", *progress.eta_s);
    } else {
        json.null("eta_s");
    }
    json.end_object();
}

void write_disk(JsonWriter& json, const std::vector<work::VolumeImpact>& disk) {
    json.begin_array("disk");
    for (const auto& volume : disk) {
        json.begin_object();
        json.member("volume", volume.volume);
        json.member("type", static_cast<unsigned>(volume.type));
        json.member("state", static_cast<unsigned>(volume.state));
        json.member("before_bytes", volume.before_bytes);
        json.member("after_bytes", volume.after_bytes);
        json.end_object();
    }
    json.end_array();
}

void write_analysis(JsonWriter& json, const SessionRecord& record) {
    json.begin_object("analysis");
    json.begin_array("plan");
    for (const auto& step : record.steps) {
        json.begin_object();
        json.member("step", step.n);
        json.member("line", step.line);
        json.member("op", step.op);
        json.member("effect", step.effect);
        json.end_object();
    }
    json.end_array();
    json.begin_array("downloads");
    for (const auto& file : record.downloads) {
        json.begin_object();
        json.member("file", file.path);
        json.member("bytes", file.bytes);
        json.end_object();
    }
    json.end_array();
    write_disk(json, record.disk);
    json.member("reboots", record.reboots);
    json.end_object();
}

void write(JsonWriter& json, const SessionRecord& record) {
    json.begin_object();
    json.member("id", record.id);
    json.member("kind", to_string(record.job.kind));
    write_job(json, record);
    json.member("task_type", 0);
    json.member("phase", static_cast<unsigned>(record.phase));
    json.member("phase_name", to_string(record.phase));
    json.member("doing", plain_words(record.phase));
    json.member("started", rfc3339(record.started));
    if (record.ended) {
        json.member("ended", rfc3339(*record.ended));
    } else {
        json.null("ended");
    }
    json.member("resumptions", record.resumptions);
    if (record.try_again) {
        json.member("try_again", rfc3339(*record.try_again));
    }
    json.begin_array("steps");
    for (const auto& step : record.steps) {
        write(json, step);
    }
    json.end_array();
    write_progress(json, record.progress);
    json.begin_array("transfers");
    for (const auto& view : record.transfers) {
        write(json, view);
    }
    json.end_array();
    write_analysis(json, record);
    json.name("results");
    write(json, record.results);
    json.member("summary_status", summary_status(record.all_results()));
    json.end_object();
}

// the write() that fits is found by the type, so each document is one line below
template <class T>
std::string written(const T& value) {
    JsonWriter json;
    write(json, value);
    return json.take();
}

}  // namespace

std::string plain_text(const TaskResult& result) {
    std::string text = sentence(errors::describe(result.id).cause.text(), result.context);
    if (result.native) {
        const auto native = errors::describe(*result.native);
        text += concat({" ", errors::id_text(*result.native), ": ", native.cause.text()});
    }
    return text;
}

/// The native code is nearer to the trouble: "attempts exhausted" has no better advice than what the last try met.
std::string next_step(const TaskResult& result) {
    return errors::describe(result.native.value_or(result.id)).next.text();
}

std::string result_json(const TaskResult& result, std::string_view session) {
    JsonWriter json;
    json.begin_object();
    write_members(json, result);
    if (!session.empty()) {
        json.member("session", session);
    }
    json.end_object();
    return json.take();
}

std::string results_json(std::span<const TaskResult> results) { return written(results); }
std::string session_json(const SessionRecord& record) { return written(record); }
std::string decision_json(const transfer::Attempted& attempted) { return written(attempted); }
std::string parked_json(std::span<const Parked> parked) {
    JsonWriter json;
    json.begin_array();
    for (const auto& one : parked) {
        json.begin_object();
        json.member("job", one.job);
        json.member("why", one.why);
        json.member("rounds", one.rounds);
        json.member("kind", to_string(one.kind));
        json.member("package", one.package);
        json.member("version", one.version);
        json.member("since", rfc3339(one.since));
        json.end_object();
    }
    json.end_array();
    return json.take();
}

std::string quoted(std::string_view text) { return json_text(text); }

std::string error_json(const Error& error) {
    const auto row = errors::describe(error.id);
    JsonWriter json;
    json.begin_object();
    json.member("id", errors::id_text(error.id));
    json.member("name", row.name);
    json.member("number", error.id.number);
    json.member("protocol", errors::to_string(error.id.protocol));
    json.member("text", sentence(row.cause.text(), error.context));
    json.member("next", row.next.text());
    json.member("retry", errors::to_string(row.retry));
    json.end_object();
    return json.take();
}

}  // namespace hagent::session
