// SPDX-License-Identifier: Apache-2.0
// Fuzzes files of time zones, and the rule at their end alone.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/base/time_zone.h"
#include "tests/fuzz/require.h"

using hagent::fuzz::require;

namespace {
constexpr hagent::Seconds k_most{26 * 3600};
constexpr std::int64_t k_step = 37 * 86'400 + 1'801;  // seconds
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto zone = hagent::TimeZone::parse(text)) {
        require(size <= hagent::limits::k_zone_file_bytes);
        for (std::int64_t i = -100; i < 900; ++i) {
            const auto offset = zone->offset({hagent::Seconds{i * k_step}});
            require(offset > -k_most && offset < k_most);
        }
    }
    if (const auto rule = hagent::ZoneRule::parse(text)) {
        for (std::int64_t i = -100; i < 900; ++i) {
            const auto offset = rule->offset(hagent::Seconds{i * k_step});
            require(offset == rule->standard || offset == rule->daylight);
            require(offset > -k_most && offset < k_most);
        }
    }
    return 0;
}
