// SPDX-License-Identifier: Apache-2.0
// Owns Packer: chunks into their stored form, many at a time, by the host's program.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/decode/decode.h"
#include "platform/files.h"
#include "platform/process.h"

namespace hagent::image {

/// One chunk on its way.
struct PackedChunk {
    std::array<std::uint8_t, 32> sha256{};  // of the raw bytes
    std::uint32_t raw_bytes = 0;
    std::size_t file = 0;  // which of the scratch files holds it
};

/// Takes chunks until it is full; then the program packs them all in one go, each in a file of its own, and they are
/// given back in their order. A chunk that is there already (zeros, mostly) is packed once.
class Packer {
public:
    Packer(platform::Files& files, platform::Processes& processes, std::string scratch, decode::Compression compression,
           unsigned level, std::uint32_t chunk_bytes);

    [[nodiscard]] Status add(std::string_view raw);
    [[nodiscard]] bool full() const { return chunks_.size() >= k_most_chunks || files_.size() >= most_files_; }

    /// Packs what was added, and hands each chunk with its stored bytes to `take`; empty then.
    template <class Take>
    [[nodiscard]] Status flush(const CancelToken& cancel, const Take& take) {
        TRY(run(cancel));
        for (const PackedChunk& chunk : chunks_) {
            const std::string stored = TRY(stored_of(chunk));
            TRY(take(chunk, stored));
        }
        chunks_.clear();
        files_.clear();
        return {};
    }

private:
    static constexpr std::size_t k_most_chunks = 8192;

    [[nodiscard]] std::string path_of(std::size_t file) const;
    [[nodiscard]] std::vector<std::string> argv() const;
    [[nodiscard]] Status run(const CancelToken& cancel);
    /// Reads it and sees that a device can unpack it.
    [[nodiscard]] Result<std::string> stored_of(const PackedChunk& chunk);

    platform::Files& of_host_;
    platform::Processes& processes_;
    std::string scratch_;
    decode::Compression compression_;
    unsigned level_;
    std::uint32_t chunk_bytes_;
    std::size_t most_files_;
    std::vector<PackedChunk> chunks_;
    std::vector<std::array<std::uint8_t, 32>> files_;  // what the scratch files hold
    std::vector<char> check_;
    decode::Decoder decoder_;
};

}  // namespace hagent::image
