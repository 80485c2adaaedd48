// SPDX-License-Identifier: Apache-2.0
// Owns that order as a rank.
#include "platform/network_card.h"

#include <algorithm>
#include <tuple>

#include "agent/base/text.h"

namespace hagent::platform {
namespace {

/// The second bit of the first byte.
bool is_locally_administered(const std::string& mac) {
    const auto first = from_hex(std::string_view(mac).substr(0, 2));
    return !first || first->empty() || (first->front() & 2U) != 0;
}

/// Names of one length in their order: eth2 before eth10.
auto rank(const NetworkCard& card) {
    return std::tuple(!card.real, !card.own || is_locally_administered(card.mac), card.usb, card.wireless,
                      card.name.size(), std::string_view(card.name));
}

}  // namespace

void put_cards(std::vector<NetworkCard> cards, HostFacts& facts) {
    std::vector<NetworkCard>
        ranked;  // one by one into their places: std::stable_sort of a few cards would be 5 KiB of code
    for (auto& card : cards) {
        const auto place =
            std::upper_bound(ranked.begin(), ranked.end(), card,
                             [](const NetworkCard& a, const NetworkCard& b) { return rank(a) < rank(b); });
        ranked.insert(place, std::move(card));
    }
    facts.has_real_card = !ranked.empty() && ranked.front().real;
    for (auto& card : ranked) {
        if ((card.real || !facts.has_real_card) &&
            std::find(facts.macs.begin(), facts.macs.end(), card.mac) == facts.macs.end()) {
            facts.macs.push_back(std::move(card.mac));
            facts.card_names.push_back(std::move(card.name));
        }
    }
}

}  // namespace hagent::platform
