// SPDX-License-Identifier: Apache-2.0
// Owns the way from a time zone's name in the configuration to its rules on this device.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time_zone.h"
#include "agent/config/config.h"
#include "platform/files.h"

namespace hagent::config {

/// The rules of "Europe/Berlin" from the first of `directories` that has a file of this name; "UTC" needs no file.
/// `name` is one that parse_window() accepted. Error: config_bad_value, whose context says what is wrong and what to
/// do.
[[nodiscard]] Result<TimeZone> find_zone(platform::Files& files, std::span<const std::string> directories,
                                         const std::string& name);

/// Gives every window of the settings the rules of its zone, and complains of zones that are not to be had. Each
/// complaint is config_bad_value with the path of its window.
[[nodiscard]] std::vector<Complaint> find_zones(platform::Files& files, std::span<const std::string> directories,
                                                Settings& settings);

/// Whether one of them is open; no window at all: always. Zones are looked up anew: somebody may have given the device
/// other rules while the agent runs; those that it had count where they are gone.
[[nodiscard]] bool any_open(platform::Files& files, std::span<const std::string> directories,
                            std::span<const Window> windows, WallTime now, Seconds local_offset);

}  // namespace hagent::config
