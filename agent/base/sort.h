// SPDX-License-Identifier: Apache-2.0
// Owns sorting in little code: std::sort is 2 KiB for each kind of element.
#pragma once

#include <algorithm>

namespace hagent {

/// Into ascending order. Equal elements may change places; n log n steps whatever the order was.
template <class Elements>
void sort_all(Elements& elements) {
    std::make_heap(elements.begin(), elements.end());
    std::sort_heap(elements.begin(), elements.end());
}

}  // namespace hagent
