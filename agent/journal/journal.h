// SPDX-License-Identifier: Apache-2.0
// Owns Journal: an append-only file of typed records that survives a power cut at any moment, and damage in one of its
// two copies. Format: FORMAT.md.
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

/// What both files of a journal say. Only looks.
struct Loaded {
    Replay found;
    bool exists = false;          // there is one of the two
    std::string bytes;            // of the file; where only the copy is damaged, of that
    std::optional<Error> damage;  // corrupt_journal: where, and whether something is lost
};
/// Errors: those of platform::Files; bytes that cannot be read any more (io_error) are damage.
[[nodiscard]] Result<Loaded> load(platform::Files& files, const std::string& path);

/// One writer: the caller holds a lock on the directory. Not thread-safe.
class Journal {
public:
    /// Opens or creates `path` (its directory exists) and replays it. A torn tail is cut off silently. What is damaged
    /// in one file comes from the other; records behind damage that both have are kept, with a k_gap before them.
    /// damage() says so, the damaged file is kept as `path`.damaged and both are written anew. Where nothing can be
    /// written now (full, write-protected) the journal is as good to read, and append() tries again.
    /// Errors: those of reading.
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

    /// corrupt_journal when open() met damage, with the place and what is lost in the context.
    [[nodiscard]] const std::optional<Error>& damage() const { return damage_; }
    /// Why open() could not write; the next append() that succeeds has made it good.
    [[nodiscard]] const std::optional<Error>& unwritable() const { return unwritable_; }

    /// Length of the file; grows with every append. Up to k_journal_bytes.
    [[nodiscard]] std::uint64_t bytes() const { return end_; }

private:
    Journal(platform::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}
    [[nodiscard]] Status mend(const Loaded& loaded);
    [[nodiscard]] Status write_whole(std::string_view bytes);
    [[nodiscard]] Status find_end();
    [[nodiscard]] Status write_record(std::string_view bytes);
    void copy_record(std::uint64_t at, std::string_view bytes);

    platform::Files* files_;  // borrowed, never null
    std::string path_;
    std::unique_ptr<platform::File> file_, copy_;
    std::vector<Record> records_;
    std::optional<Error> damage_, unwritable_;
    std::string unwritten_;       // the content that open() could not write; empty: none
    std::uint64_t end_ = 0;       // where the next record goes; 0: not known
    std::uint64_t copy_end_ = 0;  // the copy holds as many of the same bytes
    bool dirty_tail_ = false;     // a failed append may have left bytes behind end_
};

}  // namespace hagent::journal
