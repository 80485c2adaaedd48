// SPDX-License-Identifier: Apache-2.0
// Owns the bytes of the notes that a writer keeps of its work (FORMAT.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/image/slot_writer.h"

namespace hagent::image {

struct WriteProgress {
    unsigned part = 0;
    std::uint32_t chunk = 0;  // of that part: all before it is written and synced
    ChunkCounts counts;
};

inline constexpr std::size_t k_progress_note_bytes = 256;

[[nodiscard]] std::string plan_note(const std::vector<ChunkSource>& sources);
[[nodiscard]] std::size_t plan_note_bytes(std::uint32_t chunks);
/// Empty unless the note is whole and is about so many chunks.
[[nodiscard]] std::optional<std::vector<ChunkSource>> sources_from(std::string_view note, std::uint32_t chunks);

[[nodiscard]] std::string progress_note(const WriteProgress& progress);
[[nodiscard]] std::optional<WriteProgress> progress_from(std::string_view note);

}  // namespace hagent::image
