// SPDX-License-Identifier: Apache-2.0
// Owns CRC-32 (IEEE 802.3, reflected), which guards journal records against torn writes.
#pragma once

#include <cstdint>
#include <string_view>

namespace hagent {

[[nodiscard]] std::uint32_t crc32(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace hagent
