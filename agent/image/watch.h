// SPDX-License-Identifier: Apache-2.0
// Owns the feeding of the hardware watchdog while a trial can still succeed.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "agent/base/cancel.h"
#include "agent/base/time.h"
#include "platform/clock.h"
#include "platform/host.h"

namespace hagent::image {

/// Feeds until it is destroyed or `most` is over, whichever comes first; then the watchdog goes on counting. A thread
/// of its own: what is waited for meanwhile takes long.
class Feeding {
public:
    /// Nothing is fed where `device` is empty or cannot be opened.
    Feeding(platform::Host& host, platform::Clock& clock, const std::string& device, Millis most);
    ~Feeding();
    Feeding(const Feeding&) = delete;
    Feeding& operator=(const Feeding&) = delete;

    /// The trial is won: the watchdog stops.
    void disarm();

private:
    void feed(Millis most);
    void stop();

    platform::Clock& clock_;
    std::unique_ptr<platform::Watchdog> watchdog_;
    CancelToken stop_;
    std::thread thread_;
};

}  // namespace hagent::image
