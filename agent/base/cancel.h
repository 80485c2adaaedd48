// SPDX-License-Identifier: Apache-2.0
// Owns CancelToken: how one thread asks another to stop, and how the other waits without missing it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "agent/base/time.h"

namespace hagent {

/// Set once, seen by every wait. Owned by whoever may cancel; borrowed by the work.
class CancelToken {
public:
    void request() {
        {
            const std::lock_guard lock(mutex_);
            requested_ = true;
        }
        changed_.notify_all();
    }

    [[nodiscard]] bool requested() const { return requested_; }

    /// Waits at most `time`; true at once when cancelled.
    [[nodiscard]] bool wait(Millis time) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, time, [this] { return requested_.load(); });
    }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::atomic<bool> requested_ = false;
};

}  // namespace hagent
