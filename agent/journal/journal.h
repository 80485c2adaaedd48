// SPDX-License-Identifier: Apache-2.0
// Owns Journal: an append-only file of typed records that survives a power cut at any moment. Format: FORMAT.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/journal/record.h"
#include "platform/files.h"

namespace hagent::journal {

/// One writer: the caller holds a lock on the directory. Not thread-safe.
class Journal {
public:
    /// Opens or creates `path` (its directory exists) and replays it. A torn tail is cut off silently. At damage that
    /// is followed by good records replay stops: damage() says so, what could not be used is kept as `path`.damaged.
    [[nodiscard]] static Result<Journal> open(platform::Files& files, std::string path);

    Journal(Journal&&) noexcept = default;
    Journal& operator=(Journal&&) noexcept = default;

    /// Writes one record and syncs; once this returns success the record is there after any power cut. After an error
    /// the journal holds what it held before (the record may or may not be seen by the next open only when the power
    /// goes before the next successful append). Errors: limit_exceeded (record or journal too long: rewrite), those of
    /// File.
    [[nodiscard]] Status append(std::uint16_t type, std::string_view payload);

    /// Replaces the whole content in one step: after a power cut either the old or the new records are there.
    [[nodiscard]] Status rewrite(std::span<const Record> records);

    /// What open() found, in order; append() and rewrite() do not change it.
    [[nodiscard]] const std::vector<Record>& records() const { return records_; }
    /// The same, handed over: frees the journal's copy.
    [[nodiscard]] std::vector<Record> take_records() { return std::exchange(records_, {}); }

    /// corrupt_journal when open() met damage in the middle, with the place in the context.
    [[nodiscard]] const std::optional<Error>& damage() const { return damage_; }

    /// Length of the file; grows with every append. Up to k_journal_bytes.
    [[nodiscard]] std::uint64_t bytes() const { return end_; }

private:
    Journal(platform::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}
    [[nodiscard]] Status create();
    [[nodiscard]] Status replay();
    [[nodiscard]] Status open_file();
    [[nodiscard]] Status find_end();

    platform::Files* files_;  // borrowed, never null
    std::string path_;
    std::unique_ptr<platform::File> file_;
    std::vector<Record> records_;
    std::optional<Error> damage_;
    std::uint64_t end_ = 0;    // where the next record goes; 0: not known
    bool dirty_tail_ = false;  // a failed append may have left bytes behind end_
};

}  // namespace hagent::journal
