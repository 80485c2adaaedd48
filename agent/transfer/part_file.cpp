// SPDX-License-Identifier: Apache-2.0
// Owns the order of writes that makes a resume safe: data, sync, checkpoint; and to forget: checkpoint, then data.
#include "agent/transfer/part_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

// A slow link is saved every second, but not for a trickle: flash wears out.
constexpr Millis k_save_interval{1000};
constexpr std::uint64_t k_save_least_bytes = 64U << 10U;
constexpr std::size_t k_replay_bytes = 64U << 10U;
constexpr std::uint32_t k_private = 0600;
// pieces are joined to chunks of the file, so that these are written past the cache
constexpr std::size_t k_chunk = 512U << 10U;
static_assert(k_chunk % platform::k_direct_step == 0 && k_chunk >= platform::k_direct_least &&
              limits::k_checkpoint_least_bytes % k_chunk == 0);

/// Removing what is not there is no failure.
Status absent_is_fine(Status status) {
    return !status.ok() && status.error().is(AgentCode::file_not_found) ? Status() : std::move(status);
}

}  // namespace

PartFile::PartFile(platform::Files& files, platform::Clock& clock, std::string directory, std::string wanted,
                   std::string boot_id)
    : files_(&files), clock_(&clock), directory_(std::move(directory)), saved_at_(clock.uptime()) {
    state_.wanted = std::move(wanted);
    state_.boot_id = std::move(boot_id);
    if (state_.wanted.starts_with("sha1:")) {
        sha1_.emplace();
    }
}

Result<PartFile> PartFile::open(platform::Files& files, platform::Clock& clock, std::string directory,
                                std::string wanted, std::string boot_id) {
    TRY(files.make_directories(directory, 0700));
    PartFile part(files, clock, std::move(directory), std::move(wanted), std::move(boot_id));
    auto checkpoint = load_checkpoint(files, part.directory_);
    if (checkpoint && checkpoint->wanted != part.state_.wanted) {
        checkpoint.reset();  // a directory that was used for another file
    }
    TRY(part.take_up(checkpoint));
    return part;
}

/// Begins where the checkpoint says. Without one whatever lies there is of no use: nobody vouches for it. The
/// checkpoint vouches for bytes as they were, so they are read again: a disk that lost some, or somebody who changed
/// some, would else be found by nobody, because the digest goes on from the checkpoint and not from the file.
Status PartFile::take_up(const std::optional<Checkpoint>& checkpoint) {
    if (!checkpoint) {
        TRY(absent_is_fine(files_->remove(checkpoint_path(directory_))));
        TRY(files_->sync_directory(directory_));
        file_ = TRY(files_->open(path(), platform::OpenMode::truncate));
        return {};
    }
    const bool same_start = !state_.boot_id.empty() && checkpoint->boot_id == state_.boot_id;
    auto boot_id = std::move(state_.boot_id);
    state_ = *checkpoint;
    state_.boot_id = std::move(boot_id);
    saved_bytes_ = state_.bytes;
    file_ = TRY(files_->open(path(), platform::OpenMode::read_write));
    const auto present = TRY(file_->size());
    trust::Sha256 found;
    TRY(read_again(0, std::min(present, state_.bytes), found));
    if (found.bytes() != state_.bytes || found.finish() != state_.sha256.finish()) {
        return restart();
    }
    if (same_start) {  // a killed process wrote these, and the system kept them
        TRY(read_again(state_.bytes, present, state_.sha256));
        state_.bytes = present;
    } else if (present != state_.bytes) {
        TRY(file_->resize(state_.bytes));  // bytes after the checkpoint may be anything after a power cut
    }
    return sha1_ ? read_again(0, state_.bytes, *sha1_) : Status();  // SHA-1 states are not kept in checkpoints
}

