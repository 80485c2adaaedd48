// SPDX-License-Identifier: Apache-2.0
// Owns the reading of one xz stream (LZMA2, with or without the filter for x86 code).
#include <lzma.h>

#include "agent/decode/decoders.h"

namespace hagent::decode {
namespace {

/// Frees what the decoder holds.
struct Stream {
    lzma_stream state = LZMA_STREAM_INIT;
    Stream() = default;
    ~Stream() { lzma_end(&state); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
};

/// The dictionary is bounded where it is made (toolchains/builder/recipes.py), whatever the stream's head asks for: so
/// no limit has to be given here, and chunks that were packed with the settings for large files can be read.
lzma_ret run(lzma_stream& stream, std::string_view stored, std::span<char> raw) {
    const lzma_ret made = lzma_stream_decoder(&stream, UINT64_MAX, LZMA_IGNORE_CHECK);
    if (made != LZMA_OK) {
        return made;
    }
    stream.next_in = reinterpret_cast<const std::uint8_t*>(stored.data());
    stream.avail_in = stored.size();
    stream.next_out = reinterpret_cast<std::uint8_t*>(raw.data());
    stream.avail_out = raw.size();
    return lzma_code(&stream, LZMA_FINISH);
}

}  // namespace

Status decode_xz(std::string_view stored, std::span<char> raw) {
    Stream stream;
    switch (run(stream.state, stored, raw)) {
        case LZMA_STREAM_END: return ended(raw.size() - stream.state.avail_out, raw, stream.state.avail_in);
        case LZMA_MEM_ERROR: return out_of_memory();
        case LZMA_FORMAT_ERROR: return damaged("no xz stream begins here");
        case LZMA_OPTIONS_ERROR: return damaged("the xz stream needs a filter that is left out");
        case LZMA_OK:  // it wants more: bytes to read, or room
        case LZMA_BUF_ERROR:
            if (stream.state.avail_in > 0) {
                return too_long(raw);
            }
            [[fallthrough]];
        default: return damaged("xz data is damaged or cut");
    }
}

}  // namespace hagent::decode
