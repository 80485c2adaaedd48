// SPDX-License-Identifier: Apache-2.0
// Owns how a record is made harmless and how it reads as a line.
#include "agent/log/record.h"

#include <algorithm>
#include <array>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::log {
namespace {

// In the order of the enum; also the names in the configuration.
constexpr std::array<std::string_view, 4> k_levels = {"debug", "info", "warning", "error"};
constexpr std::size_t k_area_bytes = 32;
// More fields in one record than any caller gives; the rest would be left out.
constexpr std::size_t k_fields = 16;

/// "ftp://user:secret@host/f?ticket" as "ftp://host/f?...": a message may quote a URL that somebody else wrote.
std::string without_credentials(std::string_view text) {
    std::string out;
    for (auto at = text.find("://"); at != std::string_view::npos; at = text.find("://")) {
        out.append(text.substr(0, at + 3));
        text.remove_prefix(at + 3);
        const auto authority = text.substr(0, std::min(text.find_first_of("/?# \t\"'<>"), text.size()));
        if (const auto sign = authority.rfind('@'); sign != std::string_view::npos) {
            text.remove_prefix(sign + 1);
        }
        const auto end = std::min(text.find_first_of(" \t\"'<>"), text.size());
        if (const auto query = text.find('?'); query < end) {
            out.append(text.substr(0, query)).append("?...");
            text.remove_prefix(end);
        }
    }
    return out.append(text);
}

std::string clean(std::string_view text, std::size_t bytes) {
    // Cut first: what a peer sends may be megabytes.
    const std::string utf8 =
        is_utf8(text) ? std::string(text) : utf8_from_latin1(text.substr(0, limits::k_log_line_bytes));
    return std::string(clip(printable(without_credentials(utf8)), bytes));
}

std::string quoted_when_needed(const std::string& value) {
    if (!value.empty() && value.find_first_of(" \t\"=") == std::string::npos) {
        return value;
    }
    return '"' + replace_all(replace_all(value, "\\", "\\\\"), "\"", "\\\"") + '"';
}

}  // namespace

std::string_view to_string(Level level) { return k_levels[static_cast<std::size_t>(level)]; }

std::optional<Level> parse_level(std::string_view name) {
    const auto found = std::find(k_levels.begin(), k_levels.end(), name);
    return found == k_levels.end() ? std::nullopt : std::optional(static_cast<Level>(found - k_levels.begin()));
}

Record cleaned(Record record) {
    record.area = clean(record.area, k_area_bytes);
    record.message = clean(record.message, limits::k_log_line_bytes);
    record.fields.resize(std::min(record.fields.size(), k_fields));
    std::size_t room = limits::k_log_line_bytes;
    for (Field& field : record.fields) {
        field.key = clean(field.key, std::min(room, k_area_bytes));
        room -= field.key.size();
        field.value = clean(field.value, room);
        room -= field.value.size();
    }
    return record;
}

std::string to_line(const Record& record) {
    constexpr std::size_t k_widest = 7;  // "warning"
    std::string line = rfc3339(record.time) + ' ';
    line.append(to_string(record.level)).append(k_widest + 1 - to_string(record.level).size(), ' ');
    line.append(record.area).append(": ").append(record.message);
    for (const Field& field : record.fields) {
        line.append(" ").append(field.key).append("=").append(quoted_when_needed(field.value));
    }
    return std::string(clip(line, limits::k_log_line_bytes));
}

}  // namespace hagent::log
