// SPDX-License-Identifier: Apache-2.0
// Owns small texts that must not be lost or changed by a fault of the storage: each is kept twice, with a checksum.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "platform/files.h"

namespace hagent::trust {

/// What is there of a text. Format: FORMAT.md "Texts that are kept twice".
struct KeptText {
    std::vector<std::string> bodies;  // those that are whole, without their checksums; that of the first file first
    std::optional<Error> damage;      // corrupt_journal: a copy is not whole, or only the second one is there
    [[nodiscard]] bool absent() const { return bodies.empty() && !damage; }
};

/// Only looks. Errors: those of platform::Files; bytes that cannot be read any more (io_error) are damage.
[[nodiscard]] Result<KeptText> read_kept(platform::Files& files, const std::string& path, std::size_t limit);

/// Both copies, each durable; after a power cut each is the old or the new one. `body` ends with a line feed.
[[nodiscard]] Status write_kept(platform::Files& files, const std::string& path, std::string_view body);

/// Keeps the damaged bytes beside the file for people, then writes `body`. That nothing can be written now is no error:
/// what is whole is as good to read.
void mend_kept(platform::Files& files, const std::string& path, std::string_view body);

}  // namespace hagent::trust
