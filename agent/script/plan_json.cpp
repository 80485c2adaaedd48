// SPDX-License-Identifier: Apache-2.0
// Owns the JSON form of a plan (spec 11 "script check --json").
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/script/analysis.h"

namespace hagent::script {
namespace {

/// Spec 11 "JSON shapes", result: the same in every document of the agent.
void write(JsonWriter& json, const TaskResult& result) {
    const errors::Row row = errors::describe(result.id);
    const std::string cause(row.cause.text());
    json.begin_object();
    json.member("code", result.id.number);
    json.member("protocol", errors::to_string(result.id.protocol));
    json.member("name", row.name);
    json.member("status", static_cast<unsigned>(result.status));
    json.member("status_name", "SW_" + to_upper(errors::to_string(result.status)));
    json.member("info", result.info);
    json.member("text", result.context.empty() ? cause : concat({cause, " (", result.context, ")"}));
    json.member("next", row.next.text());
    if (result.native) {
        json.begin_object("native");
        json.member("protocol", errors::to_string(result.native->protocol));
        json.member("number", result.native->number);
        json.end_object();
    }
    json.end_object();
}

void write(JsonWriter& json, const PlannedStep& step) {
    json.begin_object();
    json.member("step", step.n);
    json.member("line", step.line);
    json.member("op", step.op);
    json.member("optional", step.optional);
    json.member("arguments", step.arguments);
    json.member("effect", step.effect);
    json.end_object();
}

void write(JsonWriter& json, const VolumeImpact& impact) {
    json.begin_object();
    json.member("volume", impact.volume);
    json.member("type", static_cast<unsigned>(impact.type));
    json.member("state", static_cast<unsigned>(impact.state));
    json.member("before_bytes", impact.before_bytes);
    json.member("after_bytes", impact.after_bytes);
    json.member("peak_bytes", impact.peak_bytes);
    json.end_object();
}

void write(JsonWriter& json, const PackageFile& file) {
    json.begin_object();
    json.member("file", file.path);
    json.member("bytes", file.bytes);
    json.end_object();
}

template <class T>
void write_list(JsonWriter& json, std::string_view name, const std::vector<T>& items) {
    json.begin_array(name);
    for (const T& item : items) {
        write(json, item);
    }
    json.end_array();
}

/// [Version] may say a key twice, an object of JSON may not (RFC 8259 section 4).
void write_version(JsonWriter& json, const Plan& plan) {
    json.begin_object("version");
    for (auto entry = plan.version.begin(); entry != plan.version.end(); ++entry) {
        const bool given =
            std::any_of(plan.version.begin(), entry, [&](const auto& other) { return other.first == entry->first; });
        if (!given) {  // the first of two equal keys stays
            json.member(entry->first, entry->second);
        }
    }
    json.end_object();
}

}  // namespace

std::string plan_json(const Plan& plan) {
    JsonWriter json;
    json.begin_object();
    write_version(json, plan);
    write_list(json, "plan", plan.steps);
    write_list(json, "downloads", plan.downloads);
    write_list(json, "disk", plan.disk);
    json.member("reboots", plan.reboots);
    write_list(json, "results", plan.results);
    json.end_object();
    return json.take();
}

}  // namespace hagent::script
