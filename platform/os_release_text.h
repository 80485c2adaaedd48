// SPDX-License-Identifier: Apache-2.0
// Owns the reading of os-release files (os-release(5) of systemd): shell-like assignments, one a line. For the
// implementations of host.h.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/text.h"

namespace hagent::platform {

/// The value of `key` without its quotes, fit for showing; the last assignment counts, empty when there is none.
[[nodiscard]] inline std::string os_release_value(std::string_view text, std::string_view key) {
    std::string found;
    for (const auto line : split(text, '\n')) {
        const auto assignment = trim(line);
        if (!assignment.starts_with(key) || assignment.substr(key.size(), 1) != "=") {
            continue;
        }
        const auto value = assignment.substr(key.size() + 1);
        const bool quoted =
            value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
        const bool escapes = quoted && value.front() == '"';
        const auto inside = quoted ? value.substr(1, value.size() - 2) : value;
        found.clear();
        for (std::size_t i = 0; i < inside.size(); ++i) {
            if (escapes && inside[i] == '\\' && i + 1 < inside.size()) {
                ++i;
            }
            found += inside[i];
        }
    }
    return printable(found);
}

}  // namespace hagent::platform
