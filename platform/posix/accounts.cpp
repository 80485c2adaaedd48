// SPDX-License-Identifier: Apache-2.0
// Owns the parsing of /etc/passwd and /etc/group (passwd(5), group(5)).
#include "platform/posix/accounts.h"

#include <algorithm>
#include <limits>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/files.h"

namespace hagent::platform {
namespace {

constexpr std::size_t k_account_file_bytes = 4U << 20U;

template <class Id>
std::optional<Id> parse_id(std::string_view text) {
    // The largest number means "no change" to the system calls.
    const auto value = parse_u64(text, std::numeric_limits<Id>::max() - 1);
    return value ? std::optional(narrow<Id>(*value)) : std::nullopt;
}

/// Fields of passwd(5): name, password, user id, group id, ...
std::optional<Account> account_in(std::string_view passwd, std::string_view name) {
    for (const auto line : split(passwd, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 4 || fields[0] != name) {
            continue;
        }
        const auto user = parse_id<uid_t>(fields[2]);
        const auto group = parse_id<gid_t>(fields[3]);
        return user && group ? std::optional(Account{*user, *group, {*group}}) : std::nullopt;
    }
    return std::nullopt;
}

/// Fields of group(5): name, password, group id, members. The primary group is in the list from the start.
void add_groups(Account& account, std::string_view group_file, std::string_view name) {
    for (const auto line : split(group_file, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 4) {
            continue;
        }
        const auto members = split(fields[3], ',');
        const auto group = parse_id<gid_t>(fields[2]);
        if (group && *group != account.group && std::find(members.begin(), members.end(), name) != members.end()) {
            account.groups.push_back(*group);
        }
    }
}

}  // namespace

Result<Account> find_account(const std::string& name) {
    const auto files = system_files();
    auto account = account_in(TRY(files->read("/etc/passwd", k_account_file_bytes)), name);
    if (!account) {
        return error(errors::AgentCode::bad_argument, {"user '", name, "' is not on this device"});
    }
    add_groups(*account, TRY(files->read("/etc/group", k_account_file_bytes)), name);
    return std::move(*account);
}

std::string owner_name(uid_t user) {
    const std::string number = std::to_string(user);
    const std::string passwd = system_files()->read("/etc/passwd", k_account_file_bytes).value_or("");
    for (const auto line : split(passwd, '\n')) {
        if (const auto fields = split(line, ':'); fields.size() > 2 && fields[2] == number) {
            return concat({"user ", number, " (", printable(fields[0]), ")"});
        }
    }
    return "user " + number;
}

}  // namespace hagent::platform
