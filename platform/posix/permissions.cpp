// SPDX-License-Identifier: Apache-2.0
// Owns the commands about permissions on POSIX.
#include "platform/permissions.h"

#include "agent/base/concat.h"
#include "platform/posix/accounts.h"

namespace hagent::platform {
namespace {

constexpr std::uint32_t k_group_and_others_write = 0022;

/// For a shell. Paths come from the administrator's configuration; a quote in one would only spoil the hint.
std::string quoted(const std::string& path) { return concat({"'", path, "'"}); }

}  // namespace

std::string how_to_close(const std::string& path, const FileInfo& info) {
    const bool loose = info.kind != FileKind::symlink && (info.mode & k_group_and_others_write) != 0;
    const std::string narrow = concat({"chmod go-w ", quoted(path)});
    if (loose && !info.foreign) {
        return "can be changed by other users; run: " + narrow;
    }
    const char* option = info.kind == FileKind::symlink ? "-h " : "";
    return concat({"belongs to ", owner_name(info.owner), ", who can change it; run: chown ", option, "root ",
                   quoted(path), (loose ? " && " + narrow : "")});
}

std::string command_to_hide(const std::string& path) {
    return concat({"chown root ", quoted(path), " && chmod 600 ", quoted(path)});
}

}  // namespace hagent::platform
