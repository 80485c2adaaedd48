// SPDX-License-Identifier: Apache-2.0
// Owns the walks over directories: making, removing and resolving whole paths, and finding a place that no link leads
// to.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "platform/posix/fd.h"

namespace hagent::platform {

enum class Links : std::uint8_t { followed, refused };

/// Where the last part of a path is, for the calls that end in "at".
struct Place {
    Fd folder;  // none: `name` is the whole path
    std::string name;
    [[nodiscard]] int at() const { return folder ? folder.get() : AT_FDCWD; }
};

/// With links refused, the folder is opened part by part, each below the one before, so that whoever puts a link into
/// the path meanwhile leads nobody anywhere. Errors: path_refused for a link, and those of Files.
[[nodiscard]] Result<Place> place_of(const std::string& path, Links links);
/// The folder itself, opened in the same way; parts that are missing are made with `mode` where there is one, durably.
[[nodiscard]] Result<Fd> walk_to(const std::string& path, std::optional<std::uint32_t> mode = std::nullopt);

/// The directory part of a path: "." when it has none.
[[nodiscard]] std::string parent_of(const std::string& path);
/// `path` is for people.
[[nodiscard]] Status sync_directory_at(int at, const char* name, const std::string& path);
/// As promised by Files; a directory that was made is durable.
[[nodiscard]] Status make_path(const std::string& path, std::uint32_t mode);
[[nodiscard]] Status remove_path_tree(const Place& place, const std::string& path);
[[nodiscard]] Result<std::string> resolve_path(const std::string& path);

}  // namespace hagent::platform
