// SPDX-License-Identifier: Apache-2.0
// Owns what a TextView points at.
#include "agent/base/text_view.h"

namespace hagent {

/// Here once, and not in each of the places that pass a text: that is what the class is for.
std::string_view TextView::view() const {
    if (size_ == k_string) {
        return *static_cast<const std::string*>(data_);
    }
    const auto* bytes = static_cast<const char*>(data_);
    return size_ == k_terminated ? std::string_view(bytes) : std::string_view(bytes, size_);
}

}  // namespace hagent
