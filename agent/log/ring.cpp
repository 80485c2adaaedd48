// SPDX-License-Identifier: Apache-2.0
// Owns the ring: the newest entries, numbered without gaps.
#include "agent/log/ring.h"

namespace hagent::log {

void Ring::write(const Record& record) {
    const std::lock_guard lock(mutex_);
    entries_.push_back({++last_seq_, record});
    if (entries_.size() > lines_) {
        entries_.pop_front();
    }
}

std::vector<Ring::Entry> Ring::since(std::uint64_t seq) const {
    const std::lock_guard lock(mutex_);
    if (entries_.empty() || seq >= last_seq_) {
        return {};
    }
    const std::uint64_t first = entries_.front().seq;
    const auto skip = static_cast<std::ptrdiff_t>(seq < first ? 0 : seq - first + 1);
    return {entries_.begin() + skip, entries_.end()};
}

std::uint64_t Ring::last_seq() const {
    const std::lock_guard lock(mutex_);
    return last_seq_;
}

}  // namespace hagent::log
