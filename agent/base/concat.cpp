// SPDX-License-Identifier: Apache-2.0
// Owns concat().
#include "agent/base/concat.h"

namespace hagent {

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
