// SPDX-License-Identifier: Apache-2.0
// Owns the choice of the boot method, and the rules that hold for all of them.
#include "agent/boot/methods.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"

namespace hagent::boot {
namespace {

using errors::AgentCode;

constexpr std::size_t k_looked_at = 64;  // bytes: more than the text of the mark

bool has_mark(platform::BlockDevices& devices, const std::string& path) {
    const auto device = devices.open(path, platform::Access::read);
    std::array<char, k_looked_at> bytes{};
    const auto count = device.ok() ? (*device)->read_at(0, bytes) : Result<std::size_t>(0);
    return count.ok() && is_unfit_head({bytes.data(), *count});
}

bool has_mark(const Means& means, const config::SlotSettings& slot) {
    return std::any_of(slot.parts.begin(), slot.parts.end(),
                       [&](const auto& part) { return has_mark(means.devices, part.second); });
}

Failure not_whole(std::string_view slot) { return error(AgentCode::slot_not_whole, {"slot ", slot}); }

}  // namespace

std::unique_ptr<Boot> make_boot(const Means& means) {
    switch (means.image.boot) {
        case config::BootMethod::none: return make_none(means);
        case config::BootMethod::grub: return make_grub(means);
        case config::BootMethod::efi: return make_efi(means);
        case config::BootMethod::bcd: return platform::has_bcd() ? make_bcd(means) : make_none(means);
        case config::BootMethod::hook: return make_hook(means);
    }
    return nullptr;
}

/// Not asked of the slot that runs: that it is whole it has shown.
std::vector<std::string> slots_with_mark(const Means& means, std::string_view running) {
    std::vector<std::string> out;
    for (const auto& slot : means.image.slots) {
        if (slot.name != running && has_mark(means, slot)) {
            out.push_back(slot.name);
        }
    }
    return out;
}

Status check_slot(const config::ImageSettings& image, std::string_view slot) {
    return image.find(slot) == nullptr ? Status(error(AgentCode::no_such_slot, slot)) : Status();
}

Status may_mark(const config::ImageSettings& image, const State& state, std::string_view slot) {
    TRY(check_slot(image, slot));
    if (slot == state.running) {
        return error(AgentCode::slot_runs, {"slot ", slot});
    }
    return state.on_trial() ? Status(error(AgentCode::trial_runs, {"slot ", state.running})) : Status();
}

Status may_try(const Means& means, const State& state, std::string_view slot) {
    TRY(may_mark(means.image, state, slot));
    return has_mark(means, *means.image.find(slot)) ? Status(not_whole(slot)) : Status();
}

Status may_confirm(const Means& means, const State& state, std::string_view slot) {
    TRY(check_slot(means.image, slot));
    const bool whole = slot == state.running || !(state.is_unfit(slot) || has_mark(means, *means.image.find(slot)));
    return whole ? Status() : Status(not_whole(slot));
}

}  // namespace hagent::boot
