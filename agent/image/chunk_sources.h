// SPDX-License-Identifier: Apache-2.0
// Owns the answer to where each chunk of an image comes from: it stands in its place, it stands elsewhere on the
// device, or it has to be fetched.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "platform/block_device.h"

namespace hagent::image {

using Digest = std::array<std::uint8_t, 32>;

enum class From : std::uint8_t { fetch, kept, target, running };

/// One word, so that an image of 8,192 chunks takes 32 KiB.
class ChunkSource {
public:
    ChunkSource() = default;
    /// Chunk `place` of part number `part` of that slot.
    ChunkSource(From from, unsigned part, std::uint32_t place)
        : word_((static_cast<std::uint32_t>(from) << 30U) | (part << 27U) | place) {}
    explicit ChunkSource(std::uint32_t word) : word_(word) {}

    [[nodiscard]] From from() const { return static_cast<From>(word_ >> 30U); }
    [[nodiscard]] unsigned part() const { return (word_ >> 27U) & 7U; }
    [[nodiscard]] std::uint32_t place() const { return word_ & k_most_places; }
    [[nodiscard]] std::uint32_t word() const { return word_; }
    friend bool operator==(const ChunkSource&, const ChunkSource&) = default;

    static constexpr std::uint32_t k_most_places = (1U << 27U) - 1;

private:
    std::uint32_t word_ = 0;
};

/// One part of the image over the devices of the two slots.
struct PartDevices {
    std::uint32_t chunk_bytes = 0;
    std::uint64_t raw_bytes = 0;
    platform::BlockDevice* target = nullptr;
    platform::BlockDevice* running = nullptr;  // null: there is no other slot, or it has no such part

    [[nodiscard]] std::uint32_t chunks() const;
    /// Of the raw chunk with this number; the last one may be shorter.
    [[nodiscard]] std::uint32_t bytes_of(std::uint32_t chunk) const;
};

/// Finds what the device holds already. First every chunk of the image is wanted, part after part in their order, then
/// both slots are looked through once, chunk by chunk. What is found is a promise of that moment only: whoever copies a
/// chunk hashes it again. In memory: 20 bytes for each wanted chunk, nothing for what the slots hold.
class ChunkSearch {
public:
    void want(const Digest& digest);
    /// Chunks of `parts` were wanted in this order. A chunk is taken from the target only where the order of writing
    /// leaves it there until it is needed. Errors: those of the devices; cancelled.
    [[nodiscard]] Result<std::vector<ChunkSource>> search(const std::vector<PartDevices>& parts,
                                                          const CancelToken& cancel);

private:
    struct Wanted {
        std::uint64_t key;    // the beginning of the digest
        std::uint32_t chunk;  // number in all of the image
        friend auto operator<=>(const Wanted&, const Wanted&) = default;
    };
    struct Looked;

    [[nodiscard]] Status look_through(platform::BlockDevice& device, From slot, unsigned part,
                                      const CancelToken& cancel);
    void found(const Looked& place, const Digest& digest);
    void share();
    [[nodiscard]] std::uint32_t number_of(unsigned part, std::uint32_t place) const;

    std::vector<Wanted> wanted_;
    std::vector<ChunkSource> sources_;
    std::vector<PartDevices> parts_;
    std::vector<std::uint32_t> first_;  // number of the first chunk of each part, and of the end
    std::optional<Digest> zeros_;       // digest of a chunk of zeros of this length
    std::size_t zero_bytes_ = 0;
};

/// A raw chunk in memory, at an address from which it can be written past the cache.
class ChunkBuffer {
public:
    explicit ChunkBuffer(std::size_t bytes);
    [[nodiscard]] std::span<char> first(std::size_t bytes) { return {bytes_.get(), bytes}; }
    [[nodiscard]] std::string_view text(std::size_t bytes) const { return {bytes_.get(), bytes}; }

private:
    struct Free {
        void operator()(char* bytes) const;
    };
    std::unique_ptr<char, Free> bytes_;
};

/// Fills `out`; io_error where the device ends before.
[[nodiscard]] Status read_fully(platform::BlockDevice& device, std::uint64_t offset, std::span<char> out);
[[nodiscard]] Digest digest_of(std::string_view bytes);

}  // namespace hagent::image
