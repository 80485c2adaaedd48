// SPDX-License-Identifier: Apache-2.0
// Owns number parsing.
#include "agent/base/number.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "agent/base/text.h"

namespace hagent {

/// from_chars knows no sign here, no blank and no locale. It stops at the first byte that is no digit, which is an
/// error for us: half a number is none.
std::optional<std::uint64_t> parse_u64(std::string_view text, std::uint64_t max) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc{} || end != text.data() + text.size() || value > max) {
        return std::nullopt;
    }
    return value;
}

/// Digits are counted and not multiplied, so that a number of any length costs no precision and no overflow: the place
/// of its first digit decides, and at the border the first twenty digits do.
bool fits_double(std::string_view number) {
    constexpr std::string_view k_infinite = "17976931348623158079";  // half a step above the largest double, which has
    constexpr std::int64_t k_infinite_exponent = 308;                // this exponent of ten
    const auto letter = std::min(number.find_first_of("eE"), number.size());
    std::string digits;          // those that count: without zeros in front, no more than are compared
    std::int64_t exponent = -1;  // of the first of them
    bool fraction = false;
    for (const char c : number.substr(0, letter)) {
        fraction = fraction || c == '.';
        if (!is_digit(c)) {
            continue;
        }
        if ((c != '0' || !digits.empty()) && digits.size() < k_infinite.size()) {
            digits += c;
        }
        exponent += !fraction && !digits.empty() ? 1 : fraction && digits.empty() ? -1 : 0;
    }
    std::int64_t shift = 0;
    for (const char c : number.substr(letter)) {
        shift = is_digit(c) ? std::min<std::int64_t>(shift * 10 + (c - '0'), INT32_MAX) : shift;
    }
    exponent += number.find('-', letter) == std::string_view::npos ? shift : -shift;
    return digits.empty() || exponent < k_infinite_exponent || (exponent == k_infinite_exponent && digits < k_infinite);
}

/// The limit before the shift: "99999999999G" must not come out small.
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
