// SPDX-License-Identifier: Apache-2.0
// Owns the names of the settings' values, and the defaults that depend on the system.
#include "agent/config/settings.h"

#include <algorithm>
#include <array>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/paths.h"

namespace hagent::config {
namespace {

constexpr std::array<std::string_view, 2> k_trusts = {"required", "network"};
constexpr std::array<std::string_view, 5> k_boot_methods = {"none", "grub", "efi", "bcd", "hook"};

/// All four parts: what "127.1" means differs between systems.
bool is_ipv4(std::string_view text) {
    const auto parts = split(text, '.');
    return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
               return part.size() <= 3 && parse_u64(part, 255);
           });
}

/// Loose: hexadecimal groups, colons and an IPv4 end; listen() has the last word.
bool is_ipv6(std::string_view text) {
    return text.size() >= 2 && text.size() <= 45 && text.find(':') != std::string_view::npos &&
           text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

}  // namespace

std::string_view to_string(ContentTrust trust) { return k_trusts[static_cast<std::size_t>(trust)]; }
std::string_view to_string(BootMethod method) { return k_boot_methods[static_cast<std::size_t>(method)]; }

const std::string& SlotSettings::device() const {
    const auto root = parts.find(std::string(k_root_part));
    return root == parts.end() ? parts.begin()->second : root->second;
}

const SlotSettings* ImageSettings::find(std::string_view slot) const {
    const auto found = std::find_if(slots.begin(), slots.end(), [&](const auto& each) { return each.name == slot; });
    return found == slots.end() ? nullptr : &*found;
}

bool Endpoint::loopback() const { return address == "::1" || (address.starts_with("127.") && is_ipv4(address)); }

/// An IPv6 address needs its brackets, or nobody could tell its last group from the port.
std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    const auto port = colon == std::string_view::npos ? std::nullopt : parse_u64(text.substr(colon + 1), 65535);
    if (!port) {
        return std::nullopt;
    }
    auto address = text.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
        if (!is_ipv6(address)) {
            return std::nullopt;
        }
    } else if (!is_ipv4(address)) {
        return std::nullopt;
    }
    return Endpoint{std::string(address), narrow<std::uint16_t>(*port)};
}

/// These depend on the system; all other defaults stand in the header.
Settings default_settings() {
    Settings settings;
    settings.script.roots = {platform::default_script_root()};
    settings.script.hooks_dir = platform::default_hooks_directory();
    settings.trust.keys_dir = platform::default_keys_directory();
    settings.state_dir = platform::default_state_directory();
    return settings;
}

}  // namespace hagent::config
