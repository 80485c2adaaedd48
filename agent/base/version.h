// SPDX-License-Identifier: Apache-2.0
// Owns the order of dotted version numbers, this agent's own version, and which release of the agent is newer.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hagent {

/// This build's version: four numbers, of which only the first three decide whether an upgrade is newer.
[[nodiscard]] std::string_view agent_version();

/// Orders dotted versions part by part: the number that a part begins with by value, the rest of it byte by byte; a
/// missing part counts as 0. So "1.10" is later than "1.9", "1.2" is "1.2.0", and "1.2b" lies between "1.2a" and "1.3".
[[nodiscard]] std::strong_ordering compare_versions(std::string_view a, std::string_view b);

/// A release of the agent: "1.4.2.7". The fourth number is the maker's own (spec 7 "Agent upgrade") and may be missing.
struct Release {
    std::array<std::uint32_t, 4> numbers{};

    friend bool operator==(const Release&, const Release&) = default;
};

/// Three or four decimal numbers with dots between them, without signs, blanks and leading zeros; empty for anything
/// else. A name of a folder is made of it, so that a number has one spelling only.
[[nodiscard]] std::optional<Release> parse_release(std::string_view text);

enum class Newer : std::uint8_t { older, same, newer };

/// What `offered` is beside `own`: the one place that knows that the first three numbers decide.
[[nodiscard]] Newer compare_release(const Release& offered, const Release& own);

}  // namespace hagent
