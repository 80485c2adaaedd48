// SPDX-License-Identifier: Apache-2.0
// Owns the writing of session JSON.
#include "agent/session/json.h"

#include <nlohmann/json.hpp>

#include "agent/errors/catalogue.h"

namespace hagent::session {
namespace {

using json = nlohmann::ordered_json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string sentence(std::string_view cause, std::string_view context) {
    return context.empty() ? std::string(cause) : std::string(cause) + " [" + std::string(context) + "]";
}

json to_json(const TaskResult& result) {
    const auto row = errors::describe(result.id);
    json out = {{"code", result.id.number},
                {"name", row.name},
                {"protocol", errors::to_string(result.id.protocol)},
                {"status", static_cast<unsigned>(result.status)},
                {"status_name", "SW_" + [&] {
                     std::string name(errors::to_string(result.status));
                     for (char& c : name) {
                         c = static_cast<char>(c - 'a' + 'A');
                     }
                     return name;
                 }()},
                {"info", result.info},
                {"text", plain_text(result)},
                {"next", next_step(result)}};
    if (result.native) {
        out["native"] = {{"protocol", errors::to_string(result.native->protocol)}, {"number", result.native->number}};
    }
    return out;
}

json to_json(std::span<const TaskResult> results) {
    json out = json::array();
    for (const auto& result : results) {
        out.push_back(to_json(result));
    }
    return out;
}

json to_json(const transfer::Attempted& a) {
    return {{"attempt", a.attempt},
            {"source", a.source},
            {"reply", a.reply.number},
            {"protocol", errors::to_string(a.reply.protocol)},
            {"stage", transfer::to_string(a.stage)},
            {"decision", transfer::to_string(a.decision)},
            {"because", errors::describe(a.because).cause},
            {"wait_ms", a.wait_ms},
            {"at_bytes", a.at_bytes}};
}

json to_json(const TransferView& view) {
    json decisions = json::array();
    for (const auto& attempted : view.decisions) {
        decisions.push_back(to_json(attempted));
    }
    return {{"file", view.file},
            {"url", view.url},
            {"bytes", view.bytes},
            {"total", view.total},
            {"rate_bps", view.rate_bps},
            {"attempts", view.attempts},
            {"resumed_at", view.resumed_at},
            {"state", to_string(view.state)},
            {"decisions", std::move(decisions)},
            {"transcript", view.transcript}};
}

json to_json(const StepView& step) {
    json out = {{"n", step.n},
                {"op", step.op},
                {"line", step.line},
                {"effect", step.effect},
                {"state", script::to_string(step.state)},
                {"results", to_json(std::span<const TaskResult>(step.results))}};
    if (!step.output.empty()) {
        out["output"] = step.output;
    }
    return out;
}

json optional_time(const std::optional<WallTime>& time) { return time ? json(rfc3339(*time)) : json(nullptr); }

json to_json(const SessionRecord& record) {
    json steps = json::array();
    for (const auto& step : record.steps) {
        steps.push_back(to_json(step));
    }
    json transfers = json::array();
    for (const auto& view : record.transfers) {
        transfers.push_back(to_json(view));
    }
    json disk = json::array();
    for (const auto& volume : record.disk) {
        disk.push_back({{"volume", volume.volume},
                        {"type", static_cast<unsigned>(volume.type)},
                        {"state", static_cast<unsigned>(volume.state)},
                        {"before_bytes", volume.before_bytes},
                        {"after_bytes", volume.after_bytes}});
    }
    json downloads = json::array();
    for (const auto& file : record.downloads) {
        downloads.push_back({{"file", file.path}, {"bytes", file.bytes}});
    }
    json plan = json::array();
    for (const auto& step : record.steps) {
        plan.push_back({{"step", step.n}, {"line", step.line}, {"op", step.op}, {"effect", step.effect}});
    }
    const auto& progress = record.progress;
    return {{"id", record.id},
            {"kind", to_string(record.job.kind)},
            {"job",
             {{"id", record.job.id},
              {"name", record.job.name},
              {"package", record.package},
              {"version", record.version},
              {"serial", record.serial},
              {"signer", record.signer}}},
            {"task_type", 0},
            {"phase", static_cast<unsigned>(record.phase)},
            {"phase_name", to_string(record.phase)},
            {"doing", plain_words(record.phase)},
            {"started", rfc3339(record.started)},
            {"ended", optional_time(record.ended)},
            {"resumptions", record.resumptions},
            {"steps", std::move(steps)},
            {"progress",
             {{"bytes", progress.bytes},
              {"total", progress.total},
              {"rate_bps", progress.rate_bps},
              {"eta_s", progress.eta_s ? json(*progress.eta_s) : json(nullptr)}}},
            {"transfers", std::move(transfers)},
            {"analysis",
             {{"plan", std::move(plan)}, {"downloads", std::move(downloads)}, {"disk", std::move(disk)}, {"reboots", record.reboots}}},
            {"results", to_json(std::span<const TaskResult>(record.results))},
            {"summary_status", summary_status(record.all_results())}};
}

}  // namespace

std::string plain_text(const TaskResult& result) {
    std::string text = sentence(errors::describe(result.id).cause, result.context);
    if (result.native) {
        const auto native = errors::describe(*result.native);
        text += " " + errors::id_text(*result.native) + ": " + std::string(native.cause);
    }
    return text;
}

std::string next_step(const TaskResult& result) {
    return std::string(errors::describe(result.native.value_or(result.id)).next);
}

std::string result_json(const TaskResult& result) { return dump(to_json(result)); }
std::string results_json(std::span<const TaskResult> results) { return dump(to_json(results)); }
std::string session_json(const SessionRecord& record) { return dump(to_json(record)); }
std::string decision_json(const transfer::Attempted& attempted) { return dump(to_json(attempted)); }
std::string quoted(std::string_view text) { return dump(json(text)); }

std::string error_json(const Error& error) {
    const auto row = errors::describe(error.id);
    return dump({{"id", errors::id_text(error.id)},
                 {"name", row.name},
                 {"number", error.id.number},
                 {"protocol", errors::to_string(error.id.protocol)},
                 {"text", sentence(row.cause, error.context)},
                 {"next", row.next},
                 {"retry", errors::to_string(row.retry)}});
}

}  // namespace hagent::session
