// SPDX-License-Identifier: Apache-2.0
#include "agent/boot/bcd_text.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hagent::boot {
namespace {

constexpr std::size_t k_value_column = 24;  // where values stand; those behind the first have a line of their own

bool is_id(std::string_view text) {
    return text.size() > 2 && text.size() <= 64 && text.starts_with('{') && text.ends_with('}') &&
           text.find_first_of(" \t{}", 1) == text.size() - 1;
}

/// A line of dashes stands below the title of each entry.
bool is_rule(std::string_view line) {
    return line.size() >= 3 && line.find_first_not_of('-') == std::string_view::npos;
}

Failure unreadable(std::string_view why) { return error(errors::AgentCode::boot_program_failed, {"bcdedit: ", why}); }

void take(BcdEntry& entry, std::string_view name, std::string_view value) {
    if (name == "description") {
        entry.description = printable(clip(value, 256));
    } else if (name == "loadoptions") {
        entry.options = printable(clip(value, 1024));
    } else if (name == "default") {
        entry.default_id = is_id(value) ? value : "";
    } else if (name == "bootsequence" && is_id(value)) {
        entry.sequence.emplace_back(value);
    }
}

}  // namespace

Result<std::vector<BcdEntry>> parse_bcd(std::string_view text) {
    std::vector<BcdEntry> out;
    std::string_view name;
    for (auto line : split(text, '\n')) {
        line = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
        const auto blank = line.find_first_of(" \t");
        const auto value = trim(line.substr(std::min(blank, line.size())));
        if (is_rule(line)) {
            if (!out.empty() && out.back().id.empty()) {
                return unreadable("an entry without an identifier");
            }
            out.emplace_back();
        } else if (out.empty() || trim(line).empty()) {
            name = {};  // the title of the next entry is none of this one's elements
        } else if (out.back().id.empty()) {
            if (!is_id(value)) {
                return unreadable("an entry without an identifier");
            }
            out.back().id = to_lower(value);
        } else {
            name = blank == 0 && line.find_first_not_of(' ') == k_value_column ? name : line.substr(0, blank);
            take(out.back(), name, value);
        }
    }
    if (out.empty() || out.back().id.empty()) {
        return unreadable("there is no entry");
    }
    return out;
}

}  // namespace hagent::boot
