// SPDX-License-Identifier: Apache-2.0
// Owns TrustedTime: what time it is at least, whatever the clock says: one that is set back revives nothing.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "platform/files.h"

namespace hagent::trust {

/// The newest time at which the clock was trusted, kept over restarts. Thread-safe; one for each state directory.
/// Format: FORMAT.md.
class TrustedTime {
public:
    TrustedTime(platform::Files& files, std::string path) : files_(files), path_(std::move(path)) {}

    /// What expiries are judged by.
    struct Now {
        WallTime time;           // the clock, but never earlier than the newest time that was trusted
        bool trusted = false;    // false: nothing expires
        std::string floor_note;  // for people, when the clock is earlier than that; else empty
    };
    /// `clock`: what it says now. Kept are the first time, every hour, and with `exactly` any later one. Errors:
    /// corrupt_journal when no copy of the file can be read, then nothing may be trusted that expires; those of Files.
    /// That it cannot be written is none: this life remembers.
    [[nodiscard]] Result<Now> now(WallTime clock, bool exactly = false);

    /// The latest of what is known without the network: `clock`, this release's date, the newest time that was trusted.
    /// Certificates are judged by it: a clock that was lost must not lock the device out. Writes nothing.
    [[nodiscard]] WallTime latest(WallTime clock);

    /// What became of a check that was made with such a time. An expiry that has passed is made durable, so that it has
    /// passed for good, and the note is added to its error.
    [[nodiscard]] Status judged(Status outcome, const Now& by);

    /// corrupt_journal with the file in its context, when a copy of it was damaged.
    [[nodiscard]] std::optional<Error> damage() const;

private:
    [[nodiscard]] Status load();

    platform::Files& files_;
    const std::string path_;
    mutable std::mutex mutex_;
    bool loaded_ = false;
    std::optional<WallTime> floor_, written_;
    std::optional<Error> damage_;
};

}  // namespace hagent::trust
