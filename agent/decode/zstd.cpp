// SPDX-License-Identifier: Apache-2.0
// Owns the reading of one zstd frame. Source: RFC 8878.
#include <zstd.h>
#include <zstd_errors.h>

#include "agent/decode/decoders.h"

namespace hagent::decode {
namespace {

Failure failure(std::size_t code, std::span<char> raw) {
    switch (ZSTD_getErrorCode(code)) {
        case ZSTD_error_dstSize_tooSmall: return too_long(raw);
        case ZSTD_error_memory_allocation: return out_of_memory();
        case ZSTD_error_prefix_unknown: return damaged("no zstd frame begins here");
        case ZSTD_error_dictionary_wrong: return damaged("the zstd frame needs a dictionary");
        default: return damaged("zstd data is damaged or cut");
    }
}

}  // namespace

void Zstd::Free::operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }

// What is decoded at once needs no window beside `raw`, however large the frame's head says it is.
Status Zstd::decode(std::string_view stored, std::span<char> raw) {
    constexpr std::string_view k_magic = "\x28\xB5\x2F\xFD";  // of a frame that is not to be skipped
    if (!stored.starts_with(k_magic)) {
        return damaged("no zstd frame begins here");
    }
    const std::size_t frame = ZSTD_findFrameCompressedSize(stored.data(), stored.size());
    if (ZSTD_isError(frame) != 0) {
        return failure(frame, raw);
    }
    if (!context_) {
        context_.reset(ZSTD_createDCtx());
    }
    if (!context_) {
        return out_of_memory();
    }
    const std::size_t bytes = ZSTD_decompressDCtx(context_.get(), raw.data(), raw.size(), stored.data(), frame);
    if (ZSTD_isError(bytes) != 0) {
        return failure(bytes, raw);
    }
    return ended(bytes, raw, stored.size() - frame);
}

}  // namespace hagent::decode
