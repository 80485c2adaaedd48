// SPDX-License-Identifier: Apache-2.0
// Owns the configuration at rest: loading the file, and the checks of who may read and change what the agent relies on.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/config.h"
#include "platform/files.h"

namespace hagent::config {

/// What a missing file means: `run` must have one; the local verbs then use the defaults.
enum class Absent : std::uint8_t { refused, defaults };

/// Reads `path` (default: platform::default_config_file()). A file that others may change, or put another in its place,
/// is refused, and so is a window whose time zone this device does not know. Codes: those of parse(), config_missing,
/// config_insecure_permissions, those of platform::Files.
[[nodiscard]] Outcome load(platform::Files& files, const std::string& path, ManagerRule manager, Absent absent);

/// Everything that others may change (or, where secret, read) and the agent relies on: the program, all named_files(),
/// what is in the folders among them, and all that leads there, up to the root. The configuration is load()'s. What
/// does not exist is no complaint, except a secret file that is named. Each message about permissions says what to do.
/// A key or hook that a link takes from elsewhere, and a missing secret that only some work needs, are bearable.
/// Codes: config_insecure_permissions, file_not_found, and why a place cannot be looked at. `program` is the path of
/// the running program; empty: it is left out. Source: spec 8 "Files at rest".
[[nodiscard]] std::vector<Complaint> check_places(platform::Files& files, const Settings& settings,
                                                  const std::string& program);

/// The files that are the agent's own, which scripts neither change nor read nor send away: program, configuration, all
/// named_files(). Absolute.
[[nodiscard]] std::vector<std::string> own_files(const Settings& settings, const std::string& config_file,
                                                 const std::string& program);

/// Whether others can change what is at `path`: right before it is used. Errors: config_insecure_permissions, those of
/// platform::Files.
[[nodiscard]] Status check_closed(platform::Files& files, const std::string& path);

/// A secret kept in a file (token, key): its content without the line end. Errors: file_not_found,
/// config_insecure_permissions (anybody but the owner may read or change it), file_too_large (beyond 4096 bytes),
/// config_bad_value (empty, more than one line), those of platform::Files.
[[nodiscard]] Result<std::string> read_secret(platform::Files& files, const std::string& path);

/// Whether anybody but the owner may read or change the file (a secret must not be used then): the error says which
/// file. Errors: file_not_found, config_insecure_permissions, those of platform::Files.
[[nodiscard]] Status check_secret(platform::Files& files, const std::string& path);

}  // namespace hagent::config
