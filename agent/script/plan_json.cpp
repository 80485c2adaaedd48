// SPDX-License-Identifier: Apache-2.0
// Owns the JSON form of a plan (spec 11 "script check --json").
#include <nlohmann/json.hpp>

#include "agent/errors/catalogue.h"
#include "agent/base/text.h"
#include "agent/script/analysis.h"

namespace hagent::script {
namespace {

using Json = nlohmann::ordered_json;

std::string status_name(errors::Severity severity) { return "SW_" + to_upper(errors::to_string(severity)); }

Json result_object(const TaskResult& result) {
    const errors::Row row = errors::describe(result.id);
    const std::string cause(row.cause);
    Json object;
    object["code"] = result.id.number;
    object["protocol"] = errors::to_string(result.id.protocol);
    object["name"] = row.name;
    object["status"] = static_cast<unsigned>(result.status);
    object["status_name"] = status_name(result.status);
    object["info"] = result.info;
    object["text"] = result.context.empty() ? cause : cause + " (" + result.context + ")";
    object["next"] = row.next;
    if (result.native) {
        object["native"] = {{"protocol", errors::to_string(result.native->protocol)}, {"number", result.native->number}};
    }
    return object;
}

Json step_object(const PlannedStep& step) {
    Json object;
    object["step"] = step.n;
    object["line"] = step.line;
    object["op"] = step.op;
    object["optional"] = step.optional;
    object["arguments"] = step.arguments;
    object["effect"] = step.effect;
    return object;
}

Json volume_object(const VolumeImpact& impact) {
    Json object;
    object["volume"] = impact.volume;
    object["type"] = static_cast<unsigned>(impact.type);
    object["state"] = static_cast<unsigned>(impact.state);
    object["before_bytes"] = impact.before_bytes;
    object["after_bytes"] = impact.after_bytes;
    object["peak_bytes"] = impact.peak_bytes;
    return object;
}

}  // namespace

std::string plan_json(const Plan& plan) {
    Json document;
    document["version"] = Json::object();
    for (const auto& [key, value] : plan.version) {
        document["version"].emplace(key, value);  // the first of two equal keys stays
    }
    document["plan"] = Json::array();
    for (const auto& step : plan.steps) {
        document["plan"].push_back(step_object(step));
    }
    document["downloads"] = Json::array();
    for (const auto& file : plan.downloads) {
        document["downloads"].push_back({{"file", file.path}, {"bytes", file.bytes}});
    }
    document["disk"] = Json::array();
    for (const auto& impact : plan.disk) {
        document["disk"].push_back(volume_object(impact));
    }
    document["reboots"] = plan.reboots;
    document["results"] = Json::array();
    for (const auto& result : plan.results) {
        document["results"].push_back(result_object(result));
    }
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hagent::script
