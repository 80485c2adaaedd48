// SPDX-License-Identifier: Apache-2.0
// Owns the run of the simulated clock over all devices, and the ids of made-up fleets.
#include "tests/bench/fleet/fleet.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <queue>
#include <random>
#include <utility>

#include "agent/base/text.h"

namespace hagent::bench {
namespace {

/// Twelve hexadecimal digits.
std::string address(std::uint64_t number) {
    std::array<std::uint8_t, 6> bytes{};
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, number >>= 8U) {
        *byte = static_cast<std::uint8_t>(number & 0xFFU);
    }
    return to_hex(bytes);
}

}  // namespace

PerSecond check_ins(const Fleet& fleet, Seconds length, Away away) {
    std::mt19937_64 random(fleet.seed);
    std::vector<manager::Schedule> devices(fleet.ids.size(), manager::Schedule(fleet.schedule));
    using Due = std::pair<Millis, std::size_t>;  // when, which device
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        devices[i].start({}, manager::place_of(fleet.ids[i]));
        due.emplace(devices[i].next()->since_start, i);
    }
    PerSecond counts(static_cast<std::size_t>(length.count()));
    while (!due.empty() && due.top().first < length) {
        const auto [now, i] = due.top();
        due.pop();
        ++counts[static_cast<std::size_t>(now.count() / 1000)];
        devices[i].begin({now}, true);
        if (now < away.from || now >= away.until) {
            devices[i].succeed({now}, std::nullopt, random(), true);
        } else {
            devices[i].fail({now}, std::nullopt, std::nullopt, random());
        }
        due.emplace(devices[i].next()->since_start, i);
    }
    return counts;
}

Load load(const PerSecond& counts, std::size_t from, std::size_t until, std::size_t step) {
    Load out;
    std::size_t steps = 0;
    for (std::size_t at = from; at + step <= std::min(until, counts.size()); at += step, ++steps) {
        double sum = 0;
        for (std::size_t second = at; second < at + step; ++second) {
            sum += counts[second];
        }
        sum /= static_cast<double>(step);
        out.peak = std::max(out.peak, sum);
        out.mean += sum;
    }
    out.mean /= static_cast<double>(std::max<std::size_t>(steps, 1));
    return out;
}

std::vector<std::string> addresses(std::uint64_t first, std::uint64_t step, std::size_t count) {
    std::vector<std::string> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(address(first + i * step));
    }
    return out;
}

std::vector<std::string> mixed_addresses(std::uint64_t seed, unsigned kept, unsigned of, std::size_t count) {
    constexpr std::size_t k_deliveries = 5;
    std::mt19937_64 random(seed);
    std::vector<std::string> out;
    out.reserve(count);
    for (std::size_t delivery = 0; delivery < k_deliveries; ++delivery) {
        std::uint64_t number = random();
        while (out.size() < count * (delivery + 1) / k_deliveries) {
            if (random() % of < kept) {
                out.push_back(address(number));
            }
            ++number;
        }
    }
    return out;
}

std::vector<std::string> names(std::size_t count) {
    std::vector<std::string> out;
    out.reserve(count);
    for (std::size_t i = 1; i <= count; ++i) {
        const std::string digits = std::to_string(i);
        out.push_back("tc-" + std::string(5 - std::min<std::size_t>(digits.size(), 5), '0') + digits);
    }
    return out;
}

std::vector<std::string> random_addresses(std::uint64_t seed, std::size_t count) {
    std::mt19937_64 random(seed);
    std::vector<std::string> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(address(random()));
    }
    return out;
}

}  // namespace hagent::bench
