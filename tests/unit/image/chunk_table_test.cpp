// SPDX-License-Identifier: Apache-2.0
// Owns the tests of chunk tables: what is read, and every lie that one can tell.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/base/limits.h"
#include "agent/image/chunk_table.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::image;
using errors::AgentCode;

namespace {

constexpr std::uint32_t k_chunk = 4096;

struct Table {
    fakes::FakeFiles files;
    Part part{"root", "root.img", "root.chunks", decode::Compression::zstd, 2 * k_chunk + 100, std::string(64, 'a'),
              k_chunk};
    std::uint64_t image_bytes = 30;
    std::string text = line(0, 10, 'a') + line(10, 15, 'b') + line(25, 5, 'c');

    static std::string line(std::uint64_t offset, std::uint64_t bytes, char digit) {
        return std::to_string(offset) + " " + std::to_string(bytes) + " " + std::string(64, digit) + "\n";
    }

    Result<ChunkTable> open() {
        REQUIRE(files.write_durable("/table", text, 0600).ok());
        return ChunkTable::open(files, "/table", part, image_bytes);
    }

    /// All chunks; where that is refused what was given out before, and the context.
    struct Read {
        std::vector<Chunk> chunks;
        std::string refusal;
    };
    Read read() {
        Read out;
        auto table = open();
        REQUIRE(table.ok());
        for (;;) {
            const auto chunk = table->next();
            if (!chunk.ok()) {
                CHECK(chunk.error().is(AgentCode::chunk_table_malformed));
                out.refusal = chunk.error().context;
                return out;
            }
            if (!*chunk) {
                return out;
            }
            out.chunks.push_back(**chunk);
        }
    }
};

std::string refusal_of(const std::string& text) {
    Table table;
    table.text = text;
    return table.read().refusal;
}

}  // namespace

TEST_CASE("a table gives each chunk with where it lies and what must come out of it") {
    Table table;
    const auto read = table.read();
    CHECK(read.refusal.empty());
    REQUIRE(read.chunks.size() == 3);
    std::array<std::uint8_t, 32> digest{};
    digest.fill(0xBB);
    CHECK(read.chunks[1] == Chunk{1, 10, 15, k_chunk, digest});
    CHECK(read.chunks[2].raw_bytes == 100);
    CHECK(read.chunks[2].offset == 25);
}

TEST_CASE("the last line may lack its end, and digits may be capitals") {
    Table table;
    table.text.pop_back();
    CHECK(table.read().chunks.size() == 3);
    table.text[6] = 'A';
    CHECK(table.read().chunks.size() == 3);
}

TEST_CASE("a table that lies is refused at the line that lies") {
    const auto a = Table::line(0, 10, 'a'), b = Table::line(10, 15, 'b'), c = Table::line(25, 5, 'c');
    CHECK(refusal_of(a + b + c).empty());
    CHECK(refusal_of(Table::line(1, 9, 'a') + b + c).starts_with("root.chunks: line 1: "));
    CHECK(refusal_of(a + Table::line(11, 14, 'b') + c).starts_with("root.chunks: line 2: "));          // a gap
    CHECK(refusal_of(a + Table::line(9, 16, 'b') + c).starts_with("root.chunks: line 2: "));           // an overlap
    CHECK(refusal_of(a + Table::line(10, 0, 'b') + c).starts_with("root.chunks: line 2: "));           // nothing
    CHECK(refusal_of(a + b + Table::line(25, 6, 'c')).starts_with("root.chunks: line 3: "));           // past the end
    CHECK(refusal_of(a + b + Table::line(25, UINT64_MAX, 'c')).starts_with("root.chunks: line 3: "));  // far past it
    CHECK(refusal_of(a + b + Table::line(25, 4, 'c')).starts_with("root.chunks: line 4: the chunks end at 29"));
    CHECK(refusal_of(a + b).starts_with("root.chunks: line 3: is missing"));
    CHECK(refusal_of("").starts_with("root.chunks: line 1: is missing"));
    CHECK(refusal_of(a + b + c + Table::line(30, 1, 'd')).starts_with("root.chunks: line 4: there is a line more"));
    CHECK(refusal_of(a + b + c + "\n").starts_with("root.chunks: line 4: there is a line more"));
}

