// SPDX-License-Identifier: Apache-2.0
// Owns the form of the paths by which a script names files of its package, and the matching of wildcards in them.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hagent::script {

/// A repository path as written in a script, in the package's form: a leading <regroot> is dropped, '\' becomes '/',
/// repeated and leading separators go. Empty stands for the package's root; whether a command may name that is its
/// planner's business. Errors: path_refused for "." or ".." as a part.
[[nodiscard]] Result<std::string> repository_path(std::string_view argument);

/// '*' stands for any run of characters, '?' for one; neither for '/'. Source: spec 4 "Commands" (SF).
[[nodiscard]] bool matches(std::string_view pattern, std::string_view path);
[[nodiscard]] bool has_wildcard(std::string_view pattern);

}  // namespace hagent::script
