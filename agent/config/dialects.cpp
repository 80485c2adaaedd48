// SPDX-License-Identifier: Apache-2.0
// Owns the rows.
#include "agent/config/dialects.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace hagent::config {
namespace {

// safe ones first: complaints name them in this order
constexpr std::array<std::string_view, 2> k_web = {"https", "http"};
constexpr std::array<std::string_view, 5> k_any_place = {"https", "http", "ftps", "ftp", "file"};

// clang-format off
constexpr std::array k_rows = {
    //            dialect           name       schemes      signed discoverable encrypted opcodes
    DialectTraits{Dialect::hawkbit, "hawkbit", k_web,       true,  true,        true,     false},
    DialectTraits{Dialect::folder,  "folder",  k_any_place, true,  false,       true,     false},
    DialectTraits{Dialect::hserver, "hserver", k_web,       false, true,        false,    true},
};
// clang-format on

/// Looked at by the compiler, because a row in the wrong place would lend one dialect the rules of another.
constexpr bool in_order() {
    for (std::size_t i = 0; i < k_rows.size(); ++i) {
        if (static_cast<std::size_t>(k_rows[i].dialect) != i) {
            return false;
        }
    }
    return true;
}
static_assert(in_order(), "traits_of() takes the value of the enumeration for the number of the row");

}  // namespace

bool DialectTraits::takes(std::string_view scheme) const {
    return std::find(schemes.begin(), schemes.end(), scheme) != schemes.end();
}

std::span<const DialectTraits, k_dialects> dialects() { return k_rows; }
const DialectTraits& traits_of(Dialect dialect) { return k_rows[static_cast<std::size_t>(dialect)]; }
std::string_view to_string(Dialect dialect) { return traits_of(dialect).name; }

}  // namespace hagent::config
