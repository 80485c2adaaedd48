// SPDX-License-Identifier: Apache-2.0
// Owns the reading of /proc/self/mounts (fstab(5)).
#include "platform/posix/mounts.h"

#include <algorithm>

#include "agent/base/text.h"
#include "platform/files.h"

namespace hagent::platform {
namespace {

/// Blanks and backslashes stand as three octal digits in the mount table.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto digits = text.substr(at + 1, 3);
        const bool octal = text[at] == '\\' && digits.size() == 3 &&
                           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
        if (octal) {
            out += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
            at += digits.size();
        } else {
            out += text[at];
        }
    }
    return out;
}

}  // namespace

Result<std::vector<Mount>> mount_table() {
    const std::string table = TRY(system_files()->read("/proc/self/mounts", k_mount_table_bytes));
    std::vector<Mount> mounts;
    for (const auto line : split(table, '\n')) {
        if (const auto fields = words(line); fields.size() >= 3) {
            mounts.push_back({unescaped(fields[0]), unescaped(fields[1]), std::string(fields[2])});
        }
    }
    return mounts;
}

bool holds(const std::string& point, const std::string& path) {
    return path.starts_with(point) &&
           (point.ends_with('/') || path.size() == point.size() || path[point.size()] == '/');
}

}  // namespace hagent::platform
