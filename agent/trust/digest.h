// SPDX-License-Identifier: Apache-2.0
// Owns streaming digests and the comparison of secrets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hagent::trust {

/// SHA-256 (FIPS 180-4) of a stream. A plain value: copying it forks the computation.
class Sha256 {
public:
    void update(std::string_view bytes);
    /// The digest of everything so far; the object stays usable and may be updated further.
    [[nodiscard]] std::array<std::uint8_t, 32> finish() const;
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    /// The computation's state as 112 bytes at most (FORMAT.md): the same on every target, to be kept in a checkpoint.
    [[nodiscard]] std::string save() const;
    /// Goes on where save() stopped; empty when the bytes are not a state.
    [[nodiscard]] static std::optional<Sha256> restore(std::string_view state);

private:
    std::array<std::uint32_t, 8> state_ = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                           0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
    std::uint64_t bytes_ = 0;
    std::array<std::uint8_t, 64> pending_{};  // the first bytes_ % 64 of it count
};

/// SHA-1 (FIPS 180-4): hawkBit announces it beside SHA-256. Detects accidents, proves nothing.
class Sha1 {
public:
    void update(std::string_view bytes);
    [[nodiscard]] std::array<std::uint8_t, 20> finish() const;

private:
    std::array<std::uint32_t, 5> state_ = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    std::uint64_t bytes_ = 0;
    std::array<std::uint8_t, 64> pending_{};
};

/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// Whether two secrets are equal, in a time that depends on their lengths only.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace hagent::trust
