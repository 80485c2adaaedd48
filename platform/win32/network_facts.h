// SPDX-License-Identifier: Apache-2.0
// Owns what the network adapters say about the machine.
#pragma once

#include <string>
#include <vector>

namespace hagent::platform {

struct NetworkFacts {
    std::vector<std::string> macs;       // of wired and wireless adapters, those with an IP address first
    std::vector<std::string> addresses;  // without loopback and link-local ones
    std::vector<std::string> domains;    // that the adapters' networks complete names with
};

[[nodiscard]] NetworkFacts network_facts();

}  // namespace hagent::platform
