// SPDX-License-Identifier: Apache-2.0
// Owns Stop: who may stop a session, and the point after which only a shutdown can.
#pragma once

#include <cstdint>
#include <mutex>

#include "agent/base/cancel.h"

namespace hagent::session {

enum class StopReason : std::uint8_t { none, manager, operators, shutdown };

/// Shared by the session's thread and those who stop it.
class Stop {
public:
    /// False when it comes too late: the device is being changed. A shutdown is never too late: the session goes on
    /// later.
    /// The first reason stays: how a session ends must not depend on who asked last.
    [[nodiscard]] bool request(StopReason reason) {
        {
            const std::lock_guard lock(mutex_);
            if (committed_ && reason != StopReason::shutdown) {
                return false;
            }
            if (reason_ == StopReason::none) {
                reason_ = reason;
            }
        }
        token_.request();
        return true;
    }

    /// The session is about to change the device. False when somebody was quicker.
    [[nodiscard]] bool commit() {
        const std::lock_guard lock(mutex_);
        committed_ = reason_ == StopReason::none;
        return committed_;
    }

    /// The session rests at a place where it may be given up.
    void release() {
        const std::lock_guard lock(mutex_);
        committed_ = false;
    }

    /// `none` also while the token is requested by a signal that gives no reason (the verbs).
    [[nodiscard]] StopReason reason() const {
        const std::lock_guard lock(mutex_);
        return reason_;
    }

    [[nodiscard]] CancelToken& token() { return token_; }

private:
    mutable std::mutex mutex_;
    StopReason reason_ = StopReason::none;
    bool committed_ = false;
    CancelToken token_;
};

}  // namespace hagent::session
