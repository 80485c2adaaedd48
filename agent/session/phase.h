// SPDX-License-Identifier: Apache-2.0
// Owns the phases of a session and the one table of which may follow which.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hagent::session {

/// Numbers and meaning: seed "Session Phase". They are permanent and go over the wire.
enum class Phase : std::uint8_t {
    initial = 0,
    selection = 1,
    analysis_completed = 2,
    suspended = 3,
    ready_for_reboot = 4,
    aborted = 5,
    completed = 6,
    analyzing = 7,
    analyzing_target = 8,
    analyzing_software = 9,
    analyzing_scripts = 10,
    analyzing_files = 11,
    executing = 12,
    executing_prescript = 13,
    executing_files = 14,
    executing_postscript = 15,
    executing_configure = 16,
    executing_kernel_build = 17,
    source = 18,
};

/// "SW_EXECUTING_FILES_PHASE".
[[nodiscard]] std::string_view to_string(Phase phase);
/// Empty for a number that the seed does not have, such as one that a newer agent has written.
[[nodiscard]] std::optional<Phase> phase_from_number(std::uint64_t number);
/// Two or three plain words for people: "downloading and placing files".
[[nodiscard]] std::string_view plain_words(Phase phase);

/// Whether a session may go from one phase to the other (the static phases of the seed, the display phases between).
[[nodiscard]] bool may_follow(Phase from, Phase to);

/// completed and aborted: nothing comes after.
[[nodiscard]] bool is_final(Phase phase);
/// From the first change to the device on: a cancel comes too late.
[[nodiscard]] bool is_executing(Phase phase);

}  // namespace hagent::session
