// SPDX-License-Identifier: Apache-2.0
// Owns the record framing of the journal: bytes to records and back. Format: FORMAT.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hagent::journal {

struct Record {
    std::uint16_t type = 0;  // means what the journal's user says
    std::string payload;     // at most k_journal_record_bytes
    friend bool operator==(const Record&, const Record&) = default;
};

/// The file's first bytes: name and version of the format.
inline constexpr std::string_view k_magic = "HAJOURN1";

/// The type of a record that stands where others were lost, in both copies. Nobody else uses it.
inline constexpr std::uint16_t k_gap = 0xFFFF;

[[nodiscard]] std::string encode(const Record& record);

enum class Tail : std::uint8_t {
    clean,    // the file ends with a record
    torn,     // the last record is incomplete, and nothing follows that could be one: it was never acknowledged
    damaged,  // a record is bad that was good once: the copy has it, or good ones follow
    foreign   // not one record is in the file, and it is no torn beginning of one
};

struct Replay {
    std::vector<Record> records;   // all that are good in either file, with k_gap where neither has one
    std::uint64_t good_bytes = 0;  // of the file: where its first bad record begins, or its end
    Tail tail = Tail::clean;       // of the file
    bool lost = false;             // something is missing: a gap is among the records, also one of an earlier time
    bool copy_whole = false;       // the copy holds the same bytes, up to that end
    bool copy_damaged = false;     // a record in the copy is bad that was good once
};

/// Reads a journal file together with its copy: what is bad in one is taken from the other, what is bad in both is left
/// out. A copy that holds something else (the power went while both were written anew) does not count. Any input gives
/// an answer.
[[nodiscard]] Replay replay(std::string_view bytes, std::string_view copy = {});

}  // namespace hagent::journal
