// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of the journal's framing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/base/limits.h"
#include "agent/journal/record.h"

using namespace hagent;
using namespace hagent::journal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const Replay found = replay(bytes);
    if (found.good_bytes > size || (found.tail == Tail::clean && found.good_bytes != size)) {
        std::abort();
    }
    // What was taken for good is, byte for byte, what a writer would have written.
    std::string again = found.good_bytes == 0 ? "" : std::string(k_magic);
    for (const Record& record : found.records) {
        if (record.payload.size() > limits::k_journal_record_bytes) {
            std::abort();
        }
        again += encode(record);
    }
    if (again != bytes.substr(0, static_cast<std::size_t>(found.good_bytes))) {
        std::abort();
    }
    // A good record behind the good part is found again.
    const Replay more = replay(again.empty() ? std::string(k_magic) : again + encode({7, "added"}));
    if (more.tail != Tail::clean || more.records.size() != found.records.size() + (again.empty() ? 0 : 1)) {
        std::abort();
    }
    return 0;
}
