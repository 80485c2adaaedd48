// SPDX-License-Identifier: Apache-2.0
// Owns the reading of what bcdedit.exe prints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hagent::boot {

/// One entry of the store. Names of elements are English on every Windows, but for the first one, the identifier.
struct BcdEntry {
    std::string id;           // "{b2721d73-1db4-4c62-bf78-c548a880142d}"
    std::string description;  // printable
    std::string options;      // element loadoptions
    // of the boot manager
    std::string default_id;
    std::vector<std::string> sequence;  // element bootsequence
    friend bool operator==(const BcdEntry&, const BcdEntry&) = default;
};

/// Of `bcdedit /enum ... /v`. boot_program_failed where there is no entry, or one without an identifier.
[[nodiscard]] Result<std::vector<BcdEntry>> parse_bcd(std::string_view text);

/// "{9dea862c-...}": of the boot manager itself, on every Windows.
inline constexpr std::string_view k_bcd_manager = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";

}  // namespace hagent::boot
