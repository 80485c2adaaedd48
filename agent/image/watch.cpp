// SPDX-License-Identifier: Apache-2.0
#include "agent/image/watch.h"

#include <algorithm>

namespace hagent::image {
namespace {

constexpr Millis k_between{5'000};  // drivers count from a few seconds on; most are set to 30 and more

}  // namespace

Feeding::Feeding(platform::Host& host, platform::Clock& clock, const std::string& device, Millis most) : clock_(clock) {
    auto opened = device.empty() ? Result<std::unique_ptr<platform::Watchdog>>(nullptr) : host.open_watchdog(device);
    if (opened.ok() && *opened) {
        watchdog_ = std::move(opened).value();
        thread_ = std::thread([this, most] { feed(most); });
    }
}

Feeding::~Feeding() { stop(); }

void Feeding::stop() {
    stop_.request();
    if (thread_.joinable()) {
        thread_.join();
    }
}

/// Whether it could be fed changes nothing here: it restarts the machine, or it was none.
void Feeding::feed(Millis most) {
    const Uptime end = clock_.uptime() + most;
    for (Uptime now = clock_.uptime(); now < end; now = clock_.uptime()) {
        (void)watchdog_->feed();
        if (stop_.wait(std::min(k_between, end - now))) {
            return;
        }
    }
}

void Feeding::disarm() {
    stop();
    if (watchdog_) {
        (void)watchdog_->disarm();
    }
}

}  // namespace hagent::image
