// SPDX-License-Identifier: Apache-2.0
// Owns what the network interfaces say about the machine.
#pragma once

#include <string>
#include <vector>

namespace hagent::platform {

/// MAC addresses of real interfaces, burnt-in ones first; of virtual ones only when there is no real one.
[[nodiscard]] std::vector<std::string> mac_addresses();
/// IPv4 and IPv6 addresses in use, without loopback and link-local ones.
[[nodiscard]] std::vector<std::string> ip_addresses();

}  // namespace hagent::platform
