// SPDX-License-Identifier: Apache-2.0
// Owns the rules by which the command line of EX becomes an argument vector; no shell is involved.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hagent::script {

/// Blanks and tabs separate. '...' and "..." keep what is between them as it is, blanks included; a quoted part may
/// touch unquoted text (--name='a b'); '' is an empty argument. Nothing else is special: a backslash stands for itself,
/// so that paths of Windows need no doubling. Errors: bad_argument when a quote is not closed or nothing is left to
/// run. Source: spec 4 "Execution".
[[nodiscard]] Result<std::vector<std::string>> split_command_line(std::string_view line);

/// The vector as a person would type it; it splits into the same words. Arguments with blanks, quotes or what means
/// something to a shell are put in quotes.
[[nodiscard]] std::string join_command_line(const std::vector<std::string>& argv);

}  // namespace hagent::script
