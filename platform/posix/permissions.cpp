// SPDX-License-Identifier: Apache-2.0
// Owns the commands about permissions on POSIX.
#include "platform/permissions.h"

#include "agent/base/concat.h"

namespace hagent::platform {
namespace {

constexpr std::uint32_t k_group_and_others_write = 0022;

/// For a shell. Paths come from the administrator's configuration; a quote in one would only spoil the hint.
std::string quoted(const std::string& path) { return concat({"'", path, "'"}); }

}  // namespace

std::string how_to_close(const std::string& path, const FileInfo& info) {
    if ((info.mode & k_group_and_others_write) != 0) {
        return "can be changed by other users; run: chmod go-w " + quoted(path);
    }
    return "belongs to another user, who can change it; run: chown root " + quoted(path);
}

std::string command_to_hide(const std::string& path) {
    return concat({"chown root ", quoted(path), " && chmod 600 ", quoted(path)});
}

}  // namespace hagent::platform
