// SPDX-License-Identifier: Apache-2.0
// Owns the names beside a file that is kept twice.
#pragma once

#include <string>

namespace hagent {

/// The second copy of a file on which the agent's memory rests.
[[nodiscard]] inline std::string copy_path(const std::string& path) { return path + ".copy"; }
/// What was damaged is kept there for people to look at.
[[nodiscard]] inline std::string damaged_path(const std::string& path) { return path + ".damaged"; }

}  // namespace hagent
