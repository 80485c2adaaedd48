// SPDX-License-Identifier: Apache-2.0
// Owns the look over all that the state directory keeps twice: what is damaged, for people.
#pragma once

#include <string>
#include <vector>

#include "agent/config/state_paths.h"
#include "platform/files.h"

namespace hagent {

/// One line for each file that is damaged now, or was and is kept as NAME.damaged until somebody removes it. Only
/// looks; what cannot be looked at is in the list too.
[[nodiscard]] std::vector<std::string> damage_of(platform::Files& files, const config::StatePaths& paths);

}  // namespace hagent
