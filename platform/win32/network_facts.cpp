// SPDX-License-Identifier: Apache-2.0
// Owns the walk over GetAdaptersAddresses.
#include "platform/win32/network_facts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "agent/base/text.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"
// After the Windows headers.
#include <iphlpapi.h>

namespace hagent::platform {
namespace {

constexpr ULONG k_mac_bytes = 6;
constexpr ULONG k_skip =
    GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER | GAA_FLAG_SKIP_FRIENDLY_NAME;

std::string mac_text(std::span<const std::uint8_t> bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += (text.empty() ? "" : ":") + to_hex(std::span(&byte, 1));
    }
    return text;
}

void append_once(std::vector<std::string>& list, const std::string& text) {
    if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) {
        list.push_back(text);
    }
}

/// The text of an address worth showing, or empty.
std::string shown_address(const sockaddr* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        const std::uint32_t number = ntohl(v4->sin_addr.s_addr);
        if (number >> 24U != 127 && number >> 16U != 0xA9FE) {
            inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
        }
    } else if (address->sa_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
        if (!IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) {
            inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
        }
    }
    return text.data();
}

/// Tunnels and bridges call themselves Ethernet too; what counts is an address of six bytes.
bool is_real(const IP_ADAPTER_ADDRESSES& adapter) {
    return (adapter.IfType == IF_TYPE_ETHERNET_CSMACD || adapter.IfType == IF_TYPE_IEEE80211) &&
           adapter.PhysicalAddressLength == k_mac_bytes;
}

}  // namespace

NetworkFacts network_facts() {
    // Enough for a usual machine; else the call says how much it needs.
    ULONG size = 64U << 10U;
    std::vector<std::byte> memory(size);
    auto* adapters = reinterpret_cast<IP_ADAPTER_ADDRESSES*>(memory.data());
    ULONG answer = GetAdaptersAddresses(AF_UNSPEC, k_skip, nullptr, adapters, &size);
    if (answer == ERROR_BUFFER_OVERFLOW) {
        memory.resize(size);
        adapters = reinterpret_cast<IP_ADAPTER_ADDRESSES*>(memory.data());
        answer = GetAdaptersAddresses(AF_UNSPEC, k_skip, nullptr, adapters, &size);
    }
    NetworkFacts facts;
    for (const auto* adapter = answer == ERROR_SUCCESS ? adapters : nullptr; adapter != nullptr;
         adapter = adapter->Next) {
        for (const auto* entry = adapter->FirstUnicastAddress; entry != nullptr; entry = entry->Next) {
            append_once(facts.addresses, shown_address(entry->Address.lpSockaddr));
        }
        append_once(facts.domains, adapter->DnsSuffix == nullptr ? "" : narrow_text(adapter->DnsSuffix));
        if (is_real(*adapter)) {
            NetworkCard card;
            card.name = adapter->Description == nullptr ? "" : narrow_text(adapter->Description);
            card.mac = mac_text(std::span(adapter->PhysicalAddress).first<k_mac_bytes>());
            card.usb = card.name.find("USB") != std::string::npos;  // the description is all that is said of the bus
            card.wireless = adapter->IfType == IF_TYPE_IEEE80211;
            facts.cards.push_back(std::move(card));
        }
    }
    return facts;
}

}  // namespace hagent::platform
