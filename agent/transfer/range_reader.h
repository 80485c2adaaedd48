// SPDX-License-Identifier: Apache-2.0
// Owns RangeReader: parts of one large file, read from its sources without being stored.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/transfer/download.h"
#include "agent/transfer/rate.h"
#include "agent/transfer/standings.h"

namespace hagent::transfer {

struct RangedFile {
    std::vector<Source> sources;          // at least one, at most k_sources; tried in order, then round again
    std::uint64_t bytes = 0;              // of the whole file: a source where it has another size has another file
    std::uint64_t limit_bytes_per_s = 0;  // 0: what Options says
};

/// A part: bytes [offset, offset + bytes) of the file.
struct RangeWanted {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    bool another_source = false;  // what came last was wrong: not from there if there is another one, nor from a cache
};

/// One file, part by part. What was learned of its sources while one part came (who has refused, who has no ranges,
/// which version of the file each has) holds for the next ones.
class RangeReader {
public:
    using Take = std::function<Status(std::string_view)>;

    RangeReader(RangedFile file, platform::Clock& clock, unsigned attempts);

    /// Gives the part to `take`, each byte once and in order. Success: all of it was given. Sources, replies, cuts and
    /// waits are dealt with as a download does. Bytes are not checked: a part that was begun with one version of the
    /// file and ended with another one, after the source has said that it changed, fits no digest.
    /// Errors: no_source, limit_exceeded (the file has no such part), cancelled, what `take` returned,
    /// attempts_exhausted, no_ranges, and the row of the reply that ended it. The observer hears of the bytes of this
    /// part alone.
    [[nodiscard]] Status read(const RangeWanted& wanted, const Take& take, const DownloadServices& services,
                              DownloadObserver& observer);

private:
    class Reading;

    RangedFile file_;
    Standings sources_;
    std::vector<std::string> validators_;  // what each source has said of its file; empty: nothing yet
    Rate rate_;
};

}  // namespace hagent::transfer
