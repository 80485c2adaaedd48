// SPDX-License-Identifier: Apache-2.0
// Owns concat(): one text out of several.
#pragma once

#include <initializer_list>
#include <string>

#include "agent/base/text_view.h"

namespace hagent {

/// The parts one after the other. Where three or more are put together this is a third of the code of a chain of `+`,
/// each of which makes a text, moves it and destroys it.
[[nodiscard]] std::string concat(std::initializer_list<TextView> parts);

}  // namespace hagent
