// SPDX-License-Identifier: Apache-2.0
// Owns what the fuzz targets of the decoders share: whatever goes in, nothing is written behind the end, and what was
// taken has one meaning.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/decode/decode.h"
#include "tests/fuzz/require.h"

namespace hagent::fuzz {

/// The raw bytes, or none where it is refused.
inline std::vector<char> decoded(decode::Decoder& decoder, decode::Compression compression, std::string_view stored,
                                 std::size_t bytes) {
    constexpr std::size_t k_guard_bytes = 64;
    std::vector<char> room(bytes + k_guard_bytes, '\x5A');
    const bool good = decoder.decode(compression, stored, std::span(room).first(bytes)).ok();
    // the libraries are not built with sanitizers
    require(std::all_of(room.end() - k_guard_bytes, room.end(), [](char c) { return c == '\x5A'; }));
    room.resize(good ? bytes : 0);
    return room;
}

/// One decoder for all: what was refused before must not show.
inline void decode_input(decode::Compression compression, const std::uint8_t* data, std::size_t size) {
    decode::Decoder decoder;
    const std::string stored(reinterpret_cast<const char*>(data), size);
    for (const std::size_t bytes : {std::size_t{6000}, std::size_t{1}, std::size_t{70000}}) {
        const auto raw = decoded(decoder, compression, stored, bytes);
        if (raw.empty()) {
            continue;
        }
        require(decoded(decoder, compression, stored, bytes) == raw);
        require(decoded(decoder, compression, stored, bytes + 1).empty());
        require(bytes == 1 || decoded(decoder, compression, stored, bytes - 1).empty());
        require(decoded(decoder, compression, stored + '\0', bytes).empty());
        require(decoded(decoder, compression, stored + stored, bytes).empty());
    }
}

}  // namespace hagent::fuzz
