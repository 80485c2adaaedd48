// SPDX-License-Identifier: Apache-2.0
// Owns the order of writes: a record counts once it is synced, and nothing behind the last good record is ever trusted.
#include "agent/journal/journal.h"

#include "agent/base/concat.h"
#include "agent/base/kept.h"
#include "agent/base/limits.h"

namespace hagent::journal {
namespace {

using errors::AgentCode;

constexpr std::uint32_t k_mode = 0600;

struct Content {
    std::string bytes;
    bool exists = false;
    bool readable = true;
};

/// A sector that has died answers with io_error: such a file is damaged, and no reason to stop.
Result<Content> content_of(platform::Files& files, const std::string& path) {
    auto bytes = files.read(path, 2 * limits::k_journal_bytes);
    if (bytes.ok()) {
        return Content{std::move(bytes).value(), true, true};
    }
    if (bytes.error().is(AgentCode::file_not_found)) {
        return Content{};
    }
    return bytes.error().is(AgentCode::io_error) ? Result<Content>(Content{{}, true, false})
                                                 : std::move(bytes).failure();
}

std::string content_of(std::span<const Record> records) {
    std::string bytes(k_magic);
    for (const Record& record : records) {
        bytes += encode(record);
    }
    return bytes;
}

}  // namespace

/// Where only one of two can be read the other decides; a file that is gone while its copy is there is damaged too.
Result<Loaded> load(platform::Files& files, const std::string& path) {
    auto main = TRY(content_of(files, path));
    auto copy = TRY(content_of(files, copy_path(path)));
    Loaded out;
    out.exists = main.exists || copy.exists;
    out.found = replay(main.bytes, copy.bytes);
    const auto& found = out.found;
    const bool gone = !main.readable && found.records.empty();
    const bool main_bad = found.tail == Tail::damaged || found.tail == Tail::foreign || !main.readable;
    if (main_bad) {
        out.damage = error(AgentCode::corrupt_journal,
                           {path, " at byte ", std::to_string(found.good_bytes),
                            found.lost || gone ? ": what stood there is lost" : ": nothing is lost"});
        out.found.lost = found.lost || gone;
    } else if (found.copy_damaged || !copy.readable) {
        out.damage = error(AgentCode::corrupt_journal, {copy_path(path), ": nothing is lost"});
    }
    out.bytes = main_bad ? std::move(main.bytes) : std::move(out.damage ? copy.bytes : main.bytes);
    return out;
}

/// A device whose state cannot be written has to come up all the same.
Result<Journal> Journal::open(platform::Files& files, std::string path) {
    Journal journal(files, std::move(path));
    auto loaded = TRY(load(files, journal.path_));
    if (auto mended = journal.mend(loaded); !mended.ok()) {
        journal.unwritable_ = std::move(mended).error();
        journal.unwritten_ = content_of(loaded.found.records);
    }
    journal.damage_ = std::move(loaded.damage);
    journal.records_ = std::move(loaded.found.records);
    return journal;
}

/// A new file appears whole: a power cut leaves no file or one with its first bytes.
Status Journal::mend(const Loaded& loaded) {
    const Replay& found = loaded.found;
    if (loaded.damage) {  // a full disk must not keep the device from coming up: then there is no such file
        (void)files_->write_durable(damaged_path(path_), loaded.bytes, k_mode);
    }
    const bool torn = found.tail == Tail::torn && found.good_bytes >= k_magic.size();
    if (loaded.exists && (found.tail == Tail::clean || torn) && !loaded.damage && found.copy_whole) {
        file_ = TRY(files_->open(path_, platform::OpenMode::read_write));
        end_ = copy_end_ = found.good_bytes;
        if (torn) {
            TRY(file_->resize(end_));
            TRY(file_->sync());
        }
        return {};
    }
    return write_whole(content_of(found.records));
}

/// The copy first: until it is there the file is, and from then on the file may be lost.
Status Journal::write_whole(std::string_view bytes) {
    file_.reset();  // an open file cannot be replaced on Windows
    copy_.reset();
    end_ = copy_end_ = 0;  // a failure may come before or after the replacement: then append() looks
    TRY(files_->write_durable(copy_path(path_), bytes, k_mode));
    if (auto done = files_->write_durable(path_, bytes, k_mode); !done.ok()) {
        (void)files_->remove(copy_path(path_));  // it must not be taken for a copy of what follows
        return done;
    }
    end_ = copy_end_ = bytes.size();
    dirty_tail_ = false;
    return {};
}

/// After a rewrite that failed nobody knows which content is there: the file itself tells.
Status Journal::find_end() {
    const std::uint64_t good = replay(TRY(files_->read(path_, 2 * limits::k_journal_bytes))).good_bytes;
    if (good < k_magic.size()) {
        return error(AgentCode::corrupt_journal, path_);
    }
    end_ = good;
    dirty_tail_ = true;
    return {};
}

Status Journal::append(std::uint16_t type, std::string_view payload) {
    if (payload.size() > limits::k_journal_record_bytes) {
        return error(AgentCode::limit_exceeded, {path_, ": record of ", std::to_string(payload.size()), " bytes"});
    }
    if (!unwritten_.empty()) {
        TRY(write_whole(unwritten_));
        unwritten_.clear();
        unwritable_.reset();
    }
    if (end_ == 0) {
        TRY(find_end());
    }
    const std::string bytes = encode({type, std::string(payload)});
    if (end_ + bytes.size() > limits::k_journal_bytes) {
        return error(AgentCode::limit_exceeded, {path_, ": the journal is full"});
    }
    const std::uint64_t at = end_;
    TRY(write_record(bytes));
    copy_record(at, bytes);
    return {};
}

/// The end moves only after the sync. Bytes of a failed append stay behind it and are cut off before the next one.
Status Journal::write_record(std::string_view bytes) {
    if (!file_) {
        file_ = TRY(files_->open(path_, platform::OpenMode::read_write));
    }
    if (dirty_tail_) {
        TRY(file_->resize(end_));
    }
    dirty_tail_ = true;
    auto done = file_->write_at(end_, bytes);
    if (done.ok()) {
        done = file_->sync();
    }
    if (!done.ok()) {
        dirty_tail_ = !file_->resize(end_).ok();
        return done;
    }
    dirty_tail_ = false;
    end_ += bytes.size();
    return {};
}

/// Not synced, and no failure of the append: the copy helps against damage, not against power cuts. It is never ahead
/// of the file, and one that stays behind is made good by the next open or rewrite.
void Journal::copy_record(std::uint64_t at, std::string_view bytes) {
    if (copy_end_ != at) {
        return;
    }
    if (!copy_) {
        auto opened = files_->open(copy_path(path_), platform::OpenMode::read_write);
        if (!opened.ok()) {
            copy_end_ = 0;
            return;
        }
        copy_ = std::move(opened).value();
    }
    copy_end_ = copy_->write_at(at, bytes).ok() ? end_ : 0;
}

Status Journal::rewrite(std::span<const Record> records) {
    for (const Record& record : records) {
        if (record.payload.size() > limits::k_journal_record_bytes) {
            return error(AgentCode::limit_exceeded, {path_, ": a record is too long"});
        }
    }
    const std::string bytes = content_of(records);
    if (bytes.size() > limits::k_journal_bytes) {
        return error(AgentCode::limit_exceeded, {path_, ": too many records"});
    }
    TRY(write_whole(bytes));
    unwritten_.clear();
    unwritable_.reset();
    return {};
}

}  // namespace hagent::journal
