// SPDX-License-Identifier: Apache-2.0
// Owns what is shown of slots, and what an operator may do about a trial by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/json_writer.h"
#include "agent/boot/boot.h"
#include "agent/image/notes.h"
#include "agent/work/services.h"

namespace hagent::image {

struct SlotView {
    std::string name, device, version;
    bool running = false, bootable = true;
    std::uint64_t bytes = 0;  // of all its devices; 0: they cannot be looked at
};

struct TrialView {
    std::string slot, version;
    unsigned tries = 0;    // starts that are left
    std::string deadline;  // RFC 3339; empty: the time does not run yet
};

struct ImageStatus {
    std::string boot, running;
    std::vector<SlotView> slots;
    std::optional<TrialView> trial;
    std::optional<LastImage> last;
    std::string problem;  // why the boot loader could not be asked; empty: it was
};

/// Changes nothing. What cannot be found out is left out.
[[nodiscard]] ImageStatus image_status(const work::Services& services);

/// The shape of spec 11; `parked` is a JSON array.
[[nodiscard]] std::string status_json(const ImageStatus& status, std::string_view parked);
/// The array "slots" of it alone.
[[nodiscard]] std::string slots_json(const ImageStatus& status);
/// Members of the object that is open: boot, running, trial, last.
void write_standing(JsonWriter& json, const ImageStatus& status);
/// For people, as (what, value); nothing where the device has no slots.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> status_lines(const ImageStatus& status);
[[nodiscard]] std::string status_text(const ImageStatus& status);

/// Keeps the slot that is on trial, without waiting for its proof. Errors: image_no_trial, those of Boot.
[[nodiscard]] Status confirm_by_hand(const work::Services& services);
/// Ends the trial: one that runs goes back with a restart, one that was not started yet is taken back. True: the
/// machine was asked to restart. Errors: image_no_trial, reboot_failed, those of Boot.
[[nodiscard]] Result<bool> roll_back_by_hand(const work::Services& services, const CancelToken& cancel);

}  // namespace hagent::image
