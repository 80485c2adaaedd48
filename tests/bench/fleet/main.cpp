// SPDX-License-Identifier: Apache-2.0
// Owns bench_fleet: prints what a fleet of 10,000 devices asks of its manager, and draws it into the file it is given.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/fleet/fleet.h"
#include "tests/bench/fleet/plot.h"

namespace {

using namespace hagent;
using namespace hagent::bench;

constexpr std::size_t k_devices = 10'000;
constexpr double k_goal = 1.2;
constexpr unsigned k_fleets = 100;  // of each kind, with seeds from 1 on
constexpr Seconds k_hour{3600}, k_spread{60};

struct Kind {
    const char* title;
    std::function<std::vector<std::string>(std::uint64_t seed)> ids;
};

std::vector<Kind> kinds() {
    return {
        {"addresses counting up by 1",
         [](std::uint64_t seed) { return addresses(0x0080'6400'0000 + seed * 0x1'2345, 1, k_devices); }},
        {"addresses counting up by 2",
         [](std::uint64_t seed) { return addresses(0x0080'6400'0000 + seed * 0x1'2345, 2, k_devices); }},
        {"five deliveries, two in three here",
         [](std::uint64_t seed) { return mixed_addresses(seed, 2, 3, k_devices); }},
        {"names tc-00001 to tc-10000", [](std::uint64_t) { return names(k_devices); }},
        {"no order (as chance would have it)", [](std::uint64_t seed) { return random_addresses(seed, k_devices); }},
    };
}

Fleet fleet_of(std::vector<std::string> ids, Seconds spread) {
    Fleet fleet;
    fleet.ids = std::move(ids);
    fleet.schedule.spread = spread;
    return fleet;
}

void print_kind(const Kind& kind, Seconds spread) {
    const auto seconds = static_cast<unsigned>(spread.count());
    double peak = 0, ratio = 0, worst = 0;
    unsigned above = 0;
    for (unsigned seed = 1; seed <= k_fleets; ++seed) {
        Fleet fleet = fleet_of(kind.ids(seed), spread);
        fleet.schedule.interval = Seconds{24 * 3600};  // nobody comes a second time meanwhile
        const auto one = load(check_ins(fleet, spread), 0, seconds);
        peak += one.peak / k_fleets;
        ratio += one.ratio() / k_fleets;
        worst = std::max(worst, one.ratio());
        above += one.ratio() > k_goal ? 1U : 0U;
    }
    std::printf("  %-36s %6u s %8.1f %8.1f %9.2fx %8.2fx  ", kind.title, seconds,
                static_cast<double>(k_devices) / seconds, peak, ratio, worst);
    if (above == 0) {
        std::printf("reached (<= %.1fx)\n", k_goal);
    } else {
        std::printf("NOT reached (<= %.1fx) by %u of %u\n", k_goal, above, k_fleets);
    }
}

void print_first_check_ins() {
    std::printf(
        "First check-ins of 10,000 devices switched on at once: the busiest second, over %u fleets of each kind (seeds "
        "1 to %u)\n",
        k_fleets, k_fleets);
    std::printf("  %-36s %8s %8s %8s %10s %9s\n", "ids", "spread", "mean/s", "peak/s", "peak/mean", "at worst");
    for (const auto spread : {Seconds{30}, Seconds{60}, Seconds{120}, Seconds{300}}) {
        for (const auto& kind : kinds()) {
            print_kind(kind, spread);
        }
    }
}

void print_quarters(const char* title, const PerSecond& counts, unsigned from, unsigned quarters) {
    constexpr unsigned k_quarter = 900;
    std::printf("  %-15s %8s %13s %10s %12s\n", title, "mean/s", "peak of 10 s", "peak/mean", "peak of 1 s");
    for (unsigned i = 0; i < quarters; ++i) {
        const auto by_ten = load(counts, from + i * k_quarter, from + (i + 1) * k_quarter, 10);
        const auto by_one = load(counts, from + i * k_quarter, from + (i + 1) * k_quarter);
        std::printf("  %3u to %3u min  %8.1f %13.1f %9.2fx %12.1f\n", i * 15, (i + 1) * 15, by_ten.mean, by_ten.peak,
                    by_ten.ratio(), by_one.peak);
    }
}

std::vector<double> rates(const PerSecond& counts, std::size_t from, std::size_t until, std::size_t step) {
    std::vector<double> out;
    for (std::size_t at = from; at + step <= until; at += step) {
        out.push_back(load(counts, at, at + step, step).mean);
    }
    return out;
}

std::string drawing_of(const PerSecond& steady, const PerSecond& outage) {
    const auto chance = check_ins(fleet_of(random_addresses(1, k_devices), k_spread), k_spread);
    return svg({
        {"10,000 devices switched on at once: check-ins in each second of the spread window of 60 s (line: ids without "
         "order)",
         rates(steady, 0, 60, 1), rates(chance, 0, 60, 1), 1, k_goal * static_cast<double>(k_devices) / 60},
        {"The first two hours: check-ins per second over 10 s, interval 300 s", rates(steady, 0, 7200, 10), {}, 120, 0},
        {"The manager is away from minute 60 to minute 120: check-ins per second over 10 s",
         rates(outage, 3600, 6 * 3600, 10),
         {},
         300,
         0},
    });
}

bool write(const char* path, const std::string& text) {
    std::FILE* file = std::fopen(path, "wb");
    if (file == nullptr) {
        return false;
    }
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    return std::fclose(file) == 0 && written;
}

}  // namespace

int main(int count, char** arguments) {
    print_first_check_ins();
    const Fleet fleet = fleet_of(addresses(0x0080'6410'0000, 1, k_devices), k_spread);
    const PerSecond steady = check_ins(fleet, 2 * k_hour);
    const PerSecond outage = check_ins(fleet, 6 * k_hour, {2 * k_hour, 3 * k_hour});
    std::printf("\nThe same fleet (spread 60 s, interval 300 s) from its second minute on\n");
    print_quarters("", steady, 60, 7);
    std::printf("\nThe manager is away for an hour\n");
    print_quarters("while it is away", outage, 7200, 4);
    print_quarters("back again", outage, 10800, 8);
    if (count > 1 && !write(arguments[1], drawing_of(steady, outage))) {
        std::fprintf(stderr, "bench_fleet: cannot write %s\n", arguments[1]);
        return 1;
    }
    if (count > 1) {
        std::printf("\nDrawn in %s\n", arguments[1]);
    }
    return 0;
}
