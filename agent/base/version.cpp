// SPDX-License-Identifier: Apache-2.0
// Owns the version comparison.
#include "agent/base/version.h"

#include <algorithm>

#include "agent/base/number.h"

namespace hagent {
namespace {

/// A part that is missing or empty counts as 0, so that "1.2" and "1.2.0" are the same version.
std::string_view next_part(std::string_view& rest) {
    const auto end = std::min(rest.find('.'), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part.empty() ? std::string_view("0") : part;
}

/// By value where both are numbers: as texts "10" would stand before "9".
std::strong_ordering compare_parts(std::string_view a, std::string_view b) {
    const auto x = parse_u64(a), y = parse_u64(b);
    return x && y ? *x <=> *y : a.compare(b) <=> 0;
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
