// SPDX-License-Identifier: Apache-2.0
// Owns number parsing.
#include "agent/base/number.h"

#include <charconv>

namespace hagent {

std::optional<std::uint64_t> parse_u64(std::string_view text, std::uint64_t max) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc{} || end != text.data() + text.size() || value > max) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    unsigned shift = 0;
    switch (text.back()) {
        case 'k':
        case 'K': shift = 10; break;
        case 'm':
        case 'M': shift = 20; break;
        case 'g':
        case 'G': shift = 30; break;
        default: return parse_u64(text);
    }
    const auto value = parse_u64(text.substr(0, text.size() - 1), UINT64_MAX >> shift);
    return value ? std::optional(*value << shift) : std::nullopt;
}

}  // namespace hagent
