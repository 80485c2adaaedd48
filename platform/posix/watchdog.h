// SPDX-License-Identifier: Apache-2.0
// Owns Linux' interface to hardware watchdogs (the kernel's Documentation/watchdog/watchdog-api).
#pragma once

#include <memory>
#include <string>

#include "platform/host.h"

namespace hagent::platform {

[[nodiscard]] Result<std::unique_ptr<Watchdog>> linux_watchdog(const std::string& device);

}  // namespace hagent::platform
