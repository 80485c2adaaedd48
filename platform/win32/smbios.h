// SPDX-License-Identifier: Apache-2.0
// Owns reading vendor, product and serial number out of the SMBIOS table. Source: DMTF DSP0134, 6.1.2, 7.2, 7.3.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace hagent::platform {

struct MachineLabel {
    std::string vendor, product, serial;
};

/// From the structures of an SMBIOS table; a damaged table gives what was read before the damage.
[[nodiscard]] MachineLabel read_machine_label(std::span<const std::uint8_t> table);

}  // namespace hagent::platform
