// SPDX-License-Identifier: Apache-2.0
// Owns the simulation of a fleet on the real schedule (agent/manager/schedule.h): who checks in when, with a manager
// that may be away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/manager/schedule.h"

namespace hagent::bench {

struct Fleet {
    std::vector<std::string> ids;  // one for each device
    manager::ScheduleSettings schedule{};
    std::uint64_t seed = 1;  // of all that the devices leave to chance
};

/// From `from` up to `until` the manager does not answer.
struct Away {
    Seconds from{0}, until{0};
};

using PerSecond = std::vector<unsigned>;

/// Check-ins begun in each second after all devices were switched on at once. A check-in takes no time.
[[nodiscard]] PerSecond check_ins(const Fleet& fleet, Seconds length, Away away = {});

struct Load {
    double peak = 0;  // check-ins per second in the busiest step
    double mean = 0;
    [[nodiscard]] double ratio() const { return mean > 0 ? peak / mean : 0; }
};
/// Over whole steps of `step` seconds from `from` up to `until`, in seconds.
[[nodiscard]] Load load(const PerSecond& counts, std::size_t from, std::size_t until, std::size_t step = 1);

/// Hardware addresses as ids: `first`, `first` + `step` and so on.
[[nodiscard]] std::vector<std::string> addresses(std::uint64_t first, std::uint64_t step, std::size_t count);
/// Five deliveries of which `kept` in `of` devices are here, the others elsewhere.
[[nodiscard]] std::vector<std::string> mixed_addresses(std::uint64_t seed, unsigned kept, unsigned of,
                                                       std::size_t count);
/// "tc-00001" and so on.
[[nodiscard]] std::vector<std::string> names(std::size_t count);
/// Addresses without any order.
[[nodiscard]] std::vector<std::string> random_addresses(std::uint64_t seed, std::size_t count);

}  // namespace hagent::bench
