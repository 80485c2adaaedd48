// SPDX-License-Identifier: Apache-2.0
// Owns what an administrator is told to type where others have rights that they must not have.
#pragma once

#include <optional>
#include <string>

#include "platform/files.h"

namespace hagent::platform {

/// Of what others can change: why, and the command of this system that ends it. `path` is absolute, without links.
[[nodiscard]] std::string how_to_close(const std::string& path, const FileInfo& info);
/// What lets others change what is found at a path, and what an administrator is told about it.
struct WeakPlace {
    std::string path, remedy;
};
/// The first weak place on the way to `path`; empty when there is none, or nothing at `path`. A link counts that others
/// own, a folder above that others may write to (unless it is sticky and root's, as /tmp: nobody replaces there what is
/// not his), and the thing itself. Errors: those of Files.
[[nodiscard]] Result<std::optional<WeakPlace>> weak_place(Files& files, const std::string& path);

/// The command that leaves a secret file to its owner and the system's administrators.
[[nodiscard]] std::string command_to_hide(const std::string& path);

}  // namespace hagent::platform
