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

std::string_view from(std::string_view bytes, std::size_t at) {
    return at < bytes.size() ? bytes.substr(at) : std::string_view();
}

/// Where the next good record of either file begins; nothing when there is none: then what follows is a torn tail. The
/// work is bounded, because a long row of bytes that all look like lengths would cost its square.
std::optional<std::size_t> next_record(std::string_view bytes, std::string_view copy, std::size_t at) {
    std::size_t budget = 8 * limits::k_journal_bytes;
    for (; at + k_header_bytes <= std::max(bytes.size(), copy.size()); ++at) {
        for (const auto rest : {from(bytes, at), from(copy, at)}) {
            const std::size_t length = rest.size() < k_header_bytes ? SIZE_MAX : get(rest, 0, 4);
            if (length > limits::k_journal_record_bytes || length > rest.size() - k_header_bytes) {
                continue;
            }
            if (length > budget) {
                return std::nullopt;
            }
            budget -= length;
            if (decode(rest)) {
                return at;
            }
        }
    }
    return std::nullopt;
}

/// What a power cut may leave of a write that nobody has synced: less than all, or its beginning and zeros.
bool is_torn_write(std::string_view there, std::string_view wanted) {
    if (there.size() < wanted.size()) {
        return true;
    }
    const auto bad = std::mismatch(wanted.begin(), wanted.end(), there.begin()).second;
    return std::all_of(bad, there.begin() + static_cast<std::ptrdiff_t>(wanted.size()), [](char c) { return c == 0; });
}

/// One walk over both files.
class Walk {
public:
    Walk(std::string_view bytes, std::string_view copy) : bytes_(bytes), copy_(copy) {}

    /// False: the copy holds something else.
    [[nodiscard]] bool run() {
        begin();
        while (at_ < std::max(bytes_.size(), copy_.size())) {
            auto own = decode(from(bytes_, at_)), other = decode(from(copy_, at_));
            if (own && other && own->record != other->record) {
                return false;
            }
            if (!own && !other && !pass_gap()) {
                break;
            }
            if (own || other) {
                take(own ? std::move(*own) : std::move(*other), own.has_value(), other.has_value());
            }
        }
        end();
        return true;
    }

    Replay found;

private:
    /// A bad magic costs no record.
    void begin() {
        const auto torn = [](std::string_view bytes) { return k_magic.starts_with(bytes); };
        whole_ = bytes_.starts_with(k_magic);
        found.copy_whole = copy_.starts_with(k_magic);
        found.copy_damaged = !found.copy_whole && !torn(copy_);
        found.tail = whole_ ? Tail::clean : torn(bytes_) ? Tail::torn : Tail::foreign;
        found.good_bytes = whole_ ? k_magic.size() : 0;
    }

    void take(Found next, bool own, bool other) {
        const auto written = (own ? bytes_ : copy_).substr(at_, next.bytes);
        if (!own || !whole_) {
            whole_ = false;
            found.tail = Tail::damaged;
        }
        found.good_bytes += whole_ ? next.bytes : 0;
        found.copy_whole = found.copy_whole && other;
        // a write that was cut short has nothing behind it
        const bool torn = !other && is_torn_write(from(copy_, at_), written);
        found.copy_damaged = found.copy_damaged || (other ? copy_torn_ : !torn);
        copy_torn_ = copy_torn_ || torn;
        found.lost = found.lost || next.record.type == k_gap;
        found.records.push_back(std::move(next.record));
        at_ += next.bytes;
    }

    /// False when nothing follows.
    bool pass_gap() {
        const auto next = next_record(bytes_, copy_, at_ + 1);
        whole_ = false;
        found.copy_whole = false;
        if (next) {
            found.tail = Tail::damaged;
            found.copy_damaged = found.copy_damaged || !copy_.empty();
            found.lost = true;
            found.records.push_back({k_gap, {}});
            at_ = *next;
        } else if (found.tail == Tail::clean) {
            found.tail = Tail::torn;
        }
        return next.has_value();
    }

    /// Not one record, and no beginning of a journal: whatever stood there is gone, unless the copy says that it was
    /// nothing.
    void end() {
        if (found.tail == Tail::foreign && found.copy_whole) {
            found.tail = Tail::damaged;
        } else if (found.tail == Tail::foreign) {
            found.lost = true;
            found.records.push_back({k_gap, {}});
        }
        found.copy_whole = found.copy_whole && copy_.size() == std::max<std::size_t>(at_, k_magic.size());
    }

    std::string_view bytes_, copy_;
    std::size_t at_ = k_magic.size();
    bool whole_ = false;  // up to here
    bool copy_torn_ = false;
};

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

Replay replay(std::string_view bytes, std::string_view copy) {
    Walk both(bytes, copy);
    if (both.run()) {
        return std::move(both.found);
    }
    Walk alone(bytes, {});
    (void)alone.run();
    return std::move(alone.found);
}

}  // namespace hagent::journal
