// SPDX-License-Identifier: Apache-2.0
// Owns what is shown of the agents of this device.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/json_writer.h"
#include "agent/upgrade/record.h"

namespace hagent::upgrade {

struct Agents {
    Place preinstalled;
    Record record{};
};

/// The launcher that has started this program `own`; else itself, unless the record knows of another one and this is an
/// upgraded agent that was called by its path.
[[nodiscard]] Place preinstalled(const Record& record, Place own, std::optional<Place> launcher);

/// Members of the object that is open: running, preinstalled, staged, trial, last, in the shapes of spec 11.
void write_agents(JsonWriter& json, const Agents& agents);
/// For people, as (what, value); what runs and what is preinstalled stand only in the text.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> status_lines(const Agents& agents);
[[nodiscard]] std::string status_text(const Agents& agents);

}  // namespace hagent::upgrade
