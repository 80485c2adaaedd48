// SPDX-License-Identifier: Apache-2.0
// Owns the programs that speak to a boot loader for us. Private to this folder.
#pragma once

#include <string>
#include <vector>

#include "agent/boot/boot.h"

namespace hagent::boot {

/// What the program printed. Errors: boot_program_failed with its last words for any status but 0, for one that takes
/// longer than a minute and for one that prints more than k_boot_answer_bytes; those of platform::Processes.
[[nodiscard]] Result<std::string> run_boot_program(const Means& means, const std::vector<std::string>& argv);

}  // namespace hagent::boot
