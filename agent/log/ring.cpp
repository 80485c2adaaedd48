// SPDX-License-Identifier: Apache-2.0
// Owns the ring: the newest entries, numbered without gaps.
#include "agent/log/ring.h"

#include <algorithm>

#include "agent/base/check.h"

namespace hagent::log {

Ring::Ring(std::size_t lines) : lines_(lines) { check(lines > 0); }

void Ring::write(const Record& record) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() < lines_) {
        entries_.push_back({++last_seq_, record});
    } else {
        entries_[last_seq_ % lines_] = {last_seq_ + 1, record};
        ++last_seq_;
    }
}

std::vector<Ring::Entry> Ring::since(std::uint64_t seq) const {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> out;
    for (auto before = std::max(seq, last_seq_ - entries_.size()); before < last_seq_; ++before) {
        out.push_back(entries_[before % lines_]);
    }
    return out;
}

std::uint64_t Ring::last_seq() const {
    const std::lock_guard lock(mutex_);
    return last_seq_;
}

}  // namespace hagent::log
