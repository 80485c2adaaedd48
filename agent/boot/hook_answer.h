// SPDX-License-Identifier: Apache-2.0
// Owns the reading of what the hook `boot` says to `look` (README.md).
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/boot/boot.h"

namespace hagent::boot {

/// Lines NAME=VALUE: running, chosen (both at most once), trial with tries and over, unfit (once a slot).
/// boot_program_failed for anything else: a line too much may be a message that means something.
[[nodiscard]] Result<State> parse_hook_answer(std::string_view text);

}  // namespace hagent::boot
