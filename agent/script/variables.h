// SPDX-License-Identifier: Apache-2.0
// Owns the variables of scripts and the comparison of image versions.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/work/facts.h"

namespace hagent::script {

using work::Facts;

/// Replaces <mac> <ip> <hostname> <serial> <os> <image>; names are compared without regard to case, "<<" is one '<'.
/// A '<' that no letters and '>' follow stands for itself.
/// Errors: bad_argument for an unknown name, for one without a value, and for <regroot>. Source: spec 4 "File".
[[nodiscard]] Result<std::string> expand(std::string_view text, const Facts& facts);

/// Whether `version` is as the argument of CI demands, such as ">=11.2": "=", "==" (or none), "!=", "<", "<=", ">",
/// ">=", and a version in the order of compare_versions(). Errors: bad_argument.
[[nodiscard]] Result<bool> version_holds(std::string_view condition, std::string_view version);

}  // namespace hagent::script
