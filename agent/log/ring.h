// SPDX-License-Identifier: Apache-2.0
// Owns Ring: the last records in memory, for the status page and the support bundle.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "agent/base/limits.h"
#include "agent/log/sink.h"

namespace hagent::log {

/// Thread-safe. Keeps the newest `lines` records, each cut to about k_log_line_bytes.
class Ring final : public Sink {
public:
    struct Entry {
        std::uint64_t seq = 0;  // 1 for the first record ever written, without gaps
        Record record;
    };

    explicit Ring(std::size_t lines = limits::k_log_lines);
    void write(const Record& record) override;

    /// The kept entries with a number above `seq`, oldest first; since(0) gives all.
    [[nodiscard]] std::vector<Entry> since(std::uint64_t seq) const;
    /// Number of the newest entry; 0 before the first.
    [[nodiscard]] std::uint64_t last_seq() const;

private:
    const std::size_t lines_;
    mutable std::mutex mutex_;
    std::vector<Entry> entries_;  // number n stands at (n - 1) % lines_
    std::uint64_t last_seq_ = 0;
};

}  // namespace hagent::log
