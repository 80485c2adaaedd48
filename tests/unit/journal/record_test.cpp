// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the journal's framing.
#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "agent/journal/record.h"

using namespace hagent;
using namespace hagent::journal;

namespace {

const std::vector<Record> k_records = {{1, "first"}, {2, ""}, {65534, std::string("\0\xFF\n", 3)}};

std::string file_of(const std::vector<Record>& records) {
    std::string out(k_magic);
    for (const Record& record : records) {
        out += encode(record);
    }
    return out;
}

}  // namespace

TEST_CASE("the bytes of a record are as the format says") {
    // length 2, CRC-32 of "02000000" "0700" "hi", type 7, payload; the CRC was computed with Python's zlib.
    const std::string expected("\x02\x00\x00\x00\xFE\xD8\x9A\x23\x07\x00hi", 12);
    CHECK(encode({7, "hi"}) == expected);
}

TEST_CASE("records are read back as they were written") {
    const Replay found = replay(file_of(k_records));
    CHECK(found.tail == Tail::clean);
    CHECK(found.records == k_records);
    CHECK(found.good_bytes == file_of(k_records).size());
}

TEST_CASE("a file cut anywhere gives the whole records before the cut") {
    const std::string file = file_of(k_records);
    for (std::size_t length = 0; length < file.size(); ++length) {
        const Replay found = replay(std::string_view(file).substr(0, length));
        CAPTURE(length);
        CHECK(found.tail != Tail::damaged);
        CHECK(found.tail != Tail::foreign);
        CHECK(found.good_bytes <= length);
        CHECK(found.records.size() < k_records.size());
        for (std::size_t i = 0; i < found.records.size(); ++i) {
            CHECK(found.records[i] == k_records[i]);
        }
    }
}

TEST_CASE("no flipped bit goes unnoticed") {
    const std::string file = file_of(k_records);
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
        std::string bad = file;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
        const Replay found = replay(bad);
        CAPTURE(bit);
        CHECK(found.tail != Tail::clean);
        const bool magic = bit < k_magic.size() * 8;  // costs no record
        CHECK((found.records == k_records) == magic);
        CHECK((found.lost || found.tail != Tail::damaged || magic));
    }
}

TEST_CASE("a flipped, zeroed or filled byte of one file is made good by the other, and told") {
    const std::string file = file_of(k_records);
    for (std::size_t at = 0; at < file.size(); ++at) {
        for (const int change : {1, 0x80, 0xFF, static_cast<int>(static_cast<std::uint8_t>(file[at]))}) {
            std::string bad = file;
            bad[at] = static_cast<char>(bad[at] ^ change);
            if (bad == file) {
                continue;
            }
            CAPTURE(at);
            CAPTURE(change);
            const Replay own = replay(bad, file), other = replay(file, bad);
            CHECK(own.records == k_records);
            CHECK(own.tail == Tail::damaged);
            CHECK_FALSE(own.lost);
            CHECK(other.records == k_records);
            CHECK(other.tail == Tail::clean);
            CHECK_FALSE(other.copy_whole);
            CHECK(
                (other.copy_damaged || (at + 1 == file.size() && bad[at] == 0)));  // looks like the end of a torn write
        }
    }
}

TEST_CASE("a file cut anywhere is made good by its copy, and told; a copy cut anywhere is only made good") {
    const std::string file = file_of(k_records);
    for (std::size_t length = 0; length < file.size(); ++length) {
        CAPTURE(length);
        const auto cut = std::string_view(file).substr(0, length);
        const Replay own = replay(cut, file), other = replay(file, cut);
        CHECK(own.records == k_records);
        CHECK(own.tail == Tail::damaged);
        CHECK_FALSE(own.lost);
        CHECK(other.records == k_records);
        CHECK(other.tail == Tail::clean);
        CHECK_FALSE(other.copy_whole);
        CHECK_FALSE(other.copy_damaged);
    }
}

TEST_CASE("both files damaged at different places lose nothing, at the same place only that record") {
    std::string own = file_of(k_records), other = own;
    own[k_magic.size() + 11] ^= 1;
    other.back() ^= 1;
    CHECK(replay(own, other).records == k_records);
    CHECK_FALSE(replay(own, other).lost);
    CHECK(replay(own, own).records == std::vector<Record>{{k_gap, ""}, k_records[1], k_records[2]});
    CHECK(replay(own, own).lost);
}

TEST_CASE("a copy that holds something else does not count") {
    const std::string file = file_of({{1, "first"}, {2, "second"}});
    for (const auto& other : {file_of({{1, "compacted"}}), file_of({{1, "first"}, {9, "second"}, {3, "third"}})}) {
        const Replay found = replay(file, other);
        CHECK(found.records == std::vector<Record>{{1, "first"}, {2, "second"}});
        CHECK(found.tail == Tail::clean);
        CHECK_FALSE(found.copy_whole);
        CHECK_FALSE(found.copy_damaged);
    }
}

TEST_CASE("damage before good records is told from a torn tail") {
    std::string file = file_of({{1, "first"}, {2, "second"}, {3, "third"}});
    const std::size_t second = file_of({{1, "first"}}).size();
    file[second + 11] = static_cast<char>(file[second + 11] ^ 1);
    const Replay found = replay(file);
    CHECK(found.tail == Tail::damaged);
    CHECK(found.records == std::vector<Record>{{1, "first"}, {k_gap, ""}, {3, "third"}});
    CHECK(found.lost);
    CHECK(found.good_bytes == second);
    CHECK(replay(file_of({{1, "first"}}) + "garbage that is no record at all").tail == Tail::torn);
    CHECK(replay(file_of({{1, "first"}}) + std::string(1000, '\0')).tail == Tail::torn);
}

TEST_CASE("a file that does not begin with the magic is foreign") {
    CHECK(replay("").tail == Tail::torn);
    CHECK(replay(k_magic.substr(0, 5)).tail == Tail::torn);
    CHECK(replay("HAJOURN2").tail == Tail::foreign);
    CHECK(replay("x").tail == Tail::foreign);
}

TEST_CASE("a length beyond the limit is no record, whatever its CRC") {
    const std::string file = file_of({{1, std::string(limits::k_journal_record_bytes + 1, 'x')}});
    CHECK(replay(file).records.empty());
    CHECK(replay(file_of({{1, std::string(limits::k_journal_record_bytes, 'x')}})).records.size() == 1);
}
