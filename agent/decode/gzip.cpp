// SPDX-License-Identifier: Apache-2.0
// Owns the reading of one gzip member. Source: RFC 1952; the deflate data in it is zlib's work.
#include <zlib.h>

#include <cstdint>

#include "agent/base/crc32.h"
#include "agent/decode/decoders.h"

namespace hagent::decode {
namespace {

constexpr std::size_t k_fixed_bytes = 10, k_end_bytes = 8;
constexpr unsigned k_head_sum = 2, k_extra = 4, k_name = 8, k_comment = 16, k_reserved = 0xE0;

std::uint32_t little_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
        value = value << 8U | static_cast<std::uint8_t>(bytes[i]);
    }
    return value;
}

/// Where the deflate data begins; npos when the head is not one of gzip, or does not end.
std::size_t behind_head(std::string_view stored) {
    if (stored.size() < k_fixed_bytes || !stored.starts_with("\x1F\x8B\x08")) {
        return std::string_view::npos;
    }
    const unsigned flags = static_cast<std::uint8_t>(stored[3]);
    std::size_t at = (flags & k_reserved) != 0 ? std::string_view::npos : k_fixed_bytes;
    if ((flags & k_extra) != 0 && at < stored.size()) {
        at += 2 + little_endian(stored.substr(at, 2));
    }
    for (const unsigned text : {k_name, k_comment}) {
        if ((flags & text) != 0 && at < stored.size()) {
            const auto zero = stored.find('\0', at);
            at = zero == std::string_view::npos ? zero : zero + 1;
        }
    }
    if ((flags & k_head_sum) != 0 && at < stored.size()) {
        at += 2;
    }
    return at < stored.size() ? at : std::string_view::npos;
}

/// Frees what inflate() holds.
class Inflater {
public:
    Inflater() : code_(inflateInit2(&stream_, -MAX_WBITS)) {}  // negative: without a head of its own
    ~Inflater() { inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// All in one call: so it needs no window beside `raw`.
    int run(std::string_view stored, std::span<char> raw) {
        if (code_ != Z_OK) {
            return code_;
        }
        stream_.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(stored.data()));
        stream_.avail_in = static_cast<uInt>(stored.size());
        stream_.next_out = reinterpret_cast<Bytef*>(raw.data());
        stream_.avail_out = static_cast<uInt>(raw.size());
        return inflate(&stream_, Z_FINISH);
    }
    [[nodiscard]] std::size_t left_in() const { return stream_.avail_in; }
    [[nodiscard]] std::size_t left_out() const { return stream_.avail_out; }

private:
    z_stream stream_{};
    int code_;
};

}  // namespace

Status decode_gzip(std::string_view stored, std::span<char> raw) {
    const auto begin = behind_head(stored);
    if (begin == std::string_view::npos) {
        return damaged("no gzip member begins here");
    }
    Inflater inflater;
    const int code = inflater.run(stored.substr(begin), raw);
    if (code == Z_MEM_ERROR) {
        return out_of_memory();
    }
    if (code != Z_STREAM_END) {
        const bool full = inflater.left_out() == 0 && inflater.left_in() > 0;
        return code == Z_BUF_ERROR && full ? too_long(raw) : damaged("gzip data is damaged or cut");
    }
    const auto end = stored.substr(stored.size() - inflater.left_in());
    if (end.size() < k_end_bytes) {
        return damaged("gzip data is cut");
    }
    TRY(ended(raw.size() - inflater.left_out(), raw, end.size() - k_end_bytes));
    if (little_endian(end.substr(0, 4)) != crc32(std::string_view(raw.data(), raw.size())) ||
        little_endian(end.substr(4, 4)) != raw.size()) {
        return damaged("gzip's check sum is wrong");
    }
    return {};
}

}  // namespace hagent::decode
