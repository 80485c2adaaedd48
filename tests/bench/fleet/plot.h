// SPDX-License-Identifier: Apache-2.0
// Owns the drawing of the simulated loads: one SVG, panels below each other.
#pragma once

#include <string>
#include <vector>

namespace hagent::bench {

struct Panel {
    std::string title;
    std::vector<double> values;    // check-ins per second, in equal steps
    std::vector<double> compared;  // drawn as a line before them; may be empty
    double minutes = 0;            // that the values take together
    double limit = 0;              // a line across; 0: none
};

[[nodiscard]] std::string svg(const std::vector<Panel>& panels);

}  // namespace hagent::bench