template <class Digest>
Status PartFile::read_again(std::uint64_t from, std::uint64_t to, Digest& digest) {
    std::string buffer(k_replay_bytes, '\0');
    while (from < to) {
        const auto want = std::min<std::uint64_t>(buffer.size(), to - from);
        const auto got = TRY(file_->read_at(from, std::span(buffer).first(narrow<std::size_t>(want))));
        if (got == 0) {
            return error(AgentCode::partial_file_lost, path());
        }
        digest.update({buffer.data(), got});
        from += got;
    }
    return {};
}

std::string PartFile::sha256_hex() const {
    const auto digest = state_.sha256.finish();
    return to_hex(digest);
}

bool PartFile::digest_fits() const {
    const std::string_view wanted = state_.wanted;
    if (wanted.starts_with("sha256:")) {
        return equal_ignoring_case(wanted.substr(7), sha256_hex());
    }
    if (sha1_) {
        const auto digest = sha1_->finish();
        return equal_ignoring_case(wanted.substr(5), to_hex(digest));
    }
    return true;
}

void PartFile::describe(std::string url, std::string validator, std::optional<std::uint64_t> total) {
    state_.url = std::move(url);
    state_.validator = std::move(validator);
    state_.total = total;
    state_.complete = false;
}

/// A fast download is saved at the end of a chunk.
bool PartFile::due() {
    const auto fresh = state_.bytes - saved_bytes_;
    const bool much =
        fresh >= std::clamp(saved_bytes_, limits::k_checkpoint_least_bytes, limits::k_checkpoint_most_bytes);
    return (much && joined_ == 0) || (fresh >= k_save_least_bytes && clock_->uptime() - saved_at_ >= k_save_interval);
}

Status PartFile::append(std::string_view bytes) {
    for (;;) {
        if (state_.bytes % k_chunk == 0) {
            TRY(flush());
        }
        if (due()) {
            TRY(save());
        }
        if (bytes.empty()) {
            return {};
        }
        const auto piece = bytes.substr(0, k_chunk - narrow<std::size_t>(state_.bytes % k_chunk));
        join(piece);
        bytes.remove_prefix(piece.size());
    }
}

/// Into the chunk that is not written yet.
void PartFile::join(std::string_view bytes) {
    if (!chunk_) {
        chunk_.reset(new (std::align_val_t{platform::k_direct_step}) char[k_chunk]);
    }
    std::copy(bytes.begin(), bytes.end(), chunk_.get() + joined_);
    joined_ += bytes.size();
    state_.sha256.update(bytes);
    if (sha1_) {
        sha1_->update(bytes);
    }
    state_.bytes += bytes.size();
}

/// A failed write keeps its bytes, so that the same call may be made again.
Status PartFile::flush() {
    if (joined_ > 0) {
        TRY(file_->write_at(state_.bytes - joined_, {chunk_.get(), joined_}));
        joined_ = 0;
    }
    return {};
}

/// The order is the promise: bytes in the file, file synced, then the checkpoint that vouches for them.
Status PartFile::save() {
    if (saved_bytes_ == state_.bytes && !state_.complete) {
        return {};
    }
    TRY(flush());
    TRY(file_->sync());
    TRY(files_->write_durable(checkpoint_path(directory_), encode(state_), k_private));
    saved_bytes_ = state_.bytes;
    saved_at_ = clock_->uptime();
    return {};
}

Status PartFile::finish() {
    if (state_.complete) {
        return {};
    }
    state_.complete = true;
    state_.total = state_.bytes;
    return save();
}

Status PartFile::restart() {
    TRY(absent_is_fine(files_->remove(checkpoint_path(directory_))));
    TRY(files_->sync_directory(directory_));
    joined_ = 0;
    TRY(file_->resize(0));
    Checkpoint nothing;
    nothing.wanted = std::move(state_.wanted);
    nothing.boot_id = std::move(state_.boot_id);
    state_ = std::move(nothing);
    if (sha1_) {
        sha1_.emplace();
    }
    saved_bytes_ = 0;
    return {};
}

Status PartFile::remove() {
    file_.reset();
    TRY(absent_is_fine(files_->remove(checkpoint_path(directory_))));
    return absent_is_fine(files_->remove(path()));
}

}  // namespace hagent::transfer
