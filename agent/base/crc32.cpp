// SPDX-License-Identifier: Apache-2.0
// Owns the CRC-32 table and loop.
#include "agent/base/crc32.h"

#include <array>

namespace hagent {
namespace {

// made by the compiler: the program neither computes it at its start nor guards it with a lock
constexpr auto k_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
        }
        table[i] = value;
    }
    return table;
}();

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t seed) {
    std::uint32_t value = ~seed;
    for (const char c : bytes) {
        value = k_table[(value ^ static_cast<std::uint8_t>(c)) & 0xFFU] ^ (value >> 8U);
    }
    return ~value;
}

}  // namespace hagent
