// SPDX-License-Identifier: Apache-2.0
// Owns the JSON documents of spec 11 "JSON shapes".
#include <algorithm>
#include <utility>

#include "agent/base/json_writer.h"
#include "agent/base/version.h"
#include "agent/session/json.h"
#include "agent/status/documents.h"

namespace hagent::status {
namespace {

/// RFC 3339, or null for what has not happened.
void write_time(JsonWriter& json, std::string_view name, const std::optional<WallTime>& time) {
    if (time) {
        json.member(name, rfc3339(*time));
    } else {
        json.null(name);
    }
}

/// An object of texts; a name given twice keeps its place and gets the last text.
/// An object of texts. A name given twice (a label that is called like a fact) keeps its place and gets the last text:
/// JSON with a name twice is read in different ways.
template <class Pairs>
void write_texts(JsonWriter& json, std::string_view name, const Pairs& pairs) {
    std::vector<std::pair<std::string_view, std::string_view>> members;
    for (const auto& [name_of, value] : pairs) {
        const std::string_view key = name_of;
        const auto known =
            std::find_if(members.begin(), members.end(), [&key](const auto& member) { return member.first == key; });
        if (known == members.end()) {
            members.emplace_back(key, value);
        } else {
            known->second = value;
        }
    }
    json.begin_object(name);
    for (const auto& [key, value] : members) {
        json.member(key, value);
    }
    json.end_object();
}

/// As elements of the array that is open.
void write_recent(JsonWriter& json, const Board& board) {
    for (const auto& snapshot : board.recent()) {
        json.raw(session::session_json(*snapshot));
    }
}

void write_volumes(JsonWriter& json, const AgentView& agent) {
    json.begin_array("volumes");
    for (const auto& volume : agent.volumes) {
        json.begin_object();
        json.member("volume", volume.mount_point);
        json.member("type", static_cast<unsigned>(volume.type));
        json.member("total_bytes", volume.total_bytes);
        json.member("available_bytes", volume.available_bytes);
        json.end_object();
    }
    json.end_array();
}

void write_agent(JsonWriter& json, const AgentView& agent) {
    json.begin_object("agent");
    json.member("version", agent_version());
    json.member("pid", agent.pid);
    json.member("uptime_s", agent.uptime.count());
    json.member("pss_bytes", agent.pss_bytes);
    json.member("listener", agent.listener);
    if (!agent.listener_trouble.empty()) {
        json.member("listener_trouble", agent.listener_trouble);
    }
    json.end_object();
    json.begin_object("manager");
    json.member("dialect", agent.manager.dialect);
    json.member("url", agent.manager.url);
    write_time(json, "last_check_in", agent.manager.last_check_in);
    json.member("last_result", agent.manager.last_result);
    write_time(json, "next_check_in", agent.manager.next_check_in);
    json.end_object();
}

/// {"NAME": [ITEMS]}, with the items written by `items`.
template <class Items>
std::string list_document(std::string_view name, const Items& items) {
    JsonWriter json;
    json.begin_object();
    json.begin_array(name);
    items(json);
    json.end_array();
    json.end_object();
    return json.take();
}

}  // namespace

std::string status_json(const AgentView& agent, const Board& board) {
    JsonWriter json;
    json.begin_object();
    write_texts(json, "device", agent.device);
    write_agent(json, agent);
    const auto current = board.current();
    json.raw("session", current ? session::session_json(*current) : "null");
    json.begin_array("recent");
    write_recent(json, board);
    json.end_array();
    json.raw("slots", image::slots_json(agent.images));
    json.begin_object("image");
    image::write_standing(json, agent.images);
    json.end_object();
    json.begin_object("upgrade");
    upgrade::write_agents(json, agent.agents);
    json.end_object();
    write_volumes(json, agent);
    // Comes with its kind of work; the member is part of the shape already.
    json.raw("software", "[]");
    json.begin_object("trust");
    json.member("keys", agent.trusted_keys);
    json.member("damage", agent.damage);
    json.member("state_problem", agent.state_problem);
    json.end_object();
    json.raw("parked", session::parked_json(agent.parked));
    json.member("reports_queued", agent.reports_queued);
    json.end_object();
    return json.take();
}

std::string sessions_json(const Board& board) {
    return list_document("sessions", [&](JsonWriter& json) {
        if (const auto current = board.current()) {
            json.raw(session::session_json(*current));
        }
        write_recent(json, board);
    });
}

/// With the session's id in each result, because the list mixes them.
std::string results_json(const Board& board) {
    return list_document("results", [&](JsonWriter& json) {
        const auto add = [&](const Board::Snapshot& snapshot) {
            for (const auto& result : snapshot->all_results()) {
                json.raw(session::result_json(result, snapshot->id));
            }
        };
        if (const auto current = board.current()) {
            add(current);
        }
        for (const auto& snapshot : board.recent()) {
            add(snapshot);
        }
    });
}

std::string log_json(const std::vector<log::Ring::Entry>& entries) {
    return list_document("log", [&](JsonWriter& json) {
        for (const auto& [seq, record] : entries) {
            json.begin_object();
            json.member("seq", seq);
            json.member("time", rfc3339(record.time));
            json.member("level", log::to_string(record.level));
            json.member("area", record.area);
            json.member("message", record.message);
            write_texts(json, "fields", record.fields);
            json.end_object();
        }
    });
}

std::string explain_json(const std::vector<const errors::Row*>& rows) {
    JsonWriter json;
    json.begin_array();
    for (const auto* row : rows) {
        json.begin_object();
        json.member("protocol", errors::to_string(row->id.protocol));
        json.member("number", row->id.number);
        json.member("name", row->name);
        json.member("group", row->group);
        json.member("severity", errors::to_string(row->severity));
        json.member("retry", errors::to_string(row->retry));
        json.member("cause", row->cause.text());
        json.member("next", row->next.text());
        json.end_object();
    }
    json.end_array();
    return json.take();
}

}  // namespace hagent::status
