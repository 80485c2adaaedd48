// SPDX-License-Identifier: Apache-2.0
// Owns the rules that decide whether a validly signed package is meant for this device, now. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/trust/manifest.h"

namespace hagent::trust {

/// What this device answers to.
struct DeviceFacts {
    std::vector<std::string> os_codes;    // "SLX", and others this device answers to
    std::vector<std::string> platforms;   // product name, vendor's code; any of them matches
    std::vector<std::string> device_ids;  // the device id and its MAC addresses
};

/// wrong_os, wrong_platform, wrong_device: a list that is not empty must name one of ours (ASCII case ignored).
[[nodiscard]] Status check_targets(const Manifest& manifest, const DeviceFacts& device);

/// package_expired when `expires` is in the past; a clock that is not trusted expires nothing.
[[nodiscard]] Status check_expiry(std::optional<WallTime> expires, WallTime now, bool clock_trusted);

/// package_replayed when `serial` is lower than `highest`; the same serial is the same package again and allowed.
[[nodiscard]] Status check_serial(std::uint64_t serial, std::optional<std::uint64_t> highest);

/// The three above in this order. `highest` comes from Serials.
[[nodiscard]] Status check_package(const Manifest& manifest, const DeviceFacts& device, WallTime now,
                                   bool clock_trusted, std::optional<std::uint64_t> highest);

/// Of this release: no clock is right that is earlier.
[[nodiscard]] WallTime release_date();

/// A clock is sane from this release's date on, for twenty years: a device without a battery starts in 1970 or 2000.
/// Expiry is not checked with another clock; whoever relies on it logs that.
[[nodiscard]] bool clock_trusted(WallTime now);

}  // namespace hagent::trust