TEST_CASE("what is no line is refused") {
    const auto b = Table::line(10, 15, 'b'), c = Table::line(25, 5, 'c');
    const std::string digest(64, 'a');
    for (const std::string& first :
         {std::string("\n"), std::string("0 10\n"), "0 10 " + digest + " \n", "0  10 " + digest + "\n",
          " 0 10 " + digest + "\n", "0 10 " + digest + "\r\n", "0\t10\t" + digest + "\n", "0 10 " + digest + "a\n",
          "0 10 " + digest.substr(1) + "\n", "0 10 " + digest.substr(1) + "g\n", "+0 10 " + digest + "\n",
          "0 -10 " + digest + "\n", "0x0 10 " + digest + "\n", "0 18446744073709551616 " + digest + "\n",
          std::string(10000, '0') + "\n", std::string("0 10 \0\n", 7)}) {
        CAPTURE(first);
        CHECK(refusal_of(first + b + c).starts_with("root.chunks: line 1: is not OFFSET BYTES SHA256"));
    }
}

TEST_CASE("a chunk may be stored a little larger than it is, and without compression exactly as large") {
    Table table;
    table.image_bytes = k_chunk + limits::k_chunk_growth_bytes + 2;
    table.text = Table::line(0, k_chunk + limits::k_chunk_growth_bytes, 'a') +
                 Table::line(k_chunk + limits::k_chunk_growth_bytes, 1, 'b') +
                 Table::line(k_chunk + limits::k_chunk_growth_bytes + 1, 1, 'c');
    CHECK(table.read().refusal.empty());
    table.text = Table::line(0, k_chunk + limits::k_chunk_growth_bytes + 1, 'a');
    CHECK(table.read().refusal.starts_with("root.chunks: line 1: "));
    table.part.compression = decode::Compression::none;
    table.image_bytes = table.part.raw_bytes;
    table.text = Table::line(0, k_chunk, 'a') + Table::line(k_chunk, k_chunk, 'b') + Table::line(2 * k_chunk, 100, 'c');
    CHECK(table.read().refusal.empty());
    table.text = Table::line(0, k_chunk - 1, 'a');
    CHECK(table.read().refusal.starts_with("root.chunks: line 1: "));
}

TEST_CASE("reading goes on at a chunk, forwards and backwards, and at a place that was kept") {
    Table table;
    table.part.raw_bytes = std::uint64_t{500} * k_chunk;
    table.image_bytes = 500;
    table.text.clear();
    for (std::uint64_t i = 0; i < 500; ++i) {
        table.text += Table::line(i, 1, static_cast<char>('0' + i % 10));
    }
    auto reader = table.open();
    REQUIRE(reader.ok());
    REQUIRE(reader->skip_to(321).ok());
    const auto kept = reader->place();
    CHECK(kept.chunk == 321);
    CHECK(reader->next().value()->number == 321);
    REQUIRE(reader->skip_to(7).ok());
    CHECK(reader->next().value()->sha256[0] == 0x77);
    reader->go_to(kept);
    CHECK(reader->next().value()->sha256[0] == 0x11);
    REQUIRE(reader->skip_to(500).ok());
    CHECK_FALSE(reader->next().value().has_value());
    CHECK_FALSE(reader->skip_to(501).ok());
}

TEST_CASE("a table that is not there is told as such") {
    fakes::FakeFiles files;
    const Table table;
    const auto reader = ChunkTable::open(files, "/gone", table.part, 1);
    REQUIRE_FALSE(reader.ok());
    CHECK(reader.error().is(AgentCode::file_not_found));
}
