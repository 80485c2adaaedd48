// SPDX-License-Identifier: Apache-2.0
// Owns what work may ask about the device.
#pragma once

#include <string>
#include <vector>

#include "platform/host.h"

namespace hagent::work {

/// An empty text means that the device does not say.
struct Facts {
    std::vector<std::string> os_codes;   // own code first, then its aliases; compared without regard to case
    std::string image_version;           // CI
    std::vector<std::string> platforms;  // CP: "VXC 6215", "Cisco VXC 6215"
    std::string user;                    // CU: empty when nobody is logged on
    std::string mac, ip, hostname, serial;
};

/// The facts of this machine; `os_codes` comes from the configuration.
[[nodiscard]] Facts facts_from(const platform::HostFacts& host, std::vector<std::string> os_codes,
                               std::string image_version);

}  // namespace hagent::work
