// SPDX-License-Identifier: Apache-2.0
// Owns the commands about permissions on Windows. Accounts are named by their numbers, which are the same in every
// language.
#include "platform/permissions.h"

namespace hagent::platform {
namespace {

constexpr const char* k_administrators = "*S-1-5-32-544";
constexpr const char* k_system = "*S-1-5-18";
constexpr const char* k_users = "*S-1-5-32-545";

/// A new owner, nothing of the old access list, then full rights for system and administrators; `more` adds to these.
std::string icacls(const std::string& path, const std::string& inherited, const std::string& more) {
    const std::string call = "icacls \"" + path + "\" ";
    return call + "/setowner " + k_administrators + " && " + call + "/reset && " + call + "/inheritance:r /grant:r " +
           k_system + ":" + inherited + "F " + k_administrators + ":" + inherited + "F" + more;
}

}  // namespace

/// Owner and access list are both looked at, and `info` does not tell which of them it was.
std::string how_to_close(const std::string& path, const FileInfo& info) {
    const std::string inherited = info.kind == FileKind::directory ? "(OI)(CI)" : "";
    return "can be changed by other users; run as administrator: " +
           icacls(path, inherited, std::string(" ") + k_users + ":" + inherited + "RX");
}

std::string command_to_hide(const std::string& path) { return icacls(path, "", ""); }

}  // namespace hagent::platform
