// SPDX-License-Identifier: Apache-2.0
// Owns the look into everything that the configuration names, before the agent needs it.
#pragma once

#include <vector>

#include "agent/config/config.h"
#include "agent/machine.h"

namespace hagent {

/// All that is wrong with files and folders that the settings name: who else can change them (config::check_places),
/// and what cannot be opened, read or written. The path of the latter is the setting's; the message names the file.
/// And deadlines that check-ins cannot keep (config::check_deadlines).
[[nodiscard]] std::vector<config::Complaint> check_files(Machine& machine, const config::Settings& settings);

/// As much of it as the agent works without, for its log: single keys and hooks, a log that cannot be written, files
/// that are missing. Quick, as it is asked at each start.
[[nodiscard]] std::vector<config::Complaint> what_is_lost(Machine& machine, const config::Settings& settings);

}  // namespace hagent
