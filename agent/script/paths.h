// SPDX-License-Identifier: Apache-2.0
// Owns the path jail: which places on the device a script may touch.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/work/protection.h"
#include "platform/files.h"

namespace hagent::script {

using work::is_within;

/// Where scripts may work. All paths are absolute. Source: spec 4 "Analysis before execution", spec 8 "Execution".
struct Jail {
    std::vector<std::string> roots;  // config script.roots, as scripts name them; empty: nothing is allowed
    std::string relocation;          // `--root DIR`: every device path lies below DIR; empty: as written
    // real paths, never relocated: the agent's program, its configuration and all that it names
    std::vector<std::string> protected_paths;
};

/// What a step does with the path; decides which links are followed and what else must not be hit.
enum class PathUse : std::uint8_t {
    place,   // put something there: a link at the end is replaced, not followed
    edit,    // read or change the content: links are followed
    remove,  // delete or rename what is there: neither a root nor a parent of a protected path
};

/// The path as scripts write it, tidied: absolute, separators not repeated, no "." parts.
/// Errors: path_refused (not absolute, a ".." part, network or stream names of Windows), name_too_long.
[[nodiscard]] Result<std::string> tidy_path(std::string_view argument);

/// The real path on the device for `argument`, after relocation, with the links resolved that `use` follows.
/// Checked again before every change, since an earlier step may have made a link.
/// Errors: those of tidy_path; path_refused (outside the roots as written or through a link, a link of another user
/// that leads to what is not theirs, a second name of somebody's file, a device node), path_protected; errors of
/// platform::Files.
[[nodiscard]] Result<std::string> device_path(const std::string& argument, PathUse use, const Jail& jail,
                                              platform::Files& files);

/// The program that EX means by argv[0]: with a relocation the one that lies below it if there is one, else the
/// machine's own. A script that is tried out below a folder may bring its programs there, and still needs those of the
/// machine. Errors: those of platform::Files.
[[nodiscard]] Result<std::string> program_path(const std::string& name, const Jail& jail, platform::Files& files);

}  // namespace hagent::script
