// SPDX-License-Identifier: Apache-2.0
// Owns the question why a name has no address.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace hagent::platform {

/// Asks the system's resolver for a host name's addresses and says only whether it has any; blocks as long as the
/// resolver does. Errors: resolver rows (11001 not found, 11002 no answer, 11003, 11004 no address).
[[nodiscard]] Status look_up(const std::string& host);

}  // namespace hagent::platform
