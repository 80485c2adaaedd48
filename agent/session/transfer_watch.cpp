// SPDX-License-Identifier: Apache-2.0
// Owns the bookkeeping of a running download.
#include "agent/session/transfer_watch.h"

#include <algorithm>

#include "agent/errors/catalogue.h"

namespace hagent::session {
namespace {

constexpr std::size_t k_shown_decisions = 12;
constexpr std::size_t k_shown_lines = 16;
constexpr Millis k_shown_every{250};

/// Room for one more: the oldest one that went well makes place.
void make_room(std::vector<TransferView>& views) {
    if (views.size() < k_shown_transfers) {
        return;
    }
    const auto dull = std::find_if(views.begin(), views.end(), [](const TransferView& v) {
        return v.state == TransferState::done && v.resumed_at.empty() && v.attempts <= 1;
    });
    views.erase(dull == views.end() ? views.begin() : dull);
}

}  // namespace

TransferWatch::TransferWatch(Context& context, SessionRecord& record, std::string file, std::uint64_t total)
    : context_(context), record_(record), file_(std::move(file)) {
    TransferView& shown = view();
    shown.total = total;
    shown.state = TransferState::running;
    publish();
}

TransferView& TransferWatch::view() {
    auto& views = record_.transfers;
    const auto found = std::find_if(views.begin(), views.end(), [&](const TransferView& v) { return v.file == file_; });
    if (found != views.end()) {
        return *found;
    }
    make_room(views);
    views.emplace_back();
    views.back().file = file_;
    return views.back();
}

void TransferWatch::publish() { context_.observer.changed(record_); }

/// A file that begins anew goes back to 0: what it has counted before is taken out of the total first, else the bar
/// would pass its end.
void TransferWatch::count(std::uint64_t bytes, std::optional<std::uint64_t> total, std::uint64_t bytes_per_s) {
    TransferView& shown = view();
    shown.bytes = bytes;
    shown.total = total.value_or(shown.total);
    shown.rate_bps = bytes_per_s;
    auto& all = record_.progress;
    all.bytes = all.bytes - counted_ + bytes;
    counted_ = bytes;
    all.rate_bps = bytes_per_s;
    all.eta_s.reset();
    if (bytes_per_s > 0 && all.total >= all.bytes) {
        all.eta_s = static_cast<std::int64_t>((all.total - all.bytes) / bytes_per_s);
    }
}

void TransferWatch::progress(std::uint64_t bytes, std::optional<std::uint64_t> total, std::uint64_t bytes_per_s) {
    count(bytes, total, bytes_per_s);
    publish();
}

/// A try that failed is in the log as well: the page keeps the last few only, and forgets them with the session.
void TransferWatch::attempted(const transfer::Attempted& attempt) {
    TransferView& shown = view();
    shown.url = attempt.source;
    shown.attempts = std::max(shown.attempts, attempt.attempt);
    shown.decisions.push_back(attempt);
    if (shown.decisions.size() > k_shown_decisions) {
        shown.decisions.erase(shown.decisions.begin());
    }
    if (attempt.decision != transfer::Decide::accept) {
        context_.log.warning("transfer",
                             std::string("try failed: ") + std::string(transfer::to_string(attempt.decision)),
                             {{"file", file_},
                              {"reply", errors::id_text(attempt.reply)},
                              {"at_bytes", std::to_string(attempt.at_bytes)},
                              {"wait_ms", std::to_string(attempt.wait_ms)}});
    }
    publish();
}

void TransferWatch::resumed(std::uint64_t offset) {
    view().resumed_at.push_back(offset);
    context_.log.info("transfer", "resumed", {{"file", file_}, {"at_bytes", std::to_string(offset)}});
    publish();
}

void TransferWatch::transcript(const std::vector<std::string>& lines) {
    const auto first =
        lines.size() > k_shown_lines ? lines.end() - static_cast<std::ptrdiff_t>(k_shown_lines) : lines.begin();
    view().transcript.assign(first, lines.end());
}

/// A file that lay here complete has never reported any progress.
void TransferWatch::finished(bool success) {
    if (success) {
        const TransferView& shown = view();
        count(shown.total, shown.total, shown.rate_bps);
    }
    ended(success);
}

void TransferWatch::ended(bool success) {
    view().state = success ? TransferState::done : TransferState::failed;
    publish();
}

StreamWatch::StreamWatch(Context& context, SessionRecord& record, std::string file, std::uint64_t total)
    : watch_(context, record, std::move(file), total), clock_(context.clock) {}

/// Who reads again from a chunk that was bad reads bytes that have been counted.
void StreamWatch::begin(std::uint64_t offset, std::uint64_t bytes) {
    before_ += here_;
    here_ = 0;
    const bool again = offset >= offset_ && offset < end_;
    before_ -= again ? std::min(before_, end_ - offset) : 0;
    offset_ = offset;
    end_ = offset + bytes;
}

/// Parts may be many and small, so that only what is new at a glance is told.
void StreamWatch::progress(std::uint64_t bytes, std::optional<std::uint64_t> /*total*/, std::uint64_t bytes_per_s) {
    here_ = bytes;
    watch_.count(before_ + here_, std::nullopt, bytes_per_s);
    const auto now = clock_.uptime();
    if (!shown_at_ || now - *shown_at_ >= k_shown_every) {
        shown_at_ = now;
        watch_.publish();
    }
}

void StreamWatch::attempted(const transfer::Attempted& attempt) {
    if (attempt.decision != transfer::Decide::accept || attempt.source != source_) {
        source_ = attempt.source;
        watch_.attempted(attempt);
    }
}

void StreamWatch::finished(bool success) {
    watch_.count(before_ + here_, before_ + here_, 0);
    watch_.ended(success);
}

}  // namespace hagent::session
