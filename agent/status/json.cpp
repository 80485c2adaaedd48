// SPDX-License-Identifier: Apache-2.0
// Owns the JSON documents.
#include <nlohmann/json.hpp>

#include "agent/base/version.h"
#include "agent/session/json.h"
#include "agent/status/documents.h"

namespace hagent::status {
namespace {

using json = nlohmann::ordered_json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json optional_time(const std::optional<WallTime>& time) { return time ? json(rfc3339(*time)) : json(nullptr); }

json parsed(const std::string& document) { return json::parse(document, nullptr, false); }

json session(const Board::Snapshot& snapshot) { return snapshot ? parsed(session::session_json(*snapshot)) : json(nullptr); }

json recent(const Board& board) {
    json out = json::array();
    for (const auto& snapshot : board.recent()) {
        out.push_back(session(snapshot));
    }
    return out;
}

}  // namespace

std::string status_json(const AgentView& agent, const Board& board) {
    json device = json::object();
    for (const auto& [key, value] : agent.device) {
        device[key] = value;
    }
    json volumes = json::array();
    for (const auto& volume : agent.volumes) {
        volumes.push_back({{"volume", volume.mount_point},
                           {"type", static_cast<unsigned>(volume.type)},
                           {"total_bytes", volume.total_bytes},
                           {"available_bytes", volume.available_bytes}});
    }
    return dump({{"device", std::move(device)},
                 {"agent",
                  {{"version", agent_version()},
                   {"pid", agent.pid},
                   {"uptime_s", agent.uptime.count()},
                   {"pss_bytes", agent.pss_bytes},
                   {"listener", agent.listener}}},
                 {"manager",
                  {{"dialect", agent.manager.dialect},
                   {"url", agent.manager.url},
                   {"last_check_in", optional_time(agent.manager.last_check_in)},
                   {"last_result", agent.manager.last_result},
                   {"next_check_in", optional_time(agent.manager.next_check_in)}}},
                 {"session", session(board.current())},
                 {"recent", recent(board)},
                 {"slots", json::array()},
                 {"volumes", std::move(volumes)},
                 {"software", json::array()},
                 {"trust", {{"keys", agent.trusted_keys}}},
                 {"reports_queued", agent.reports_queued}});
}

std::string sessions_json(const Board& board) {
    json out = recent(board);
    if (const auto current = board.current()) {
        out.insert(out.begin(), session(current));
    }
    return dump({{"sessions", std::move(out)}});
}

std::string results_json(const Board& board) {
    json out = json::array();
    const auto add = [&](const Board::Snapshot& snapshot) {
        const auto results = snapshot->all_results();
        for (auto& result : parsed(session::results_json(results))) {
            result["session"] = snapshot->id;
            out.push_back(std::move(result));
        }
    };
    if (const auto current = board.current()) {
        add(current);
    }
    for (const auto& snapshot : board.recent()) {
        add(snapshot);
    }
    return dump({{"results", std::move(out)}});
}

std::string log_json(const std::vector<log::Ring::Entry>& entries) {
    json out = json::array();
    for (const auto& [seq, record] : entries) {
        json fields = json::object();
        for (const auto& [key, value] : record.fields) {
            fields[key] = value;
        }
        out.push_back({{"seq", seq},
                       {"time", rfc3339(record.time)},
                       {"level", log::to_string(record.level)},
                       {"area", record.area},
                       {"message", record.message},
                       {"fields", std::move(fields)}});
    }
    return dump({{"log", std::move(out)}});
}

std::string explain_json(const std::vector<const errors::Row*>& rows) {
    json out = json::array();
    for (const auto* row : rows) {
        out.push_back({{"protocol", errors::to_string(row->id.protocol)},
                       {"number", row->id.number},
                       {"name", row->name},
                       {"group", row->group},
                       {"severity", errors::to_string(row->severity)},
                       {"retry", errors::to_string(row->retry)},
                       {"cause", row->cause},
                       {"next", row->next}});
    }
    return dump(out);
}

}  // namespace hagent::status
