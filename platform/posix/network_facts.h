// SPDX-License-Identifier: Apache-2.0
// Owns what the network interfaces say about the machine.
#pragma once

#include <string>
#include <vector>

#include "platform/network_card.h"

namespace hagent::platform {

/// Ethernet interfaces that have an address.
[[nodiscard]] std::vector<NetworkCard> network_cards();
/// IPv4 and IPv6 addresses in use, without loopback and link-local ones.
[[nodiscard]] std::vector<std::string> ip_addresses();

}  // namespace hagent::platform
