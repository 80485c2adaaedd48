// SPDX-License-Identifier: Apache-2.0
// Owns the bytes of GRUB's environment block (FORMAT.md).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hagent::boot {

inline constexpr std::size_t k_env_bytes = 1024;
inline constexpr std::size_t k_env_sector = 512;  // written in one piece: it holds all that is ours

/// What stands in a block. Values are plain, without GRUB's escapes; an absent variable is empty.
struct GrubEnv {
    std::string slot;        // hagent_slot
    std::string trial;       // hagent_trial
    std::string tries;       // hagent_tries
    std::string generation;  // hagent_generation
    std::string foreign;     // lines of others as they stand there, each with its line feed

    friend bool operator==(const GrubEnv&, const GrubEnv&) = default;
};

/// Of a name that stands there twice the last one counts, as for GRUB. boot_env_damaged for what is no block of
/// k_env_bytes: another size, no header, zeros, a last line without an end.
[[nodiscard]] Result<GrubEnv> parse_grub_env(std::string_view block);

/// The block: our variables behind the header, in the first sector; those of others after them, from the second sector
/// on where the first has no room. boot_env_full where ours do not fit there, or all of them not at all.
[[nodiscard]] Result<std::string> grub_env_block(const GrubEnv& env);

}  // namespace hagent::boot
