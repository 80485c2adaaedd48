// SPDX-License-Identifier: Apache-2.0
// Owns the values that the tests of the agent's upgrade share.
#pragma once

#include <string>

#include "agent/trust/digest.h"
#include "agent/upgrade/choice.h"
#include "tests/fakes/rooted.h"

namespace hagent::upgrade {

inline Program program(const std::string& version, const std::string& content = "program") {
    return {version, content.size(), trust::sha256_hex(content),
            fakes::rooted("/var/lib/hagent/agent/" + version + "/hagent"), false};
}

inline Now at(std::int64_t seconds, const std::string& boot = "boot-1") {
    return {{boot, Uptime{Seconds{seconds}}}, WallTime{Millis{1'796'083'200'000} + Seconds{seconds}}};
}

inline const Place k_own = {"0.1.0.0", fakes::rooted("/usr/sbin/hagent")};

}  // namespace hagent::upgrade
