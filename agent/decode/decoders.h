// SPDX-License-Identifier: Apache-2.0
// Owns what the decoders share: one function or class for each library, and the errors that all of them have.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "agent/base/result.h"

struct ZSTD_DCtx_s;

namespace hagent::decode {

// Each fills all of `raw`, which is not empty, or fails as Decoder::decode() says.
[[nodiscard]] Status decode_gzip(std::string_view stored, std::span<char> raw);
[[nodiscard]] Status decode_xz(std::string_view stored, std::span<char> raw);

/// The same for zstd. Its working memory is made for the first chunk and kept: to make it anew takes longer than many a
/// chunk.
class Zstd {
public:
    [[nodiscard]] Status decode(std::string_view stored, std::span<char> raw);

private:
    struct Free {
        void operator()(ZSTD_DCtx_s* context) const;
    };
    std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

[[nodiscard]] Failure damaged(std::string_view why);
[[nodiscard]] Failure out_of_memory();
/// More comes out than fits.
[[nodiscard]] Failure too_long(std::span<char> raw);
/// The chunk has ended after `bytes` of raw bytes and with `rest` of its own left: good only if that was all of both.
[[nodiscard]] Status ended(std::size_t bytes, std::span<char> raw, std::size_t rest);

}  // namespace hagent::decode
