// SPDX-License-Identifier: Apache-2.0
// Owns base64 (RFC 4648, 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hagent::trust {

/// The bytes that the text stands for; empty when it is no base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace hagent::trust
