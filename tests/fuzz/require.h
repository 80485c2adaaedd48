// SPDX-License-Identifier: Apache-2.0
// Owns how a fuzz target says that an invariant does not hold.
#pragma once

#include <cstdlib>

namespace hagent::fuzz {

/// Ends the program where libFuzzer, and the replay of the corpus, take note.
inline void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace hagent::fuzz
