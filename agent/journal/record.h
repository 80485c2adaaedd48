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

[[nodiscard]] std::string encode(const Record& record);

enum class Tail : std::uint8_t {
    clean,    // the bytes end with a record
    torn,     // the last record is incomplete, and nothing follows that could be one
    damaged,  // a bad record is followed by good ones
    foreign   // the bytes do not begin with k_magic and are no torn beginning of it
};

struct Replay {
    std::vector<Record> records;   // all before the first bad one
    std::uint64_t good_bytes = 0;  // where the first bad record begins, or the end
    Tail tail = Tail::clean;
};

/// Reads a whole journal file. Any input gives an answer.
[[nodiscard]] Replay replay(std::string_view bytes);

}  // namespace hagent::journal
