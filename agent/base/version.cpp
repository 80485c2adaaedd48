// SPDX-License-Identifier: Apache-2.0
// Owns the version comparison.
#include "agent/base/version.h"

#include <algorithm>

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

}  // namespace hagent
