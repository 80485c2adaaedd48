// SPDX-License-Identifier: Apache-2.0
// Owns the parsing of a name server's answer and the completion of names. Pure. For the implementations of resolver.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/resolver.h"

namespace hagent::platform {

/// The SRV records of an answer (RFC 1035, 4.1; RFC 2782), in its order and at most 16. Records without a
/// host, or whose host is not a name of at most 253 bytes, are left out. Reading stops at the first byte that cannot be
/// understood; what was read until then is given.
[[nodiscard]] std::vector<ServicePlace> services_of_answer(std::span<const std::uint8_t> message);

/// What to ask for, in order: the name itself, or when it ends with its protocol, with each domain behind it that the
/// last line "search" or "domain" of resolv.conf(5) has, six at most. Never empty.
[[nodiscard]] std::vector<std::string> names_to_ask(const std::string& service, std::string_view resolv_conf);

}  // namespace hagent::platform
