// SPDX-License-Identifier: Apache-2.0
// Owns the order of writes: a record counts once it is synced, and nothing after the last good record is ever trusted.
#include "agent/journal/journal.h"

#include "agent/base/concat.h"
#include "agent/base/limits.h"

namespace hagent::journal {
namespace {

constexpr std::uint32_t k_mode = 0600;

}  // namespace

Result<Journal> Journal::open(platform::Files& files, std::string path) {
    Journal journal(files, std::move(path));
    if (!TRY(files.info(journal.path_))) {
        TRY(journal.create());
    }
    TRY(journal.replay());
    return journal;
}

// A new file appears whole: a power cut leaves no file or one with its first bytes.
Status Journal::create() { return files_->write_durable(path_, k_magic, k_mode); }

Status Journal::replay() {
    const std::string bytes = TRY(files_->read(path_, 2 * limits::k_journal_bytes));
    Replay found = journal::replay(bytes);
    if (found.tail == Tail::damaged || found.tail == Tail::foreign) {
        // A full disk must not keep the device from coming up: then there is no copy.
        const std::string copy = path_ + ".damaged";
        const bool kept = files_->write_durable(copy, bytes, k_mode).ok();
        damage_ = error(errors::AgentCode::corrupt_journal, {path_, " at byte ", std::to_string(found.good_bytes),
                                                             (kept ? "; kept as " + copy : "; no room for a copy")});
    }
    records_ = std::move(found.records);
    if (found.good_bytes < k_magic.size()) {
        TRY(create());
        found.good_bytes = k_magic.size();
    }
    TRY(open_file());
    end_ = found.good_bytes;
    if (TRY(file_->size()) != end_) {
        TRY(file_->resize(end_));
        TRY(file_->sync());
    }
    return {};
}

Status Journal::open_file() {
    file_ = TRY(files_->open(path_, platform::OpenMode::read_write));
    return {};
}

/// After a rewrite that failed nobody knows which content is there: the file itself tells.
Status Journal::find_end() {
    const std::uint64_t good = journal::replay(TRY(files_->read(path_, 2 * limits::k_journal_bytes))).good_bytes;
    if (good < k_magic.size()) {
        return error(errors::AgentCode::corrupt_journal, path_);
    }
    end_ = good;
    dirty_tail_ = true;
    return {};
}

/// The end moves only after the sync. Bytes of a failed append stay behind it and are cut off before the next one.
Status Journal::append(std::uint16_t type, std::string_view payload) {
    if (payload.size() > limits::k_journal_record_bytes) {
        return error(errors::AgentCode::limit_exceeded,
                     {path_, ": record of ", std::to_string(payload.size()), " bytes"});
    }
    if (end_ == 0) {
        TRY(find_end());
    }
    const std::string bytes = encode({type, std::string(payload)});
    if (end_ + bytes.size() > limits::k_journal_bytes) {
        return error(errors::AgentCode::limit_exceeded, {path_, ": the journal is full"});
    }
    if (!file_) {
        TRY(open_file());
    }
    if (dirty_tail_) {
        TRY(file_->resize(end_));
    }
    dirty_tail_ = true;
    if (Status done = file_->write_at(end_, bytes); !done.ok()) {
        dirty_tail_ = !file_->resize(end_).ok();
        return done;
    }
    if (Status done = file_->sync(); !done.ok()) {
        dirty_tail_ = !file_->resize(end_).ok();
        return done;
    }
    dirty_tail_ = false;
    end_ += bytes.size();
    return {};
}

Status Journal::rewrite(std::span<const Record> records) {
    std::string bytes(k_magic);
    for (const Record& record : records) {
        if (record.payload.size() > limits::k_journal_record_bytes) {
            return error(errors::AgentCode::limit_exceeded, {path_, ": a record is too long"});
        }
        bytes += encode(record);
    }
    if (bytes.size() > limits::k_journal_bytes) {
        return error(errors::AgentCode::limit_exceeded, {path_, ": too many records"});
    }
    file_.reset();  // an open file cannot be replaced on Windows; append() opens it again
    end_ = 0;       // a failure may come before or after the replacement: then append() looks
    TRY(files_->write_durable(path_, bytes, k_mode));
    end_ = bytes.size();
    dirty_tail_ = false;
    return {};
}

}  // namespace hagent::journal
