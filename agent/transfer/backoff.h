// SPDX-License-Identifier: Apache-2.0
// Owns the waits between tries: exponential with full jitter, so that a thousand devices that failed together do not
// come back together.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "agent/base/time.h"

namespace hagent::transfer {

/// Uniform 64-bit numbers.
using Random = std::function<std::uint64_t()>;

/// Between 0 and min(cap, base * 2^(failures-1)), evenly. `failures` counts from 1.
[[nodiscard]] Millis backoff(unsigned failures, Millis base, Millis cap, const Random& random);

/// What the server asks for (Retry-After) wins, up to k_retry_after_cap_seconds; else backoff().
[[nodiscard]] Millis next_wait(std::optional<Seconds> retry_after, unsigned failures, Millis base, Millis cap,
                               const Random& random);

}  // namespace hagent::transfer
