// SPDX-License-Identifier: Apache-2.0
// Owns the protection of the agent's own files from the work that it does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "platform/files.h"

namespace hagent::work {

/// What is about to happen at a path.
enum class Touch : std::uint8_t {
    content,  // read, written, replaced
    name      // removed or renamed, with all that is below
};

/// Nothing if `real` (a real path) is neither one of the protected paths nor below one; where its name goes, nor above
/// one. They are told by their names, also of what is not there yet, and by what the system knows them by: another
/// mount of the same folder and another name of the same file are no way round.
/// Errors: path_protected (the context begins with `named`), those of platform::Files.
[[nodiscard]] Status check_protected(const std::string& real, Touch touch,
                                     const std::vector<std::string>& protected_paths, platform::Files& files,
                                     std::string_view named);

/// `path` is `directory` or lies below it, as this system compares names.
[[nodiscard]] bool is_within(std::string_view path, std::string_view directory);

}  // namespace hagent::work
