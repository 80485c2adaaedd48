// SPDX-License-Identifier: Apache-2.0
// Owns the choice of the decoder and the words for what goes wrong in any of them.
#include "agent/decode/decode.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/decode/decoders.h"

namespace hagent::decode {
namespace {

using errors::AgentCode;

struct Format {
    std::string_view name, suffix;
};
// in the order of Compression
constexpr std::array k_formats = {Format{"none", ""}, Format{"gzip", ".gz"}, Format{"xz", ".xz"},
                                  Format{"zstd", ".zst"}};

const Format& format(Compression compression) { return k_formats[static_cast<std::size_t>(compression)]; }

Status copy(std::string_view stored, std::span<char> raw) {
    if (stored.size() > raw.size()) {
        return too_long(raw);
    }
    std::copy(stored.begin(), stored.end(), raw.begin());
    return ended(stored.size(), raw, 0);
}

}  // namespace

std::string_view name(Compression compression) { return format(compression).name; }
std::string_view suffix(Compression compression) { return format(compression).suffix; }

std::optional<Compression> compression_named(std::string_view name) {
    for (std::size_t i = 0; i < k_formats.size(); ++i) {
        if (k_formats[i].name == name) {
            return static_cast<Compression>(i);
        }
    }
    return std::nullopt;
}

Failure damaged(std::string_view why) { return error(AgentCode::decode_failed, why); }
Failure out_of_memory() { return error(AgentCode::out_of_memory, "decompressing a chunk"); }

Failure too_long(std::span<char> raw) {
    return error(AgentCode::decoded_size, {"more than ", std::to_string(raw.size()), " bytes come out"});
}

Status ended(std::size_t bytes, std::span<char> raw, std::size_t rest) {
    if (bytes != raw.size()) {
        return error(AgentCode::decoded_size,
                     {std::to_string(bytes), " bytes come out, not ", std::to_string(raw.size())});
    }
    if (rest != 0) {
        return error(AgentCode::decoded_rest, {std::to_string(rest), " bytes stand behind the end"});
    }
    return {};
}

Decoder::Decoder() : zstd_(std::make_unique<Zstd>()) {}
Decoder::~Decoder() = default;

Status Decoder::decode_with(Compression compression, std::string_view stored, std::span<char> raw) {
    switch (compression) {
        case Compression::none: return copy(stored, raw);
        case Compression::gzip: return decode_gzip(stored, raw);
        case Compression::xz: return decode_xz(stored, raw);
        case Compression::zstd: return zstd_->decode(stored, raw);
    }
    return damaged("no such compression");
}

Result<std::size_t> Decoder::decode(Compression compression, std::string_view stored, std::span<char> raw) {
    if (raw.empty() || raw.size() > limits::k_chunk_most_bytes) {
        return error(AgentCode::limit_exceeded, {"a chunk of ", std::to_string(raw.size()), " bytes"});
    }
    TRY(decode_with(compression, stored, raw));
    return raw.size();
}

}  // namespace hagent::decode
