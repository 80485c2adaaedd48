// SPDX-License-Identifier: Apache-2.0
// Owns SHA-256's compression function in its variants. Private to this folder and its tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hagent::trust {

using Sha256State = std::array<std::uint32_t, 8>;

/// Takes `blocks` blocks of 64 bytes into the state, by the fastest way this processor has.
void sha256_compress(Sha256State& state, const std::uint8_t* data, std::size_t blocks);

/// The way every processor can go.
void sha256_compress_portable(Sha256State& state, const std::uint8_t* data, std::size_t blocks);

/// Whether the processor has the SHA extensions (and what they need).
[[nodiscard]] bool has_sha_extensions();
/// Only where has_sha_extensions().
void sha256_compress_extensions(Sha256State& state, const std::uint8_t* data, std::size_t blocks);

/// Whether the processor has BMI2 and AVX, and 64 bits: with eight registers they gain little.
[[nodiscard]] bool has_bmi2();
/// Only where has_bmi2().
void sha256_compress_bmi2(Sha256State& state, const std::uint8_t* data, std::size_t blocks);

/// Whether the processor has SSSE3: thin clients without the extensions do.
[[nodiscard]] bool has_ssse3();
/// Only where has_ssse3().
void sha256_compress_ssse3(Sha256State& state, const std::uint8_t* data, std::size_t blocks);

}  // namespace hagent::trust
