// SPDX-License-Identifier: Apache-2.0
// Owns the rules of a chunk table's lines.
#include "agent/image/chunk_table.h"

#include <algorithm>
#include <span>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::image {

Result<ChunkTable> ChunkTable::open(platform::Files& files, const std::string& path, const Part& part,
                                    std::uint64_t image_bytes) {
    return ChunkTable(TRY(files.open(path, platform::OpenMode::read)), part, image_bytes);
}

/// The next line without its end; none at the end of the file.
Result<std::optional<std::string_view>> ChunkTable::line() {
    for (bool whole_window = false;; whole_window = true) {
        const bool inside = place_.at >= window_at_ && place_.at - window_at_ <= window_.size();
        const auto rest =
            inside ? std::string_view(window_).substr(narrow<std::size_t>(place_.at - window_at_)) : std::string_view();
        const auto end = rest.find('\n');
        if (end != std::string_view::npos) {
            return std::optional(rest.substr(0, end));
        }
        if (whole_window) {  // begins with the line, so that this is the file's last one, or one without end
            return rest.empty() ? std::optional<std::string_view>() : std::optional(rest);
        }
        window_.resize(k_window_bytes);
        window_at_ = place_.at;
        std::size_t filled = 0;
        for (std::size_t got = 1; got > 0 && filled < window_.size(); filled += got) {
            got = TRY(file_->read_at(window_at_ + filled, std::span(window_).subspan(filled)));
        }
        window_.resize(filled);
    }
}

Failure ChunkTable::malformed(TextView why) const {
    return error(errors::AgentCode::chunk_table_malformed,
                 {part_.chunks, ": line ", std::to_string(place_.chunk + 1), ": ", why});
}

Result<Chunk> ChunkTable::parse(std::string_view line) const {
    constexpr std::string_view k_no_line = "is not OFFSET BYTES SHA256";
    const auto fields = split(line, ' ');
    if (fields.size() != 3) {
        return malformed(k_no_line);
    }
    const auto offset = parse_u64(fields[0]);
    const auto bytes = parse_u64(fields[1]);
    const auto digest = from_hex(fields[2]);
    if (!offset || !bytes || !digest || digest->size() != 32) {
        return malformed(k_no_line);
    }
    Chunk out;
    out.number = place_.chunk;
    out.offset = *offset;
    out.raw_bytes = part_.raw_bytes_of(place_.chunk);
    if (out.offset != place_.offset) {
        return malformed(concat({"the chunk begins at ", std::to_string(out.offset), ", the one before it ends at ",
                                 std::to_string(place_.offset)}));
    }
    const bool stored_raw = part_.compression == decode::Compression::none;
    if (*bytes == 0 || (stored_raw ? *bytes != out.raw_bytes : *bytes > out.raw_bytes + limits::k_chunk_growth_bytes)) {
        return malformed(
            concat({std::to_string(*bytes), " bytes cannot hold this chunk of ", std::to_string(out.raw_bytes)}));
    }
    if (image_bytes_ < out.offset || image_bytes_ - out.offset < *bytes) {
        return malformed(
            concat({"the chunk ends behind the end of ", part_.file, " at ", std::to_string(image_bytes_)}));
    }
    out.stored_bytes = static_cast<std::uint32_t>(*bytes);
    std::copy(digest->begin(), digest->end(), out.sha256.begin());
    return out;
}

Result<std::optional<Chunk>> ChunkTable::next() {
    const auto text = TRY(line());
    const std::uint64_t count = part_.chunk_count();
    if (place_.chunk == count) {
        if (text) {
            return malformed(concat({"there is a line more than the ", std::to_string(count), " chunks"}));
        }
        if (place_.offset != image_bytes_) {
            return malformed(concat({"the chunks end at ", std::to_string(place_.offset), ", and ", part_.file, " at ",
                                     std::to_string(image_bytes_)}));
        }
        return std::optional<Chunk>();
    }
    if (!text) {
        return malformed(concat({"is missing: there are ", std::to_string(count), " chunks"}));
    }
    Chunk chunk = TRY(parse(*text));
    place_ = {place_.chunk + 1, place_.at + text->size() + 1, chunk.offset + chunk.stored_bytes};
    return std::optional(chunk);
}

void ChunkTable::go_to(const Place& place) { place_ = place; }

Status ChunkTable::skip_to(std::uint64_t chunk) {
    if (chunk < place_.chunk) {
        place_ = {};
    }
    while (place_.chunk < chunk) {
        if (!TRY(next())) {
            return malformed("is missing");
        }
    }
    return {};
}

}  // namespace hagent::image
