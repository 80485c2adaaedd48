// SPDX-License-Identifier: Apache-2.0
// Owns the names of registry keys: how scripts write them, and which of them no script may change.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "agent/base/result.h"
#include "platform/registry.h"

namespace hagent::script {

/// "HKLM\\Software//X" as "HKEY_LOCAL_MACHINE\\Software\\X": hives by short or long name, separators '\\' (repeated
/// ones count once), or '/' where there is no '\\' at all. Errors: bad_argument, name_too_long.
[[nodiscard]] Result<std::string> registry_key(std::string_view argument);

/// SV's form: the last part is the value's name; nothing after the last separator is the default value. Errors: as
/// registry_key().
[[nodiscard]] Result<std::pair<std::string, std::string>> registry_key_and_name(std::string_view argument);

/// The jail of keys. `change.key` is tidy. Errors: path_protected for the agent's own service and what holds it,
/// path_refused for removing a hive or a key right below one. Asked in analysis and again before each change. Source:
/// spec 4 "Analysis before execution" (the agent's own things).
[[nodiscard]] Status may_change(const platform::RegistryChange& change);

}  // namespace hagent::script
