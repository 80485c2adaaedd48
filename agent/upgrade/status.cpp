// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/status.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/upgrade/choice.h"

namespace hagent::upgrade {
namespace {

/// What runs, or would run at the next start.
Place running(const Agents& agents) {
    const auto& trial = agents.record.trial;
    const Program* const confirmed = confirmed_beside(agents.record, agents.preinstalled.version);
    const Program* const chosen = trial && trial->starts > 0 ? &trial->program : confirmed;
    return chosen != nullptr ? Place{chosen->version, chosen->path} : agents.preinstalled;
}

/// (version, state), each version once.
std::vector<std::pair<std::string, std::string_view>> staged(const Record& record) {
    std::vector<std::pair<std::string, std::string_view>> out;
    const auto add = [&](const std::string& version, std::string_view state) {
        if (std::none_of(out.begin(), out.end(), [&](const auto& one) { return one.first == version; })) {
            out.emplace_back(version, state);
        }
    };
    if (record.trial) {
        add(record.trial->program.version, "trial");
    }
    for (const auto* program : {&record.confirmed, &record.previous}) {
        if (*program) {
            add((**program).version, "confirmed");
        }
    }
    if (record.last && record.last->result != Verdict::confirmed) {
        const bool is_trial = record.last->result == Verdict::failed || !record.last->session.empty();
        add(is_trial ? record.last->to : record.last->from, "failed");
    }
    return out;
}

void write_last(JsonWriter& json, const std::optional<Last>& last) {
    if (!last) {
        return json.null("last");
    }
    json.begin_object("last");
    json.member("from", last->from);
    json.member("to", last->to);
    json.member("result", to_string(last->result));
    json.member("reason", last->reason);
    json.member("at", rfc3339(last->at));
    json.end_object();
}

void write_trial(JsonWriter& json, const std::optional<Trial>& trial) {
    if (!trial) {
        return json.null("trial");
    }
    json.begin_object("trial");
    json.member("version", trial->program.version);
    json.member("starts", trial->starts);
    if (trial->ends_at) {
        json.member("deadline", rfc3339(*trial->ends_at));
    } else {
        json.null("deadline");
    }
    json.end_object();
}

}  // namespace

Place preinstalled(const Record& record, Place own, std::optional<Place> launcher) {
    if (launcher) {
        return *std::move(launcher);
    }
    const bool upgraded = record.running && record.launcher && record.running->path == own.path;
    return upgraded ? *record.launcher : std::move(own);
}

void write_agents(JsonWriter& json, const Agents& agents) {
    const Place now = running(agents);
    json.begin_object("running");
    json.member("version", now.version);
    json.member("path", now.path);
    json.member("preinstalled", now.path == agents.preinstalled.path);
    json.end_object();
    json.begin_object("preinstalled");
    json.member("version", agents.preinstalled.version);
    json.member("path", agents.preinstalled.path);
    json.end_object();
    json.begin_array("staged");
    for (const auto& [version, state] : staged(agents.record)) {
        json.begin_object();
        json.member("version", version);
        json.member("state", state);
        json.end_object();
    }
    json.end_array();
    write_trial(json, agents.record.trial);
    write_last(json, agents.record.last);
}

std::vector<std::pair<std::string, std::string>> status_lines(const Agents& agents) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [version, state] : staged(agents.record)) {
        out.emplace_back("staged agent", concat({version, ", ", state}));
    }
    if (const auto& trial = agents.record.trial) {
        out.emplace_back("agent on trial",
                         concat({trial->program.version, ", ", std::to_string(trial->starts), " of ",
                                 std::to_string(trial->most_starts), " starts",
                                 trial->ends_at ? concat({", until ", rfc3339(*trial->ends_at)}) : ""}));
    }
    if (const auto& last = agents.record.last) {
        out.emplace_back("last upgrade",
                         concat({last->from, " -> ", last->to, ": ", to_string(last->result),
                                 last->reason.empty() ? "" : ", ", last->reason, ", ", rfc3339(last->at)}));
    }
    return out;
}

std::string status_text(const Agents& agents) {
    const Place now = running(agents);
    std::string text = concat({"running: ", now.version, "  ", now.path,
                               "\npreinstalled: ", agents.preinstalled.version, "  ", agents.preinstalled.path, "\n"});
    for (const auto& [what, value] : status_lines(agents)) {
        text += concat({what, ": ", value, "\n"});
    }
    return text;
}

}  // namespace hagent::upgrade
