// SPDX-License-Identifier: Apache-2.0
// Owns what the network adapters say about the machine.
#pragma once

#include <string>
#include <vector>

#include "platform/network_card.h"

namespace hagent::platform {

struct NetworkFacts {
    std::vector<NetworkCard> cards;      // wired and wireless adapters
    std::vector<std::string> addresses;  // without loopback and link-local ones
    std::vector<std::string> domains;    // that the adapters' networks complete names with
};

[[nodiscard]] NetworkFacts network_facts();

}  // namespace hagent::platform
