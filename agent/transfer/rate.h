// SPDX-License-Identifier: Apache-2.0
// Owns Rate: how fast bytes arrive, smoothed, and how often that is worth showing.
#pragma once

#include <cstdint>

#include "platform/clock.h"

namespace hagent::transfer {

/// Bytes a second over the last two seconds or so: seven parts what was, one part what is now.
class Rate {
public:
    explicit Rate(platform::Clock& clock) : clock_(clock), since_(clock.uptime()) {}

    /// A new try begins: the waiting before it does not count.
    void restart() {
        since_ = clock_.uptime();
        fresh_ = 0;
    }
    void add(std::uint64_t bytes) { fresh_ += bytes; }

    /// True at most four times a second; the rate is worked out then.
    [[nodiscard]] bool due() {
        const auto now = clock_.uptime();
        const auto passed = (now - since_).count();
        if (passed < k_interval_ms) {
            return false;
        }
        const auto current = fresh_ * 1000 / static_cast<std::uint64_t>(passed);
        smooth_ = smooth_ == 0 ? current : (smooth_ * 7 + current) / 8;
        fresh_ = 0;
        since_ = now;
        return true;
    }

    [[nodiscard]] std::uint64_t bytes_per_s() const { return smooth_; }

private:
    static constexpr std::int64_t k_interval_ms = 250;
    platform::Clock& clock_;
    Uptime since_;
    std::uint64_t fresh_ = 0;
    std::uint64_t smooth_ = 0;
};

}  // namespace hagent::transfer
