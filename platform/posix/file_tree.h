// SPDX-License-Identifier: Apache-2.0
// Owns the walks over directories: making, removing and resolving whole paths, and finding a place that no link leads
// to.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "platform/files.h"
#include "platform/posix/fd.h"

namespace hagent::platform {

enum class Links : std::uint8_t {
    followed,
    refused,
    own  // refused, and so is what others own or can change below the folder that is the agent's own
};

/// Where the last part of a path is, for the calls that end in "at".
struct Place {
    Fd folder;  // none: `name` is the whole path
    std::string name;
    bool own = false;  // the folder is the agent's own
    [[nodiscard]] int at() const { return folder ? folder.get() : AT_FDCWD; }
};

/// With links refused, the folder is opened part by part, each below the one before, so that whoever puts a link into
/// the path meanwhile leads nobody anywhere. Errors: path_refused for a link, and those of Files.
/// With Links::own, what is below the first `trusted` bytes of the path, a folder, must be the agent's own.
[[nodiscard]] Result<Place> place_of(const std::string& path, Links links, std::size_t trusted = 0);
/// The folder itself, opened in the same way; parts that are missing are made with `mode` where there is one, durably.
/// Whatever of it is longer than `trusted` bytes must be the agent's own.
[[nodiscard]] Result<Fd> walk_to(const std::string& path, std::optional<std::uint32_t> mode = std::nullopt,
                                 std::size_t trusted = std::string::npos);
/// Owned by neither root nor us.
[[nodiscard]] bool is_foreign(uid_t owner);
/// What is to be the agent's own, and of others: config_insecure_permissions with the owner's name.
[[nodiscard]] Failure not_own(const std::string& path, const struct stat& found);
/// Why the name at `place` could not be opened; a link there is told with its owner.
[[nodiscard]] Failure open_error(const Place& place, const std::string& path, int problem);

/// The directory part of a path: "." when it has none.
[[nodiscard]] std::string parent_of(const std::string& path);
/// `path` is for people.
[[nodiscard]] Status sync_directory_at(int at, const char* name, const std::string& path);
/// As promised by Files; a directory that was made is durable.
[[nodiscard]] Status make_path(const std::string& path, std::uint32_t mode);
[[nodiscard]] Status remove_path_tree(const Place& place, const std::string& path);
/// `way` takes all that is looked at.
[[nodiscard]] Result<std::string> resolve_path(const std::string& path, Follow follow,
                                               std::vector<std::string>* way = nullptr);

}  // namespace hagent::platform
