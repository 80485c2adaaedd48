// SPDX-License-Identifier: Apache-2.0
// Owns the rules that concern several settings at once. Private to this folder.
#pragma once

#include <vector>

#include "agent/config/config.h"

namespace hagent::config {

/// Adds a complaint for each rule that `settings` break; their single values are of the right type and range already.
/// Codes: config_bad_value, config_clear_text_refused. Source: spec 11 "Config", spec 8 "Listener", README "Decisions".
void check_rules(const Settings& settings, ManagerRule manager, std::vector<Complaint>& complaints);

}  // namespace hagent::config
