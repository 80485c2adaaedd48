// SPDX-License-Identifier: Apache-2.0
// Owns Random: unpredictable bytes, seeded from the operating system.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/base/result.h"

namespace hagent::trust {

/// Not thread-safe: one object per thread, or a lock around it.
class Random {
public:
    /// Fails with os_error when the system gives no entropy.
    [[nodiscard]] static Result<Random> create();
    Random(Random&&) noexcept;
    Random& operator=(Random&&) noexcept;
    ~Random();

    [[nodiscard]] Status fill(std::span<std::uint8_t> out);
    [[nodiscard]] Result<std::uint64_t> u64();
    /// `bytes` random bytes as lower-case hexadecimal: ids, tokens.
    [[nodiscard]] Result<std::string> hex(std::size_t bytes);

private:
    struct Impl;
    explicit Random(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// 64 random bits from the system, to seed jitter. Without entropy it fails; there is no weaker substitute.
[[nodiscard]] Result<std::uint64_t> random_u64();

}  // namespace hagent::trust
