// SPDX-License-Identifier: Apache-2.0
// Owns the look into the system's directories of time zones, and the words about what is not there.
#include "agent/config/zone.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/limits.h"

namespace hagent::config {
namespace {

using errors::AgentCode;

/// Says what would do instead: nobody can install time zones on a device with a read-only image.
Failure unusable(const std::string& name, std::string_view why) {
    return error(AgentCode::config_bad_value,
                 {"zone '", name, "': ", why, "; write UTC, or leave the zone out for the device's own time"});
}

}  // namespace

/// A damaged file ends the search. Another directory may have older rules, and the window would open at another hour.
Result<TimeZone> find_zone(platform::Files& files, std::span<const std::string> directories, const std::string& name) {
    if (name == "UTC") {
        return TimeZone();
    }
    for (const auto& directory : directories) {
        const auto file = files.read(concat({directory, "/", name}), limits::k_zone_file_bytes);
        if (!file.ok()) {
            continue;
        }
        if (auto zone = TimeZone::parse(*file)) {
            return std::move(*zone);
        }
        return unusable(name, "its file is damaged");
    }
    return unusable(
        name, directories.empty() ? "this system has no time zones by name" : "not installed here (package tzdata)");
}

/// All windows are looked at before anything is said, like everything in the configuration.
std::vector<Complaint> find_zones(platform::Files& files, std::span<const std::string> directories,
                                  Settings& settings) {
    std::vector<Complaint> complaints;
    const auto find = [&](Window& window, const std::string& path) {
        if (window.zone.empty()) {
            return;
        }
        if (auto zone = find_zone(files, directories, window.zone); zone.ok()) {
            window.rules = std::move(*zone);
        } else {
            complaints.push_back({AgentCode::config_bad_value, path, zone.error().context});
        }
    };
    for (std::size_t i = 0; i < settings.windows.size(); ++i) {
        find(settings.windows[i], concat({"windows[", std::to_string(i), "]"}));
    }
    if (settings.upgrade.window) {
        find(*settings.upgrade.window, "upgrade.window");
    }
    return complaints;
}

bool any_open(platform::Files& files, std::span<const std::string> directories, std::span<const Window> windows,
              WallTime now, Seconds local_offset) {
    return windows.empty() || std::any_of(windows.begin(), windows.end(), [&](Window window) {
               auto rules = find_zone(files, directories, window.zone);
               if (!window.zone.empty() && rules.ok()) {
                   window.rules = std::move(*rules);
               }
               return window.is_open(now, local_offset);
           });
}

}  // namespace hagent::config
