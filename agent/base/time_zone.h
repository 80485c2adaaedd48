// SPDX-License-Identifier: Apache-2.0
// Owns TimeZone: how far the clocks of one region are ahead of UTC at any moment.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/base/zone_rule.h"

namespace hagent {

/// UTC unless it came from parse().
class TimeZone {
public:
    /// Reads a TZif file (RFC 8536; versions 1 to 4). Empty on any deviation, and for more than k_zone_file_bytes. Leap
    /// seconds are left out of account.
    [[nodiscard]] static std::optional<TimeZone> parse(std::string_view file);

    /// Ahead of UTC, less than 26 hours either way.
    [[nodiscard]] Seconds offset(WallTime time) const;

    friend bool operator==(const TimeZone&, const TimeZone&) = default;

private:
    struct Period {
        Seconds from{0};  // since 1970
        Seconds offset{0};
        friend bool operator==(const Period&, const Period&) = default;
    };

    Seconds first_{0};              // before all periods
    std::vector<Period> periods_;   // in order; each lasts until the next one
    std::optional<ZoneRule> rule_;  // from the last period on
};

}  // namespace hagent
