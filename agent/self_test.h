// SPDX-License-Identifier: Apache-2.0
// Owns the self-test of the binary: does this build work on this machine? It looks at no configuration and no state.
#pragma once

#include <string_view>
#include <vector>

#include "agent/machine.h"

namespace hagent {

struct SelfTest {
    std::string_view name;
    bool good = false;
};

/// Each part that an agent cannot do without, with known answers where there are some.
[[nodiscard]] std::vector<SelfTest> self_tests(Machine& machine);

}  // namespace hagent
