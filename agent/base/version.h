// SPDX-License-Identifier: Apache-2.0
// Owns the order of dotted version numbers and this agent's own version.
#pragma once

#include <compare>
#include <string_view>

namespace hagent {

/// This build's version: four numbers, of which only the first three decide whether an upgrade is newer.
[[nodiscard]] std::string_view agent_version();

/// Orders dotted versions part by part: the number that a part begins with by value, the rest of it byte by byte; a
/// missing part counts as 0. So "1.10" is later than "1.9", "1.2" is "1.2.0", and "1.2b" lies between "1.2a" and "1.3".
[[nodiscard]] std::strong_ordering compare_versions(std::string_view a, std::string_view b);

}  // namespace hagent
