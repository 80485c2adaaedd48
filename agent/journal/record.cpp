// SPDX-License-Identifier: Apache-2.0
// Owns the framing of records. FORMAT.md describes the bytes.
#include "agent/journal/record.h"

#include <algorithm>
#include <optional>

#include "agent/base/crc32.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"

namespace hagent::journal {
namespace {

constexpr std::size_t k_header_bytes = 10;  // length u32, CRC u32, type u16
constexpr std::size_t k_crc_at = 4;
constexpr std::size_t k_type_at = 8;

/// Little-endian, on every system.
void put(std::string& out, std::uint32_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) {
        out += static_cast<char>((value >> (8 * i)) & 0xFFU);
    }
}

std::uint32_t get(std::string_view bytes, std::size_t at, unsigned count) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
        value |= std::uint32_t{static_cast<std::uint8_t>(bytes[at + i])} << (8 * i);
    }
    return value;
}

/// Over length, type and payload: all of the record but the CRC itself.
std::uint32_t crc_of(std::string_view length, std::string_view type_and_payload) {
    return crc32(type_and_payload, crc32(length));
}

struct Found {
    Record record;
    std::size_t bytes = 0;
};

/// The record at the beginning of these bytes; nothing when it is incomplete or its CRC is wrong.
std::optional<Found> decode(std::string_view bytes) {
    if (bytes.size() < k_header_bytes) {
        return std::nullopt;
    }
    const std::size_t length = get(bytes, 0, 4);
    if (length > limits::k_journal_record_bytes || length > bytes.size() - k_header_bytes) {
        return std::nullopt;
    }
    const auto body = bytes.substr(k_type_at, k_header_bytes - k_type_at + length);
    if (crc_of(bytes.substr(0, k_crc_at), body) != get(bytes, k_crc_at, 4)) {
        return std::nullopt;
    }
    return Found{{narrow<std::uint16_t>(get(bytes, k_type_at, 2)), std::string(bytes.substr(k_header_bytes, length))},
                 k_header_bytes + length};
}

/// Whether a good record begins anywhere in these bytes: then they are no torn tail. The work is bounded, because a
/// long row of bytes that all look like lengths would cost its square.
bool holds_record(std::string_view bytes) {
    std::size_t budget = 8 * limits::k_journal_bytes;
    for (std::size_t at = 0; at + k_header_bytes <= bytes.size(); ++at) {
        const std::size_t length = get(bytes, at, 4);
        if (length > limits::k_journal_record_bytes || length > bytes.size() - at - k_header_bytes) {
            continue;
        }
        if (length > budget) {
            return false;
        }
        budget -= length;
        if (decode(bytes.substr(at))) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::string encode(const Record& record) {
    std::string length, body;
    put(length, narrow<std::uint32_t>(record.payload.size()), 4);
    put(body, record.type, 2);
    body += record.payload;
    std::string out = length;
    put(out, crc_of(length, body), 4);
    return out += body;
}

Replay replay(std::string_view bytes) {
    Replay found;
    if (!bytes.starts_with(k_magic)) {
        found.tail = k_magic.starts_with(bytes) ? Tail::torn : Tail::foreign;
        return found;
    }
    found.good_bytes = k_magic.size();
    while (found.good_bytes < bytes.size()) {
        const auto rest = bytes.substr(static_cast<std::size_t>(found.good_bytes));  // below bytes.size()
        auto next = decode(rest);
        if (!next) {
            found.tail = holds_record(rest.substr(1)) ? Tail::damaged : Tail::torn;
            return found;
        }
        found.records.push_back(std::move(next->record));
        found.good_bytes += next->bytes;
    }
    return found;
}

}  // namespace hagent::journal
