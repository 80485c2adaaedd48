// SPDX-License-Identifier: Apache-2.0
// Owns CRC-32 (IEEE 802.3, reflected), which guards journal records against torn writes.
#pragma once

#include <cstdint>
#include <string_view>

namespace hagent {

/// The sum of `bytes`; with `seed` the sum of what went before and of them. It guards against accidents, not against
/// people: what must be trusted is signed. Source: IEEE 802.3 3.2.9; "123456789" gives 0xCBF43926.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace hagent
