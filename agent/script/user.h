// SPDX-License-Identifier: Apache-2.0
// Owns the limits of what scripts may ask of the user.
#pragma once

#include "agent/base/time.h"

namespace hagent::script {

// A script cannot keep the user from working, or itself from going on, for longer than these. Source: spec 4 LU, QU.
inline constexpr Seconds k_longest_lock{24 * 3600};
inline constexpr Seconds k_usual_question{300};
inline constexpr Seconds k_longest_question{3600};
inline constexpr Seconds k_postponement{900};  // before the user is asked again
// then the script goes on without asking, unless the manager says another number
inline constexpr unsigned k_postponements = 3;
inline constexpr unsigned k_most_postponements = 10;

}  // namespace hagent::script
