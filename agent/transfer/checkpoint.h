// SPDX-License-Identifier: Apache-2.0
// Owns Checkpoint: how far a download got, written so that a kill, a reboot or a power cut loses little (FORMAT.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/trust/digest.h"
#include "platform/files.h"

namespace hagent::transfer {

/// What is known about the bytes of a part. With the state of its hash, so that a resume need not read them again.
struct Checkpoint {
    std::string url;                     // that the bytes came from, without credentials
    std::string validator;               // ReplyHead::validator of that time, may be empty
    std::string wanted;                  // "sha256:HEX", "sha1:HEX" or "-": what the file must become
    std::string boot_id;                 // of the start of the machine that wrote it, may be empty
    std::uint64_t bytes = 0;             // at the front of the part that are safe
    std::optional<std::uint64_t> total;  // size of the whole file, when known
    bool complete = false;               // all of it, and checked
    trust::Sha256 sha256;                // of those bytes
};

[[nodiscard]] std::string encode(const Checkpoint& checkpoint);

/// Empty for anything that encode() did not write: torn, damaged or of another version. That means: start over.
[[nodiscard]] std::optional<Checkpoint> decode_checkpoint(std::string_view text);

/// Both files of a download's directory.
[[nodiscard]] std::string part_path(const std::string& directory);
[[nodiscard]] std::string checkpoint_path(const std::string& directory);

/// The checkpoint of a download's directory, if it is whole and the part holds at least as many bytes.
[[nodiscard]] std::optional<Checkpoint> load_checkpoint(platform::Files& files, const std::string& directory);

}  // namespace hagent::transfer
