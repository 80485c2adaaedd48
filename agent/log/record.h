// SPDX-License-Identifier: Apache-2.0
// Owns Record: one event of the log, and its one-line text form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"

namespace hagent::log {

enum class Level : std::uint8_t { debug, info, warning, error };
[[nodiscard]] std::string_view to_string(Level level);
[[nodiscard]] std::optional<Level> parse_level(std::string_view name);

/// A detail of the event, for programs that read the log.
struct Field {
    std::string key;
    std::string value;
};

struct Record {
    Level level = Level::info;
    WallTime time;
    std::string area;     // folder name of who speaks: "transfer", "session"
    std::string message;  // what happened, plain words
    std::vector<Field> fields;
};

/// What every sink gets: UTF-8 without control bytes, user names and passwords inside of URLs left out, texts cut so
/// that the record is no longer than about k_log_line_bytes.
[[nodiscard]] Record cleaned(Record record);

/// One line of at most k_log_line_bytes, no line end: 2026-11-22T22:40:01Z info    transfer: resumed at=123 file="a b"
[[nodiscard]] std::string to_line(const Record& record);

}  // namespace hagent::log
