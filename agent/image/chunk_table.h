// SPDX-License-Identifier: Apache-2.0
// Owns the reading of chunk tables: text of any length, line by line, in constant memory. Format: FORMAT.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/result.h"
#include "agent/base/text_view.h"
#include "agent/image/image_member.h"
#include "platform/files.h"

namespace hagent::image {

struct Chunk {
    std::uint64_t number = 0;               // from 0; its raw bytes begin at number * chunk_bytes
    std::uint64_t offset = 0;               // of the stored bytes, in the image file
    std::uint32_t stored_bytes = 0;         // at least 1
    std::uint32_t raw_bytes = 0;            // chunk_bytes but for the last one
    std::array<std::uint8_t, 32> sha256{};  // of the raw bytes
    friend bool operator==(const Chunk&, const Chunk&) = default;
};

/// Reads one table. What has been given out holds as far as one can see up to that line: offsets from 0 on without gap
/// and overlap, sizes that chunks of this kind can have, never past the end of the image file. Whether the table ends
/// with the image is known at its end only.
class ChunkTable {
public:
    /// Where reading goes on; a value that may be kept (only of this table, and for as long as its file is the same).
    struct Place {
        std::uint64_t chunk = 0;   // the next to be read
        std::uint64_t at = 0;      // where its line begins
        std::uint64_t offset = 0;  // where its stored bytes begin
        friend bool operator==(const Place&, const Place&) = default;
    };

    /// `path`: the verified copy of part.chunks. `image_bytes`: the manifest's size of part.file.
    [[nodiscard]] static Result<ChunkTable> open(platform::Files& files, const std::string& path, const Part& part,
                                                 std::uint64_t image_bytes);

    /// The next chunk, or none behind the last one. Errors: chunk_table_malformed with the table's name and the line's
    /// number.
    [[nodiscard]] Result<std::optional<Chunk>> next();

    [[nodiscard]] Place place() const { return place_; }
    void go_to(const Place& place);
    /// Reads up to the chunk with that number, from the beginning where it is behind.
    [[nodiscard]] Status skip_to(std::uint64_t chunk);

private:
    static constexpr std::size_t k_window_bytes = 4096;

    ChunkTable(std::unique_ptr<platform::File> file, const Part& part, std::uint64_t image_bytes)
        : file_(std::move(file)), part_(part), image_bytes_(image_bytes) {}
    [[nodiscard]] Result<std::optional<std::string_view>> line();
    [[nodiscard]] Result<Chunk> parse(std::string_view line) const;
    [[nodiscard]] Failure malformed(TextView why) const;

    std::unique_ptr<platform::File> file_;
    Part part_;
    std::uint64_t image_bytes_;
    Place place_;
    std::uint64_t window_at_ = 0;  // of window_, in the file
    std::string window_;
};

}  // namespace hagent::image
