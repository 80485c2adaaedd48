// SPDX-License-Identifier: Apache-2.0
// Owns the walks over directories: making, removing and resolving whole paths.
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace hagent::platform {

/// The directory part of a path: "." when it has none.
[[nodiscard]] std::string parent_of(const std::string& path);
[[nodiscard]] Status sync_directory_at(const std::string& path);
/// As promised by Files; a directory that was made is durable.
[[nodiscard]] Status make_path(const std::string& path, std::uint32_t mode);
[[nodiscard]] Status remove_path_tree(const std::string& path);
[[nodiscard]] Result<std::string> resolve_path(const std::string& path);

}  // namespace hagent::platform
