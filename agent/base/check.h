// SPDX-License-Identifier: Apache-2.0
// Owns check(): a broken invariant is a bug in us and ends the process, in release builds too. Never for input.
#pragma once

#include <cstdlib>

namespace hagent {

inline void check(bool invariant) {
    if (!invariant) {
        std::abort();
    }
}

}  // namespace hagent
