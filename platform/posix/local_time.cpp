// SPDX-License-Identifier: Apache-2.0
// Owns the local time zone on POSIX systems.
#include <ctime>

#include "platform/clock.h"

namespace hagent::platform {

Seconds local_offset(WallTime time) {
    const auto seconds = static_cast<std::time_t>(time.since_epoch.count() / 1000);
    std::tm local{};
    return localtime_r(&seconds, &local) == nullptr ? Seconds{0} : Seconds{local.tm_gmtoff};
}

}  // namespace hagent::platform
