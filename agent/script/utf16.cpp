// SPDX-License-Identifier: Apache-2.0
// Owns the conversions' code.
#include "agent/script/utf16.h"

#include <cstdint>

#include "agent/base/text.h"

namespace hagent::script {
namespace {

constexpr std::uint32_t k_first_high = 0xD800, k_first_low = 0xDC00, k_after_low = 0xE000, k_pairs = 0x10000,
                        k_unknown = 0xFFFD;

void put_unit(std::string& out, std::uint32_t unit) {
    out.push_back(static_cast<char>(unit & 0xFFU));
    out.push_back(static_cast<char>(unit >> 8U));
}

/// Of a piece that utf8_piece() found valid; no other is looked at.
std::uint32_t character(std::string_view piece) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(piece[i])); };
    std::uint32_t value = piece.size() == 1 ? byte(0) : byte(0) & (0x7FU >> piece.size());
    for (std::size_t i = 1; i < piece.size(); ++i) {
        value = value << 6U | (byte(i) & 0x3FU);
    }
    return value;
}

void put_utf8(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
        out.push_back(static_cast<char>(c));
        return;
    }
    const unsigned tail = c < 0x800 ? 1 : c < k_pairs ? 2 : 3;
    const std::uint32_t lead = tail == 1 ? 0xC0 : tail == 2 ? 0xE0 : 0xF0;
    out.push_back(static_cast<char>(lead | c >> (6U * tail)));
    for (unsigned i = tail; i > 0; --i) {
        out.push_back(static_cast<char>(0x80U | (c >> (6U * (i - 1)) & 0x3FU)));
    }
}

}  // namespace

std::string utf16le_from_utf8(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Piece piece = utf8_piece(text, at);
        const std::uint32_t c = piece.valid ? character(text.substr(at, piece.bytes)) : k_unknown;
        if (c < k_pairs) {
            put_unit(out, c);
        } else {
            put_unit(out, k_first_high + ((c - k_pairs) >> 10U));
            put_unit(out, k_first_low + ((c - k_pairs) & 0x3FFU));
        }
        at += piece.bytes;
    }
    return out;
}

/// Windows keeps names with half a pair in them; they must not stop the reading of a whole branch.
std::string utf8_from_utf16le(std::string_view bytes) {
    const auto unit = [&](std::size_t at) -> std::uint32_t {
        return at + 1 < bytes.size() ? static_cast<unsigned char>(bytes[at]) +
                                           (static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + 1])) << 8U)
                                     : 0;
    };
    std::string out;
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        const std::uint32_t first = unit(at), second = unit(at + 2);
        if (first < k_first_high || first >= k_after_low) {
            put_utf8(out, first);
        } else if (first < k_first_low && second >= k_first_low && second < k_after_low) {
            put_utf8(out, k_pairs + ((first - k_first_high) << 10U) + (second - k_first_low));
            at += 2;
        } else {
            put_utf8(out, k_unknown);
        }
    }
    return out;
}

}  // namespace hagent::script
