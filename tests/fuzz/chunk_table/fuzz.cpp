// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of chunk tables. The input's first line says RAW_BYTES CHUNK_BYTES IMAGE_BYTES, the table
// follows: whatever stands there, chunks fit together, and reading that begins elsewhere finds the same ones.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/image/chunk_table.h"
#include "tests/fakes/fake_files.h"
#include "tests/fuzz/require.h"

using namespace hagent;
using namespace hagent::image;
using hagent::fuzz::require;

namespace {

struct Input {
    Part part{"root", "root.img", "root.chunks", decode::Compression::zstd, 3 * 4096 - 1, std::string(64, 'a'), 4096};
    std::uint64_t image_bytes = 100;
    std::string_view table;
};

Input input_of(std::string_view text) {
    Input out;
    const auto end = text.find('\n');
    out.table = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const auto numbers = split(text.substr(0, end), ' ');
    const auto number = [&](std::size_t i, std::uint64_t other) {
        return i < numbers.size() ? parse_u64(numbers[i], std::uint64_t{1} << 62U).value_or(other) : other;
    };
    out.part.raw_bytes = std::max<std::uint64_t>(1, number(0, out.part.raw_bytes));
    const auto chunk_bytes = number(1, out.part.chunk_bytes);
    out.part.chunk_bytes = valid_chunk_bytes(chunk_bytes) ? static_cast<std::uint32_t>(chunk_bytes) : 4096;
    out.image_bytes = number(2, out.image_bytes);
    if (numbers.size() > 3) {
        out.part.compression = decode::compression_named(numbers[3]).value_or(decode::Compression::zstd);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Input input = input_of({reinterpret_cast<const char*>(data), size});
    fakes::FakeFiles files;
    files.put("/table", std::string(input.table));
    auto table = ChunkTable::open(files, "/table", input.part, input.image_bytes);
    require(table.ok());
    std::vector<Chunk> chunks;
    std::uint64_t at = 0, raw = 0;
    bool whole = false;
    for (auto next = table->next(); next.ok(); next = table->next()) {
        if (!*next) {
            whole = true;
            break;
        }
        const Chunk& chunk = **next;
        require(chunk.number == chunks.size() && chunk.offset == at && chunk.stored_bytes > 0 && chunk.raw_bytes > 0);
        require(chunk.raw_bytes <= input.part.chunk_bytes &&
                chunk.stored_bytes <= chunk.raw_bytes + limits::k_chunk_growth_bytes);
        at += chunk.stored_bytes;
        raw += chunk.raw_bytes;
        require(at <= input.image_bytes && raw <= input.part.raw_bytes);
        chunks.push_back(chunk);
    }
    require(!whole || (at == input.image_bytes && raw == input.part.raw_bytes));
    if (!chunks.empty()) {
        const auto number = size % chunks.size();
        require(table->skip_to(number).ok());
        require(table->next().value() == chunks[number]);
    }
    return 0;
}
