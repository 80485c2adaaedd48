// SPDX-License-Identifier: Apache-2.0
// Owns ImageMember: what the manifest of an image package says in its member `image`. Source: spec 11 "Packages and
// signatures".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/decode/decode.h"
#include "agent/trust/manifest.h"

namespace hagent::image {

/// The image of one part of a slot.
struct Part {
    std::string name;    // of the slot's part: "root", "boot"
    std::string file;    // of the package: the chunks, one after the other
    std::string chunks;  // of the package: the chunk table
    decode::Compression compression = decode::Compression::none;
    std::uint64_t raw_bytes = 0;    // at least 1
    std::string raw_sha256;         // 64 lower-case hexadecimal digits
    std::uint32_t chunk_bytes = 0;  // raw bytes of every chunk but the last: see valid_chunk_bytes()
    friend bool operator==(const Part&, const Part&) = default;

    [[nodiscard]] std::uint64_t chunk_count() const { return raw_bytes / chunk_bytes + (raw_bytes % chunk_bytes != 0); }
    /// Of the chunk with that number, counted from 0.
    [[nodiscard]] std::uint32_t raw_bytes_of(std::uint64_t chunk) const {
        const std::uint64_t rest = raw_bytes - chunk * chunk_bytes;
        return rest < chunk_bytes ? static_cast<std::uint32_t>(rest) : chunk_bytes;
    }
};

struct ImageMember {
    std::string version;                 // of the image
    std::vector<Part> parts;             // at least one, names and files all different
    std::string after_write;             // file of the package that is the hook program; empty: none
    std::string min_version;             // the least that may run now; empty: any
    std::vector<std::string> platforms;  // of the hardware; empty: any
    bool allow_downgrade = false;
    friend bool operator==(const ImageMember&, const ImageMember&) = default;
};

/// Multiples of 4096 from limits::k_chunk_least_bytes to limits::k_chunk_most_bytes.
[[nodiscard]] bool valid_chunk_bytes(std::uint64_t bytes);
/// A letter or digit, then letters, digits, '-', '_' and '.', at most limits::k_part_name_bytes: it becomes a name of a
/// file and of a variable of the hook's environment.
[[nodiscard]] bool valid_part_name(std::string_view name);

/// Strict: unknown members, wrong types, files that the manifest does not list, and sizes that cannot be true are
/// refused. All failures are image_member_malformed with the member's path in the context.
[[nodiscard]] Result<ImageMember> image_member(const trust::Manifest& manifest);

/// The same of a text whose files nobody has listed yet: image.json as `image pack` writes it.
[[nodiscard]] Result<ImageMember> parse_image_member(std::string_view json);
/// JSON on one line; parse_image_member() gives back an equal value.
[[nodiscard]] std::string write_image_member(const ImageMember& member);

}  // namespace hagent::image
