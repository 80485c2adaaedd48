// SPDX-License-Identifier: Apache-2.0
// Owns which session is shown as the current one and which as ended.
#include "agent/status/board.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/work/hooks.h"

namespace hagent::status {

/// The copy is made outside of the lock: a reader must not wait while a session with thousands of steps is copied. A
/// session that is published again after its end (the history at a start) is still there once. One that rests until it
/// is tried again is shown among those, so that another one can be the current one meanwhile.
void Board::publish(const session::SessionRecord& record) {
    auto snapshot = std::make_shared<const session::SessionRecord>(record);
    const std::lock_guard lock(mutex_);
    ++version_;
    std::erase_if(recent_, [&](const Snapshot& s) { return s->id == record.id; });
    if (!record.ended && !record.try_again) {
        current_ = std::move(snapshot);
        return;
    }
    if (current_ && current_->id == record.id) {
        current_.reset();
    }
    recent_.insert(recent_.begin(), std::move(snapshot));
    if (recent_.size() > limits::k_kept_sessions) {
        recent_.pop_back();
    }
}

Board::Snapshot Board::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

std::vector<Board::Snapshot> Board::recent() const {
    const std::lock_guard lock(mutex_);
    return recent_;
}

Board::Snapshot Board::find(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    if (current_ && current_->id == id) {
        return current_;
    }
    const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const Snapshot& s) { return s->id == id; });
    return found == recent_.end() ? nullptr : *found;
}

namespace {

bool cut(std::vector<TaskResult>& results) {
    bool found = false;
    for (auto& result : results) {
        const auto at = result.context.find(work::k_it_said);
        found = found || at != std::string::npos;
        result.context.resize(std::min(at, result.context.size()));
    }
    return found;
}

/// The same snapshot where nothing was printed, as of most sessions.
Board::Snapshot silent(const Board::Snapshot& snapshot) {
    if (!snapshot) {
        return snapshot;
    }
    auto copy = std::make_shared<session::SessionRecord>(*snapshot);
    bool found = cut(copy->results);
    for (auto& step : copy->steps) {
        found = cut(step.results) || !step.output.empty() || found;
        step.output.clear();
    }
    return found ? copy : snapshot;
}

}  // namespace

std::shared_ptr<const Board> Board::without_output() const {
    auto out = std::make_shared<Board>();
    const std::lock_guard lock(mutex_);
    out->version_ = version_;
    out->current_ = silent(current_);
    for (const auto& snapshot : recent_) {
        out->recent_.push_back(silent(snapshot));
    }
    return out;
}

std::uint64_t Board::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

}  // namespace hagent::status
