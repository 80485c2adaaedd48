// SPDX-License-Identifier: Apache-2.0
// Owns what counts as an answer among the texts that firmware keeps. For the implementations of host.h.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "agent/base/text.h"

namespace hagent::platform {

/// The text without blanks around it, fit for showing; empty when the maker did not fill the field in.
[[nodiscard]] inline std::string firmware_fact(std::string_view text) {
    constexpr std::array<std::string_view, 9> k_unfilled = {"to be filled by o.e.m.",
                                                            "default string",
                                                            "system serial number",
                                                            "system manufacturer",
                                                            "system product name",
                                                            "not specified",
                                                            "not applicable",
                                                            "none",
                                                            "n/a"};
    const auto fact = trim(text.substr(0, text.find('\0')));  // device trees end texts with NUL
    const bool filled = std::find(k_unfilled.begin(), k_unfilled.end(), to_lower(fact)) == k_unfilled.end();
    return filled ? printable(fact) : std::string();
}

}  // namespace hagent::platform
