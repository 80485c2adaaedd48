// SPDX-License-Identifier: Apache-2.0
// Owns concat().
#include "agent/base/concat.h"

namespace hagent {

std::string concat(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    std::string out;
    out.reserve(size);
    for (const std::string_view part : parts) {
        out += part;
    }
    return out;
}

}  // namespace hagent
