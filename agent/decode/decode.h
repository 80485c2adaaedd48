// SPDX-License-Identifier: Apache-2.0
// Owns decode(): one compressed chunk into bytes of a known number. The only includer of the decompressing libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "agent/base/result.h"

namespace hagent::decode {

enum class Compression : std::uint8_t { none, gzip, xz, zstd };

/// "none", "gzip", "xz", "zstd": as manifests and command lines spell it.
[[nodiscard]] std::string_view name(Compression compression);
[[nodiscard]] std::optional<Compression> compression_named(std::string_view name);
/// What the name of a file gets: "", ".gz", ".xz", ".zst".
[[nodiscard]] std::string_view suffix(Compression compression);

/// Decodes one chunk (a whole gzip member, xz stream or zstd frame, with its own check sum) into all of `raw`, and
/// gives raw.size() back. Errors: decoded_size (fewer or more bytes than `raw` takes: a bomb ends there),
/// decoded_rest (something stands behind the end), decode_failed (damaged, cut, another format, or a feature that is
/// left out), decode_memory (asks for more than the limits in base/limits.h). `raw` then holds anything. Besides it no
/// memory that depends on the chunk is taken, but up to limits::k_decoder_bytes.
[[nodiscard]] Result<std::size_t> decode(Compression compression, std::string_view stored, std::span<char> raw);

}  // namespace hagent::decode
