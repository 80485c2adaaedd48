// SPDX-License-Identifier: Apache-2.0
// Owns what a script may ask about the device, and the variables that stand for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "platform/host.h"

namespace hagent::script {

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

/// Replaces <mac> <ip> <hostname> <serial> <os> <image>; names are compared without regard to case, "<<" is one '<'.
/// A '<' that no letters and '>' follow stands for itself.
/// Errors: bad_argument for an unknown name, for one without a value, and for <regroot>.
[[nodiscard]] Result<std::string> expand(std::string_view text, const Facts& facts);

/// The relation and version of CI: "=", "==" (or none), "!=", "<", "<=", ">", ">=".
/// Errors: bad_argument.
[[nodiscard]] Result<bool> version_holds(std::string_view condition, std::string_view version);

}  // namespace hagent::script
