// SPDX-License-Identifier: Apache-2.0
// Owns Decoder: one compressed chunk into bytes of a known number. The only includer of the decompressing libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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

class Zstd;

/// Decodes chunks, one after the other. What the last one was has no influence on the next; only memory is kept for it.
class Decoder {
public:
    Decoder();
    ~Decoder();

    /// Decodes one chunk (a whole gzip member, xz stream or zstd frame) into all of `raw`, at most
    /// limits::k_chunk_most_bytes, and gives raw.size() back. Errors: decoded_size (fewer or more bytes than `raw`
    /// takes: a bomb ends there), decoded_rest (something stands behind the end), decode_failed (damaged, cut, another
    /// format, or a feature that is left out), out_of_memory. `raw` then holds anything. Whatever the head asks for, no
    /// more than limits::k_decoder_bytes of memory are taken. Check sums inside of xz are not looked at: whoever asks
    /// knows the digest of what has to come out, which says more.
    [[nodiscard]] Result<std::size_t> decode(Compression compression, std::string_view stored, std::span<char> raw);

private:
    [[nodiscard]] Status decode_with(Compression compression, std::string_view stored, std::span<char> raw);

    std::unique_ptr<Zstd> zstd_;
};

}  // namespace hagent::decode
