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
    /// Sets it and wakes every wait. Under the lock, or a wait that has just looked and does not sleep yet would miss
    /// it.
    void request() {
        {
            const std::lock_guard lock(mutex_);
            requested_ = true;
        }
        changed_.notify_all();
    }

    /// The same from a signal handler: seen by requested() at once and by a wait within k_look_every. Neither lock nor
    /// condition may be touched there, which is why a wait has to look by itself now and then.
    void flag() { requested_ = true; }

    [[nodiscard]] bool requested() const { return requested_; }

    /// Waits at most `time`; true at once when cancelled.
    [[nodiscard]] bool wait(Millis time) const {
        std::unique_lock lock(mutex_);
        for (; time > k_look_every; time -= k_look_every) {
            if (changed_.wait_for(lock, k_look_every, [this] { return requested_.load(); })) {
                return true;
            }
        }
        return changed_.wait_for(lock, time, [this] { return requested_.load(); });
    }

private:
    static constexpr Millis k_look_every{500};

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::atomic<bool> requested_ = false;
};

}  // namespace hagent
