// SPDX-License-Identifier: Apache-2.0
// Owns the question which slot runs, and the mark of a slot that is not whole.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/boot/boot.h"

namespace hagent::boot {

using errors::AgentCode;

namespace {

constexpr std::string_view k_mark = "hagent: the image in this slot is not whole\n";

/// Files systems that lie on no disk of their own, and disks that are put together from others: they say nothing about
/// which partition is below.
bool says_nothing(std::string_view root) {
    return !root.starts_with("/dev/") || root.starts_with("/dev/mapper/") || root.starts_with("/dev/dm-") ||
           root.starts_with("/dev/loop") || root.starts_with("/dev/ram") || root == "/dev/root";
}

/// Compared as devices: /dev/disk/by-label/system-a and /dev/sda2 may be the same.
bool is_device(platform::BlockDevices& devices, const std::string& device, const std::string& root,
               const platform::FileId& root_id) {
    const auto info = devices.info(device);
    return device == root || (info.ok() && info->id.known() && info->id == root_id);
}

std::string slot_with(const config::ImageSettings& image, platform::BlockDevices& devices, const std::string& root) {
    const auto info = devices.info(root);
    const platform::FileId id = info.ok() ? info->id : platform::FileId{};
    for (const auto& slot : image.slots) {
        for (const auto& [part, device] : slot.parts) {
            if (is_device(devices, device, root, id)) {
                return slot.name;
            }
        }
    }
    return "";
}

Failure disagree(std::string_view what, std::string_view first, std::string_view but, std::string_view second) {
    return error(AgentCode::boot_slots_disagree,
                 {what, "\"", clip(first, 100), "\"", but, "\"", clip(second, 100), "\""});
}

}  // namespace

bool State::is_unfit(std::string_view slot) const { return std::find(unfit.begin(), unfit.end(), slot) != unfit.end(); }

/// The last one counts, as in the kernel.
std::string_view command_line_value(std::string_view line, std::string_view key) {
    std::string_view found;
    for (const auto word : words(line)) {
        if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=') {
            found = word.substr(key.size() + 1);
        }
    }
    return found;
}

Result<std::string> running_slot(const config::ImageSettings& image, platform::BlockDevices& devices) {
    const std::string line = devices.command_line();
    const auto passed = command_line_value(line, "hagent.slot");
    if (!passed.empty() && image.find(passed) == nullptr) {
        return error(AgentCode::boot_slots_disagree,
                     {"the command line says hagent.slot=", clip(passed, 100), ", and image.slots has no such slot"});
    }
    if (!image.running.empty() && !passed.empty() && image.running != passed) {
        return disagree("image.running says ", image.running, ", the command line ", passed);
    }
    const std::string said = image.running.empty() ? std::string(passed) : image.running;
    const std::string root = devices.root_device();
    const std::string rooted = root.empty() ? "" : slot_with(image, devices, root);
    if (!rooted.empty() && !said.empty() && rooted != said) {
        return error(AgentCode::boot_slots_disagree, {"slot ", said, " is said to run, but the root file system is ",
                                                      root, ", which is slot ", rooted});
    }
    if (rooted.empty() && image.running.empty() && !said.empty() && !root.empty() && !says_nothing(root)) {
        return error(AgentCode::boot_slots_disagree, {"slot ", said, " is said to run, but the root file system is ",
                                                      root, ", which is no slot's device"});
    }
    if (said.empty() && rooted.empty()) {
        return error(
            AgentCode::slot_not_known,
            root.empty() ? std::string() : concat({"the root file system is ", root, ", which is no slot's device"}));
    }
    return said.empty() ? rooted : said;
}

std::string unfit_head(std::size_t bytes) {
    std::string head(k_mark);
    head.resize(bytes, '\0');
    return head;
}

bool is_unfit_head(std::string_view first_bytes) { return first_bytes.starts_with(k_mark); }

}  // namespace hagent::boot
