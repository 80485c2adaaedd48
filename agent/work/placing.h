// SPDX-License-Identifier: Apache-2.0
// Owns putting a staged file into its place so that a power cut leaves the old content or the new.
#pragma once

#include <string>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/work/package.h"
#include "platform/files.h"

namespace hagent::work {

/// A regular file with the size and digest of `file` is at `path` already, and no other user owns it.
/// A file that cannot be opened is an error, not "false": what is there is not known. Errors: those of platform::Files.
[[nodiscard]] Result<bool> is_in_place(const PackageFile& file, const std::string& path, platform::Files& files);

/// A file whose bytes are to be put somewhere.
struct Content {
    std::string path;
    std::string sha256;  // hex; what is read must have it; empty: whatever is there (an administrator's own file)
};

enum class Placing : std::uint8_t {
    copy,  // the staged copy stays
    move,  // it is renamed, or copied and removed when the target is on another volume
};

/// Puts `content` at `target` (a real path); missing parents are made. Permissions: those of a file that is replaced
/// (without a right to write for others, if it was another user's), else 0644; programs ("#!" or ELF) can be executed
/// by all who can read them.
/// Errors: those of platform::Files, cancelled, digest_mismatch; at `target` is then what was there before.
[[nodiscard]] Status place(const Content& content, const std::string& target, Placing placing, platform::Files& files,
                           const CancelToken& cancel);

/// Puts a copy with these permissions at `target`, whose folder exists. Errors: the same.
[[nodiscard]] Status place_copy(const Content& from, const std::string& target, std::uint32_t mode,
                                platform::Files& files, const CancelToken& cancel);

/// The folder of `path` and those above it exist, durably, with mode 0755 where they are new. Errors: those of
/// platform::Files; so for the two below.
[[nodiscard]] Status make_parents(const std::string& path, platform::Files& files);

/// What was removed, created or renamed at `path` stays so when the power fails.
[[nodiscard]] Status sync_parent(const std::string& path, platform::Files& files);

/// A program that is at `path` can be executed by all who can read it.
[[nodiscard]] Status make_executable(const std::string& path, platform::Files& files);

}  // namespace hagent::work
