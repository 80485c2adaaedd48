// SPDX-License-Identifier: Apache-2.0
// Owns the shapes in which this folder tells people and the log something.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/error.h"
#include "agent/log/log.h"

namespace hagent::manager {

/// An error for people: what it is, and where in parentheses.
[[nodiscard]] std::string sentence(const Error& why);

/// One line of the log about one thing: a job ("job", its id) or an address ("url", without credentials).
void say(log::Log& log, log::Level level, std::string_view what, std::string_view key, std::string_view value);

}  // namespace hagent::manager
