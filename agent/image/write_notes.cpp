// SPDX-License-Identifier: Apache-2.0
#include "agent/image/write_notes.h"

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::image {
namespace {

constexpr std::string_view k_plan_line = "hagent image plan 1\n";
constexpr std::size_t k_word = 4;

void put_word(std::string& out, std::uint32_t word) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        out += static_cast<char>((word >> shift) & 0xFFU);
    }
}

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
    std::uint32_t word = 0;
    for (unsigned i = 0; i < k_word; ++i) {
        word |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return word;
}

}  // namespace

WriteNotes::WriteNotes(const std::string& folder)
    : plan(folder + "/image.plan"), heads(folder + "/image.heads"), progress(folder + "/image.progress") {}

std::size_t plan_note_bytes(std::uint32_t chunks) { return k_plan_line.size() + (std::size_t{chunks} + 1) * k_word; }

std::string plan_note(const std::vector<ChunkSource>& sources) {
    std::string note(k_plan_line);
    note.reserve(plan_note_bytes(narrow<std::uint32_t>(sources.size())));
    for (const auto& source : sources) {
        put_word(note, source.word());
    }
    put_word(note, crc32(note));
    return note;
}

std::optional<std::vector<ChunkSource>> sources_from(std::string_view note, std::uint32_t chunks) {
    if (note.size() != plan_note_bytes(chunks) || !note.starts_with(k_plan_line) ||
        word_at(note, note.size() - k_word) != crc32(note.substr(0, note.size() - k_word))) {
        return std::nullopt;
    }
    std::vector<ChunkSource> sources;
    sources.reserve(chunks);
    for (std::size_t at = k_plan_line.size(); at + k_word < note.size(); at += k_word) {
        sources.emplace_back(word_at(note, at));
    }
    return sources;
}

std::string progress_note(const WriteProgress& progress) {
    const auto& counts = progress.counts;
    std::string note;
    for (const std::uint64_t number :
         {std::uint64_t{progress.part}, std::uint64_t{progress.chunk}, std::uint64_t{counts.kept},
          std::uint64_t{counts.copied}, std::uint64_t{counts.fetched}, counts.fetch_bytes}) {
        note += std::to_string(number) + " ";
    }
    note.back() = '\n';
    return note;
}

std::optional<WriteProgress> progress_from(std::string_view note) {
    constexpr std::size_t k_numbers = 6;
    if (!note.ends_with('\n')) {
        return std::nullopt;
    }
    note.remove_suffix(1);
    const auto fields = words(note);
    std::vector<std::uint64_t> numbers;
    for (const auto field : fields) {
        const auto number = parse_u64(field, numbers.size() + 1 < k_numbers ? UINT32_MAX : UINT64_MAX);
        if (!number) {
            return std::nullopt;
        }
        numbers.push_back(*number);
    }
    if (numbers.size() != k_numbers) {
        return std::nullopt;
    }
    WriteProgress progress;
    progress.part = static_cast<unsigned>(numbers[0]);
    progress.chunk = static_cast<std::uint32_t>(numbers[1]);
    progress.counts.kept = static_cast<std::uint32_t>(numbers[2]);
    progress.counts.copied = static_cast<std::uint32_t>(numbers[3]);
    progress.counts.fetched = static_cast<std::uint32_t>(numbers[4]);
    progress.counts.fetch_bytes = numbers[5];
    return progress;
}

}  // namespace hagent::image
