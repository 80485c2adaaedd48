// SPDX-License-Identifier: Apache-2.0
// Owns the comparison of versions and of releases.
#include "agent/base/version.h"

#include <algorithm>

#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent {
namespace {

/// A part that is missing or empty counts as 0, so that "1.2" and "1.2.0" are the same version.
std::string_view next_part(std::string_view& rest) {
    const auto end = std::min(rest.find('.'), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part.empty() ? std::string_view("0") : part;
}

/// The digits that a part begins with, without leading zeros; they are taken off the part.
std::string_view take_number(std::string_view& part) {
    part.remove_prefix(std::min(part.find_first_not_of('0'), part.size()));
    const auto number = part.substr(0, part.find_first_not_of("0123456789"));
    part.remove_prefix(number.size());
    return number;
}

/// Numbers by value and of any length, since as texts "10" would stand before "9"; what follows them byte by byte. The
/// same rule for every part keeps the order total: with two rules 2 < 10 < 1a < 2.
std::strong_ordering compare_parts(std::string_view a, std::string_view b) {
    const auto x = take_number(a), y = take_number(b);
    if (x.size() != y.size()) {
        return x.size() <=> y.size();
    }
    const auto order = x.compare(y) <=> 0;
    return order != 0 ? order : a.compare(b) <=> 0;
}

constexpr std::size_t k_deciding_numbers = 3;

}  // namespace

std::string_view agent_version() { return HAGENT_VERSION; }

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
    while (!a.empty() || !b.empty()) {
        const auto x = next_part(a), y = next_part(b);
        if (const auto order = compare_parts(x, y); order != 0) {
            return order;
        }
    }
    return std::strong_ordering::equal;
}

std::optional<Release> parse_release(std::string_view text) {
    const auto parts = split(text, '.');
    Release release;
    if (parts.size() < k_deciding_numbers || parts.size() > release.numbers.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto number = parse_u64(parts[i], UINT32_MAX);
        if (!number || (parts[i].size() > 1 && parts[i].front() == '0')) {
            return std::nullopt;
        }
        release.numbers[i] = narrow<std::uint32_t>(*number);
    }
    return release;
}

Newer compare_release(const Release& offered, const Release& own) {
    for (std::size_t i = 0; i < k_deciding_numbers; ++i) {
        if (offered.numbers[i] != own.numbers[i]) {
            return offered.numbers[i] > own.numbers[i] ? Newer::newer : Newer::older;
        }
    }
    return Newer::same;
}

}  // namespace hagent
