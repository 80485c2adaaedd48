// SPDX-License-Identifier: Apache-2.0
// Owns the reading of TZif files.
#include "agent/base/time_zone.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "agent/base/limits.h"

namespace hagent {
namespace {

constexpr std::size_t k_head_bytes = 44, k_counts_at = 20, k_type_bytes = 6;
constexpr Seconds k_day_and_two_hours{26 * 3600};

std::uint64_t number(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char byte : bytes) {
        value = (value << 8U) | static_cast<unsigned char>(byte);
    }
    return value;
}

/// Two's complement in four or eight bytes.
Seconds seconds(std::string_view bytes) {
    const std::uint64_t value = number(bytes);
    return Seconds{bytes.size() == 4 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(value))
                                     : static_cast<std::int64_t>(value)};
}

/// Counts, then tables one behind the other: moments, the type from each moment on, types, and what does not matter
/// here.
struct Block {
    std::size_t moment_bytes = 0, moments = 0, types = 0;
    std::string_view tables, rest;  // `rest` is what follows the block

    [[nodiscard]] Seconds moment(std::size_t index) const {
        return seconds(tables.substr(index * moment_bytes, moment_bytes));
    }
    [[nodiscard]] std::size_t type_from(std::size_t index) const {
        return static_cast<unsigned char>(tables[moments * moment_bytes + index]);
    }
    [[nodiscard]] Seconds offset(std::size_t type) const {
        return seconds(tables.substr(moments * (moment_bytes + 1) + type * k_type_bytes, 4));
    }
};

/// The counts come from a file: they are summed in 64 bits and compared with what is there before anything is read by
/// them.
std::optional<Block> read_block(std::string_view file, std::size_t moment_bytes) {
    if (file.size() < k_head_bytes || !file.starts_with("TZif")) {
        return std::nullopt;
    }
    const auto count = [&](std::size_t index) { return number(file.substr(k_counts_at + 4 * index, 4)); };
    const std::uint64_t marks = count(0) + count(1), leaps = count(2), moments = count(3), types = count(4),
                        letters = count(5);
    const std::uint64_t bytes =
        moments * (moment_bytes + 1) + types * k_type_bytes + letters + leaps * (moment_bytes + 4) + marks;
    file.remove_prefix(k_head_bytes);
    if (types == 0 || bytes > file.size()) {
        return std::nullopt;
    }
    const auto size = static_cast<std::size_t>(bytes);
    return Block{moment_bytes, static_cast<std::size_t>(moments), static_cast<std::size_t>(types), file.substr(0, size),
                 file.substr(size)};
}

}  // namespace

/// From version 2 on the data stands there twice; the first block ends in 2038 and is passed over. What is wrong
/// anywhere refuses the file: a window of maintenance at the wrong hour is worse than one that is not known.
std::optional<TimeZone> TimeZone::parse(std::string_view file) {
    auto block = file.size() > limits::k_zone_file_bytes ? std::nullopt : read_block(file, 4);
    const bool old = block && file[4] == '\0';
    if (block && !old) {
        block = read_block(block->rest, 8);  // the same once more, in 64 bits
    }
    if (!block) {
        return std::nullopt;
    }
    for (std::size_t type = 0; type < block->types; ++type) {
        if (block->offset(type) <= -k_day_and_two_hours || block->offset(type) >= k_day_and_two_hours) {
            return std::nullopt;
        }
    }
    TimeZone zone;
    zone.first_ = block->offset(0);
    for (std::size_t i = 0; i < block->moments; ++i) {
        if (block->type_from(i) >= block->types || (i > 0 && block->moment(i) <= block->moment(i - 1))) {
            return std::nullopt;
        }
        zone.periods_.push_back({block->moment(i), block->offset(block->type_from(i))});
    }
    if (old || block->rest == "\n\n") {
        return zone;  // the last period goes on for ever
    }
    if (block->rest.size() < 2 || block->rest.front() != '\n' || block->rest.back() != '\n') {
        return std::nullopt;
    }
    zone.rule_ = ZoneRule::parse(block->rest.substr(1, block->rest.size() - 2));
    return zone.rule_ ? std::optional(std::move(zone)) : std::nullopt;
}

/// The rule counts behind the last period only: what a country did before it changed its mind stands in the periods.
Seconds TimeZone::offset(WallTime time) const {
    const auto moment = std::chrono::floor<Seconds>(time.since_epoch);
    const auto next = std::upper_bound(periods_.begin(), periods_.end(), moment,
                                       [](Seconds m, const Period& p) { return m < p.from; });
    if (next == periods_.end() && rule_) {
        return rule_->offset(moment);
    }
    return next == periods_.begin() ? first_ : std::prev(next)->offset;
}

}  // namespace hagent
