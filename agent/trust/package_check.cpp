// SPDX-License-Identifier: Apache-2.0
// Owns the rules' order and words.
#include "agent/trust/package_check.h"

#include <algorithm>
#include <chrono>

#include "agent/base/concat.h"
#include "agent/base/text.h"

namespace hagent::trust {
namespace {

using errors::AgentCode;

// Moved forward with a release, by hand: a date taken from the build machine would make builds differ.
constexpr std::chrono::sys_days k_release_date = std::chrono::year{2026} / std::chrono::November / 1;
constexpr std::chrono::years k_sane_for{20};

/// An empty list asks for nothing.
bool meets(const std::vector<std::string>& wanted, const std::vector<std::string>& ours) {
    return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&ours](const std::string& name) {
               return std::any_of(ours.begin(), ours.end(),
                                  [&name](const std::string& own) { return equal_ignoring_case(name, own); });
           });
}

/// A few names are enough for a message; a list may have a thousand.
std::string listed(const std::vector<std::string>& names) {
    std::string out = "meant for ";
    for (std::size_t i = 0; i < names.size() && i < 5; ++i) {
        out += (i == 0 ? "" : ", ") + names[i];
    }
    return names.size() > 5 ? out + " ..." : out;
}

}  // namespace

Status check_targets(const Manifest& manifest, const DeviceFacts& device) {
    const Targets& targets = manifest.targets;
    if (!meets(targets.os, device.os_codes)) {
        return error(AgentCode::wrong_os, listed(targets.os));
    }
    if (!meets(targets.platforms, device.platforms)) {
        return error(AgentCode::wrong_platform, listed(targets.platforms));
    }
    if (!meets(targets.devices, device.device_ids)) {
        return error(AgentCode::wrong_device, listed(targets.devices));
    }
    return {};
}

Status check_expiry(std::optional<WallTime> expires, WallTime now, bool clock_trusted) {
    if (expires && clock_trusted && now >= *expires) {
        return error(AgentCode::package_expired, {"on ", rfc3339(*expires)});
    }
    return {};
}

Status check_serial(std::uint64_t serial, std::optional<std::uint64_t> highest) {
    if (highest && serial < *highest) {
        return error(AgentCode::package_replayed,
                     {"serial ", std::to_string(serial), ", accepted before: ", std::to_string(*highest)});
    }
    return {};
}

Status check_package(const Manifest& manifest, const DeviceFacts& device, WallTime now, bool clock_trusted,
                     std::optional<std::uint64_t> highest) {
    TRY(check_targets(manifest, device));
    TRY(check_expiry(manifest.expires, now, clock_trusted));
    return check_serial(manifest.serial, highest);
}

WallTime release_date() { return WallTime{std::chrono::duration_cast<Millis>(k_release_date.time_since_epoch())}; }

bool clock_trusted(WallTime now) {
    const auto start = release_date();
    return now >= start && now.since_epoch < start.since_epoch + std::chrono::duration_cast<Millis>(k_sane_for);
}

}  // namespace hagent::trust
