// SPDX-License-Identifier: Apache-2.0
// Owns concat().
#include "agent/base/concat.h"

namespace hagent {

/// The size first, so that there is one allocation however many parts there are.
std::string concat(std::initializer_list<TextView> parts) {
    std::size_t size = 0;
    for (const TextView part : parts) {
        size += part.view().size();
    }
    std::string out;
    out.reserve(size);
    for (const TextView part : parts) {
        out += part.view();
    }
    return out;
}

}  // namespace hagent
