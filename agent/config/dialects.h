// SPDX-License-Identifier: Apache-2.0
// Owns the dialects by name: a row each, with all that configuration and program ask about one without speaking it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hagent::config {

enum class Dialect : std::uint8_t { hawkbit, folder, hserver };
inline constexpr std::size_t k_dialects = 3;

/// What a kind of manager is like. A rule that differs between dialects reads the row, and none compares with a
/// dialect: a new one is its row here, its class in agent/manager and its line in agent/dialects.cpp. Source: spec 5
/// "Dialects", spec 11 "Config".
struct DialectTraits {
    Dialect dialect;
    std::string_view name;                      // manager.dialect
    std::span<const std::string_view> schemes;  // of manager.urls, lower case, in the order in which they are named
    bool is_signed;     // its jobs can be signed; else the configuration has to say that it trusts the network
    bool discoverable;  // a server of it may be named by DHCP and DNS
    bool encrypted;     // such a server speaks TLS on any port; else on port 443 only
    bool opcodes;       // manager.opcodes limits what its scripts may do

    [[nodiscard]] bool takes(std::string_view scheme) const;
};

/// All of them, in the order of the enumeration.
[[nodiscard]] std::span<const DialectTraits, k_dialects> dialects();
/// The row of that dialect; it lives as long as the program.
[[nodiscard]] const DialectTraits& traits_of(Dialect dialect);
/// The name in manager.dialect.
[[nodiscard]] std::string_view to_string(Dialect dialect);

}  // namespace hagent::config
