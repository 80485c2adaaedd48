// SPDX-License-Identifier: Apache-2.0
// Owns the reading of /sys/class/net, the driver's permanent address and getifaddrs.
#include "platform/posix/network_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/handle.h"
#include "agent/base/text.h"
#include "platform/files.h"
#include "platform/posix/fd.h"

namespace hagent::platform {
namespace {

constexpr std::size_t k_attribute_bytes = 4096;
constexpr std::size_t k_mac_bytes = 6;
constexpr std::string_view k_ethernet = "1";   // ARPHRD_ETHER
constexpr std::string_view k_permanent = "0";  // NET_ADDR_PERM

struct AddressListTraits {
    using Value = ifaddrs*;
    static Value none() { return nullptr; }
    static void close(Value value) { freeifaddrs(value); }
};

/// The kernel's ethtool_perm_addr, whose array of open length C++ cannot fill.
struct PermanentAddressQuestion {
    std::uint32_t command = ETHTOOL_GPERMADDR;
    std::uint32_t size = 32;
    std::array<std::uint8_t, 32> bytes{};
};

/// Drivers without an address of their own answer with zeros or ones.
bool is_usable(const std::string& mac) {
    return mac.size() == k_mac_bytes * 3 - 1 && mac != "00:00:00:00:00:00" && mac != "ff:ff:ff:ff:ff:ff";
}

std::string attribute(Files& files, const std::string& path) {
    return std::string(trim(files.read(path, k_attribute_bytes).value_or("")));
}

std::string mac_text(std::span<const std::uint8_t> bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += (text.empty() ? "" : ":") + to_hex(std::span(&byte, 1));
    }
    return text;
}

/// The burnt-in address, which bonding and administrators do not change; empty when the driver does not say.
std::string permanent_mac(const std::string& name) {
    PermanentAddressQuestion question;
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), std::min(name.size(), sizeof(request.ifr_name) - 1));
    request.ifr_data = reinterpret_cast<char*>(&question);
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket || ioctl(socket.get(), SIOCETHTOOL, &request) != 0 || question.size != k_mac_bytes) {
        return {};
    }
    return mac_text(std::span(question.bytes).first<k_mac_bytes>());
}

/// The kernel's attributes: Documentation/ABI/testing/sysfs-class-net. Only Ethernet counts: the address identifies
/// the device to its manager, and other links have none or change it.
NetworkCard read_card(Files& files, const std::string& name) {
    const std::string folder = concat({"/sys/class/net/", name, "/"});
    NetworkCard card;
    card.name = name;
    if (attribute(files, folder + "type") != k_ethernet) {
        return card;
    }
    const auto is_there = [&](std::string_view entry) {
        const auto found = files.info(concat({folder, entry}));
        return found.ok() && found->has_value();
    };
    card.real = is_there("device");
    card.mac = card.real ? permanent_mac(name) : "";
    card.own = is_usable(card.mac);
    if (!card.own) {
        card.mac = to_lower(attribute(files, folder + "address"));
        card.own = card.real && attribute(files, folder + "addr_assign_type") == k_permanent;
    }
    card.usb = card.real && files.resolve(folder + "device/subsystem").value_or("").ends_with("/usb");
    card.wireless = is_there("wireless") || is_there("phy80211");
    return card;
}

void append_once(std::vector<std::string>& list, const std::string& text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) {
        list.push_back(text);
    }
}

/// The text of an address worth showing, or empty.
std::string shown_address(const sockaddr* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address, sizeof(v4));
        const std::uint32_t number = ntohl(v4.sin_addr.s_addr);
        const bool loopback = number >> 24U == 127, link_local = number >> 16U == 0xA9FE;
        if (!loopback && !link_local) {
            inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        }
    } else if (address->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address, sizeof(v6));
        const auto& bytes = v6.sin6_addr.s6_addr;
        const bool link_local = bytes[0] == 0xFE && (bytes[1] & 0xC0U) == 0x80U;
        const std::uint8_t* end = bytes + 15;
        const bool loopback = std::all_of(bytes + 0, end, [](std::uint8_t byte) { return byte == 0; }) && *end <= 1;
        if (!loopback && !link_local) {
            inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        }
    }
    return text.data();
}

}  // namespace

std::vector<NetworkCard> network_cards() {
    const auto files = system_files();
    std::vector<NetworkCard> cards;
    const auto names = files->list("/sys/class/net");
    for (const auto& name : names.ok() ? *names : std::vector<std::string>()) {
        if (auto card = read_card(*files, name); is_usable(card.mac)) {
            cards.push_back(std::move(card));
        }
    }
    return cards;
}

std::vector<std::string> ip_addresses() {
    std::vector<std::string> addresses;
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) {
        return addresses;
    }
    const UniqueHandle<AddressListTraits> list(first);
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
        constexpr unsigned k_usable = IFF_UP | IFF_RUNNING;  // switched on, and there is a link
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & k_usable) != k_usable) {
            continue;
        }
        if (const std::string text = shown_address(entry->ifa_addr); !text.empty()) {
            append_once(addresses, text);
        }
    }
    return addresses;
}

}  // namespace hagent::platform
