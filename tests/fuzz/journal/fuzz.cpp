// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of the journal's framing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/base/limits.h"
#include "agent/journal/record.h"

using namespace hagent;
using namespace hagent::journal;

namespace {

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// What a writer would have written for these records.
std::string written(const std::vector<Record>& records) {
    std::string out(k_magic);
    for (const Record& record : records) {
        demand(record.payload.size() <= limits::k_journal_record_bytes);
        out += encode(record);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const Replay found = replay(bytes);
    const std::string content = written(found.records);
    demand(found.good_bytes <= size);
    if (found.tail == Tail::clean || (found.tail == Tail::torn && found.good_bytes > 0)) {
        // What was taken for good is, byte for byte, what a writer would have written.
        demand(content == bytes.substr(0, static_cast<std::size_t>(found.good_bytes)));
    }
    // What is written anew after damage says the same, and a record behind it is found.
    const Replay again = replay(content + encode({7, "added"}), content);
    demand(again.tail == Tail::clean && again.records.size() == found.records.size() + 1 && again.lost == found.lost);
    // Of two files the one that is whole makes the other one good, whatever that holds.
    if (found.tail == Tail::clean && size > k_magic.size()) {
        std::string bad = bytes;
        bad[size / 2] = static_cast<char>(bad[size / 2] ^ 0x10);
        demand(replay(bytes, bad).records == found.records);
        demand(replay(bad, bytes).records == found.records);
    }
    return 0;
}
