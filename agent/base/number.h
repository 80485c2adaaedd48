// SPDX-License-Identifier: Apache-2.0
// Owns checked number conversion and parsing.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/base/check.h"

namespace hagent {

/// Narrowing that must fit: a value that does not is a bug in us.
template <std::integral To, std::integral From>
[[nodiscard]] constexpr To narrow(From value) {
    check(std::in_range<To>(value));
    return static_cast<To>(value);
}

/// Decimal digits only (no sign, no blanks), up to `max`; empty otherwise.
[[nodiscard]] std::optional<std::uint64_t> parse_u64(std::string_view text, std::uint64_t max = UINT64_MAX);

/// Whether a number as JSON writes it (RFC 8259 section 6; not checked again) is one that a double can hold, in
/// whatever precision: false where strtod would say infinity. Told to twenty digits.
[[nodiscard]] bool fits_double(std::string_view number);

/// A size for people: digits with an optional K, M or G (powers of 1024, either case); empty otherwise. Bytes; also
/// empty beyond 2^64 - 1. Source: spec 4 "Commands" (CF).
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace hagent
