// SPDX-License-Identifier: Apache-2.0
// Owns the snapshot of sessions that the worker publishes and everybody else reads.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/session/record.h"

namespace hagent::status {

/// Thread-safe. Shared pointers: a reader keeps its snapshot while the worker already publishes the next one.
class Board {
public:
    using Snapshot = std::shared_ptr<const session::SessionRecord>;

    /// Replaces what is shown of that session; one that has ended moves to the recent ones.
    /// Costs one copy of the record; the session calls it some four times a second at most.
    void publish(const session::SessionRecord& record);

    /// The session in work (or half-way); null when there is none.
    [[nodiscard]] Snapshot current() const;
    /// Ended sessions, newest first, at most k_kept_sessions.
    [[nodiscard]] std::vector<Snapshot> recent() const;
    /// Of the current one and those ended; null when there is none with this id.
    [[nodiscard]] Snapshot find(const std::string& id) const;
    /// The same for readers who are no operators: without what programs have printed, which run as root and may have
    /// printed anything.
    [[nodiscard]] std::shared_ptr<const Board> without_output() const;
    /// Grows with every publish(): the page's way to know that something is new.
    [[nodiscard]] std::uint64_t version() const;

private:
    mutable std::mutex mutex_;
    Snapshot current_;
    std::vector<Snapshot> recent_;  // newest first
    std::uint64_t version_ = 0;
};

}  // namespace hagent::status
