// SPDX-License-Identifier: Apache-2.0
// Owns ZoneRule: what the years of a time zone have in common, as POSIX writes it in TZ.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/time.h"

namespace hagent {

struct ZoneRule {
    /// A moment of every year, by the clock that is in use before it.
    struct Turn {
        // 1 to 12: in its `week`th week (5: the last), on `day` (0: Sunday); 0: `day` counts from January 1
        std::uint8_t month = 0;
        std::uint8_t week = 0;  // with month 0: 1 leaves February 29 out of the count
        std::uint16_t day = 0;
        Seconds clock{0};  // since midnight; may reach into other days

        /// As if that clock were UTC.
        [[nodiscard]] Seconds in(std::chrono::year year) const;
        friend bool operator==(const Turn&, const Turn&) = default;
    };

    Seconds standard{0}, daylight{0};  // ahead of UTC, less than 26 hours either way; equal when nothing changes
    Turn begin, end;                   // of daylight time, which may be the winter

    /// "CET-1CEST,M3.5.0,M10.5.0/3" with the times of RFC 8536 3.3.1 (-167 to 167 hours); empty on any deviation, also
    /// when a second name comes without the turns, which POSIX leaves to everybody's taste.
    [[nodiscard]] static std::optional<ZoneRule> parse(std::string_view text);

    /// Ahead of UTC at this moment since 1970.
    [[nodiscard]] Seconds offset(Seconds moment) const;

    friend bool operator==(const ZoneRule&, const ZoneRule&) = default;
};

}  // namespace hagent
