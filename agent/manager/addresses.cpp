// SPDX-License-Identifier: Apache-2.0
// Owns the rule of fail-over and of the way back.
#include "agent/manager/addresses.h"

namespace hagent::manager {
namespace {

constexpr Millis k_first_again = Seconds{600};

}  // namespace

/// Not while a round of failures is under way: that one has to come to its end, so that the schedule backs off.
void Addresses::begin(Uptime now) {
    if (current_ != 0 && failed_ == 0 && left_first_at_ && now - *left_first_at_ >= k_first_again) {
        current_ = 0;
    }
}

void Addresses::succeed() {
    failed_ = 0;
    if (current_ == 0) {
        left_first_at_.reset();
    }
}

/// After a whole round it begins with the first again: where all are away, none is better than the one that is
/// preferred.
bool Addresses::fail(Uptime now) {
    if (++failed_ < urls_.size()) {
        next(now);
        return true;
    }
    failed_ = 0;
    current_ = 0;
    left_first_at_.reset();
    return false;
}

void Addresses::next(Uptime now) {
    if (current_ == 0) {
        left_first_at_ = now;
    }
    current_ = (current_ + 1) % urls_.size();
}

}  // namespace hagent::manager
