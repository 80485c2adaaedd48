// SPDX-License-Identifier: Apache-2.0
// Owns the order of network cards: by which of them the machine is known. Pure; the systems say what the cards are.
#pragma once

#include <string>
#include <vector>

#include "platform/host.h"

namespace hagent::platform {

struct NetworkCard {
    std::string name;  // "eth0"
    std::string mac;   // "00:80:64:aa:bb:cc"
    bool real = true;  // a device stands behind it: it is no bridge, tunnel or container's end
    bool own = true;   // the address is the card's, not one that somebody gave it
    bool usb = false, wireless = false;
};

/// Puts their addresses into `facts`, each once: the one that stays with the machine longest comes first. Cards with
/// their own, universally administered address (IEEE 802 8.2) before others, built-in ones before those on USB, wired
/// before wireless; virtual ones only where there is no real one.
void put_cards(std::vector<NetworkCard> cards, HostFacts& facts);

}  // namespace hagent::platform
