// SPDX-License-Identifier: Apache-2.0
// Owns looking up a local user and the groups to run a program with.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/base/result.h"

namespace hagent::platform {

struct Account {
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups;  // the supplementary groups
};

/// The user's row in /etc/passwd with its groups from /etc/group; bad_argument when there is none.
/// Read directly: the C library's functions load shared modules, which a static program must not do.
[[nodiscard]] Result<Account> find_account(const std::string& name);

/// "user 1000 (alice)", for people; without the name where /etc/passwd has none.
[[nodiscard]] std::string owner_name(uid_t user);

}  // namespace hagent::platform
