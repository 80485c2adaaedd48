// SPDX-License-Identifier: Apache-2.0
// Owns what is found out before a slot is written: which one, whether it and the device fit, and what of the image is
// on the device already.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/base/task_result.h"
#include "agent/boot/boot.h"
#include "agent/image/image_member.h"
#include "agent/image/notes.h"
#include "agent/image/slot_writer.h"
#include "agent/work/kind.h"

namespace hagent::image {

/// Where the image goes.
struct Place {
    std::string target;     // slot
    std::string running;    // the slot that runs; empty: not known (boot method none)
    bool switches = false;  // there is a boot loader to be told: the image goes on trial
};

/// By what work that goes on is recognized as that of a package.
[[nodiscard]] std::string package_key(const trust::Manifest& manifest);

[[nodiscard]] std::unique_ptr<boot::Boot> boot_of(const work::Services& services);
/// What boot_of() works with.
[[nodiscard]] boot::Means boot_means(const work::Services& services);

/// The slot that the option names, else the one that does not run. Errors: image_no_slot, image_slot_in_use, those of
/// Boot.
[[nodiscard]] Result<Place> choose_place(const work::Services& services, std::string_view wanted);

/// Everything that keeps the image from being written there. Changes nothing.
[[nodiscard]] std::vector<TaskResult> objections(const ImageMember& member, const Place& place,
                                                 const work::Services& services);

/// The parts of the image over the devices of both slots, open. `exclusive`: to write the target.
struct OpenSlots {
    std::vector<std::unique_ptr<platform::BlockDevice>> devices;
    std::vector<WritePart> parts;
};
[[nodiscard]] Result<OpenSlots> open_slots(const ImageMember& member, const Place& place, work::PackageFiles& package,
                                           const work::Services& services, platform::Access access);

}  // namespace hagent::image
