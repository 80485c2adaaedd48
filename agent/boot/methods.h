// SPDX-License-Identifier: Apache-2.0
// Owns what the boot methods share. Private to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/boot/boot.h"

namespace hagent::boot {

[[nodiscard]] std::unique_ptr<Boot> make_grub(const Means& means);
[[nodiscard]] std::unique_ptr<Boot> make_efi(const Means& means);
[[nodiscard]] std::unique_ptr<Boot> make_bcd(const Means& means);
[[nodiscard]] std::unique_ptr<Boot> make_hook(const Means& means);
[[nodiscard]] std::unique_ptr<Boot> make_none(const Means& means);

/// The slots, without the one that runs, that bear the mark of k_head_bytes in one of their parts. A device that cannot
/// be read says nothing.
[[nodiscard]] std::vector<std::string> slots_with_mark(const Means& means, std::string_view running);
/// no_such_slot.
[[nodiscard]] Status check_slot(const config::ImageSettings& image, std::string_view slot);
/// The slot may be written to: it exists, does not run, and is not the way back of a trial that does. Errors:
/// no_such_slot, slot_runs, trial_runs.
[[nodiscard]] Status may_mark(const config::ImageSettings& image, const State& state, std::string_view slot);
/// The slot may be started on trial: as may_mark, and it does not bear the mark (slot_not_whole).
[[nodiscard]] Status may_try(const Means& means, const State& state, std::string_view slot);
/// The slot may be the chosen one. Errors: no_such_slot, slot_not_whole.
[[nodiscard]] Status may_confirm(const Means& means, const State& state, std::string_view slot);

}  // namespace hagent::boot
