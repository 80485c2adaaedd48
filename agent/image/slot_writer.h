// SPDX-License-Identifier: Apache-2.0
// Owns the writing of an image into the devices of a slot: chunk by chunk, each checked before it is written, so that
// it can go on after a power cut.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/limits.h"
#include "agent/base/result.h"
#include "agent/decode/decode.h"
#include "agent/image/chunk_sources.h"
#include "agent/image/chunk_table.h"
#include "agent/image/image_member.h"
#include "agent/work/package.h"
#include "platform/block_device.h"
#include "platform/files.h"

namespace hagent::image {

struct WritePart {
    Part part;
    std::string table;              // path of the verified chunk table on this device
    std::uint64_t image_bytes = 0;  // of the image file, as it is stored
    PartDevices devices;
};

/// What was written so far, or is to be.
struct ChunkCounts {
    std::uint32_t total = 0, kept = 0, copied = 0, fetched = 0;
    std::uint64_t fetch_bytes = 0;  // as they stand in the image file

    void add(From from, std::uint32_t stored_bytes);
    [[nodiscard]] std::string json() const;
};

/// What the writer keeps in a folder of its own until the image is written (FORMAT.md).
struct WriteNotes {
    std::string plan, heads, progress;
    explicit WriteNotes(const std::string& folder);
};

/// Where each chunk of the parts comes from, as `sources` has it.
[[nodiscard]] Result<ChunkCounts> count_chunks(const std::vector<WritePart>& parts,
                                               const std::vector<ChunkSource>& sources, platform::Files& files);
/// Asks a search for every chunk of the parts.
[[nodiscard]] Result<std::vector<ChunkSource>> find_sources(const std::vector<WritePart>& parts, platform::Files& files,
                                                            const CancelToken& cancel);

/// For one image and one slot. The order of the calls is that of the members; each may be repeated after a power cut,
/// in a later life behind resume(). Nobody else writes to the devices meanwhile.
class SlotWriter {
public:
    struct Services {
        work::PackageFiles& package;
        platform::Files& files;
        const CancelToken& cancel;
        std::string notes;  // folder that outlives a restart
        std::uint64_t unsynced_bytes = limits::k_image_unsynced_bytes;
    };
    SlotWriter(std::vector<WritePart> parts, Services services);

    /// Keeps what is to be done, and the heads of the parts: durable, and nothing is changed on the devices.
    [[nodiscard]] Status begin(std::vector<ChunkSource> sources);
    /// Takes up what begin() has kept; false: it has not come so far.
    [[nodiscard]] Result<bool> resume();
    /// From now on nothing in the slot can be started, and it says so itself: the heads are gone, durably.
    [[nodiscard]] Status clear_heads();
    /// Everything of that part but its head. Errors: image_chunk_bad after the tries are used up, those of the device
    /// and of the transfer, cancelled.
    [[nodiscard]] Status write_part(unsigned number);
    /// Writes the heads, reads all back past the cache and compares; what differs is written once more. Errors:
    /// image_verify_failed (the heads are cleared again), and as above.
    [[nodiscard]] Status finish();

    [[nodiscard]] const ChunkCounts& counts() const { return counts_; }

private:
    class Incoming;
    friend class Incoming;

    [[nodiscard]] Status open_table(unsigned number, std::uint32_t chunk);
    [[nodiscard]] Status advance();
    [[nodiscard]] Status take_chunks(std::uint32_t doubtful);
    [[nodiscard]] Status place_chunk();
    [[nodiscard]] Status fetch_run(std::uint32_t end);
    [[nodiscard]] Result<bool> stands(const ChunkSource& place);
    [[nodiscard]] Status put(std::span<char> raw);
    [[nodiscard]] Status settle();
    [[nodiscard]] Status note_progress();
    [[nodiscard]] Status verify(unsigned number);
    [[nodiscard]] Result<bool> reads_back(unsigned number);
    [[nodiscard]] Status repair(unsigned number);
    [[nodiscard]] Status keep_heads();
    [[nodiscard]] std::size_t head_bytes(unsigned number) const;
    [[nodiscard]] ChunkSource& source() { return sources_[first_[part_] + chunk_]; }
    [[nodiscard]] const PartDevices& devices() const { return parts_[part_].devices; }
    [[nodiscard]] bool at_end() const { return !row_.has_value(); }

    std::vector<WritePart> parts_;
    Services services_;
    WriteNotes notes_;
    std::vector<std::uint32_t> first_;  // number of each part's first chunk in `sources_`, and of the end
    std::vector<ChunkSource> sources_;
    std::vector<std::string> heads_;
    ChunkCounts counts_;
    ChunkBuffer raw_;
    std::string stored_;
    decode::Decoder decoder_;

    // where we are
    unsigned part_ = 0;
    std::uint32_t chunk_ = 0;
    std::optional<ChunkTable> table_;
    std::optional<Chunk> row_;
    std::vector<std::uint32_t> sizes_;  // stored bytes of the chunks of this part
    std::uint64_t unsynced_ = 0;
    bool resumed_ = false;  // what was written last may be there although no note says so
    bool whole_ = false;    // heads are written with their chunks
};

}  // namespace hagent::image
