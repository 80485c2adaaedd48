// SPDX-License-Identifier: Apache-2.0
// Owns what an administrator is told to type where others have rights that they must not have.
#pragma once

#include <string>

#include "platform/files.h"

namespace hagent::platform {

/// Of what others can change: why, and the command of this system that ends it. `path` is absolute, without links.
[[nodiscard]] std::string how_to_close(const std::string& path, const FileInfo& info);
/// The command that leaves a secret file to its owner and the system's administrators.
[[nodiscard]] std::string command_to_hide(const std::string& path);

}  // namespace hagent::platform
