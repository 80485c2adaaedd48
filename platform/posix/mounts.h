// SPDX-License-Identifier: Apache-2.0
// Owns the kernel's table of mounts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace hagent::platform {

inline constexpr std::size_t k_mount_table_bytes = 1U << 20U;

struct Mount {
    std::string device, point, type;
};

/// In the order in which they were mounted. Errors: those of Files, where /proc is not there.
[[nodiscard]] Result<std::vector<Mount>> mount_table();
/// Whether `point` is the path or one of its parents: "/data" does not hold "/database".
[[nodiscard]] bool holds(const std::string& point, const std::string& path);

}  // namespace hagent::platform
