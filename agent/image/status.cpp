// SPDX-License-Identifier: Apache-2.0
#include "agent/image/status.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/errors/catalogue.h"
#include "agent/image/analysis.h"
#include "agent/image/trial.h"
#include "agent/work/hooks.h"

namespace hagent::image {

using errors::AgentCode;

namespace {

/// In the new slot only, and from the moment on at which there is an address.
std::string deadline_of(const work::Services& services, const TrialNote& note, const boot::State& state) {
    if (state.running != note.to || !note.network_ms || note.seen_in != services.host.facts().boot_id) {
        return "";
    }
    const Millis end = Millis{static_cast<std::int64_t>(*note.network_ms)} + services.settings.image.confirm_deadline;
    const Millis left = end - services.clock.since_boot().since_start;
    return rfc3339({services.clock.wall().since_epoch + left});
}

std::uint64_t bytes_of(const work::Services& services, const config::SlotSettings& slot) {
    std::uint64_t bytes = 0;
    for (const auto& [part, device] : slot.parts) {
        const auto info = services.devices->info(device);
        bytes += info.ok() ? info->bytes : 0;
    }
    return bytes;
}

void write_slots(JsonWriter& json, const ImageStatus& status) {
    json.begin_array();
    for (const auto& slot : status.slots) {
        json.begin_object();
        json.member("name", slot.name);
        json.member("device", slot.device);
        json.member("running", slot.running);
        json.member("bootable", slot.bootable);
        json.member("version", slot.version);
        json.member("bytes", slot.bytes);
        json.end_object();
    }
    json.end_array();
}

void write_trial(JsonWriter& json, const std::optional<TrialView>& trial) {
    if (!trial) {
        json.null("trial");
        return;
    }
    json.begin_object("trial");
    json.member("slot", trial->slot);
    json.member("version", trial->version);
    json.member("tries", trial->tries);
    if (trial->deadline.empty()) {
        json.null("deadline");
    } else {
        json.member("deadline", trial->deadline);
    }
    json.end_object();
}

void write_last(JsonWriter& json, const std::optional<LastImage>& last) {
    if (!last) {
        json.null("last");
        return;
    }
    json.begin_object("last");
    json.member("version", last->version);
    json.member("result", last->result);
    json.member("reason", last->reason);
    json.member("at", last->at);
    json.end_object();
}

/// The trial that boot loader and notes agree on.
Result<boot::State> trial_state(boot::Boot& boot) {
    auto state = TRY(boot.look());
    return state.trial ? Result<boot::State>(std::move(state)) : error(AgentCode::image_no_trial);
}

}  // namespace

ImageStatus image_status(const work::Services& services) {
    ImageStatus status;
    const auto& image = services.settings.image;
    const auto boot = boot_of(services);
    status.boot = boot->name();
    boot::State state;
    if (auto looked = boot->look(); looked.ok()) {
        state = std::move(looked).value();
    } else {
        state.running = boot::running_slot(image, *services.devices).value_or("");
        const bool none = image.boot == config::BootMethod::none;
        status.problem =
            none ? "" : concat({errors::describe(looked.error().id).cause.text(), " [", looked.error().context, "]"});
    }
    status.running = state.running;
    auto notes = load_notes(services.files, services.settings.state.images()).value_or(ImageNotes());
    for (const auto& slot : image.slots) {
        SlotView view;
        view.name = slot.name;
        view.device = slot.device();
        view.running = slot.name == state.running;
        view.bootable = !state.is_unfit(slot.name);
        const auto known = notes.versions.find(slot.name);
        view.version = known != notes.versions.end() ? known->second : "";
        view.version =
            view.running && !services.facts.image_version.empty() ? services.facts.image_version : view.version;
        view.bytes = bytes_of(services, slot);
        status.slots.push_back(std::move(view));
    }
    if (state.trial && !state.trial->over) {
        TrialView trial;
        trial.slot = state.trial->slot;
        trial.tries = state.trial->tries_left;
        if (notes.trial && notes.trial->to == trial.slot) {
            trial.version = notes.trial->version;
            trial.deadline = deadline_of(services, *notes.trial, state);
        }
        status.trial = std::move(trial);
    }
    status.last = std::move(notes.last);
    return status;
}

std::string status_json(const ImageStatus& status, std::string_view parked) {
    JsonWriter json;
    json.begin_object();
    write_standing(json, status);
    json.name("slots");
    write_slots(json, status);
    json.raw("parked", parked);
    json.end_object();
    return json.take();
}

void write_standing(JsonWriter& json, const ImageStatus& status) {
    json.member("boot", status.boot);
    json.member("running", status.running);
    write_trial(json, status.trial);
    write_last(json, status.last);
}

std::string slots_json(const ImageStatus& status) {
    JsonWriter json;
    write_slots(json, status);
    return json.take();
}

std::vector<std::pair<std::string, std::string>> status_lines(const ImageStatus& status) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& slot : status.slots) {
        out.emplace_back("slot " + slot.name,
                         concat({slot.device, "  ", std::to_string(slot.bytes), " bytes  ",
                                 slot.version.empty() ? "version not known" : slot.version,
                                 slot.running ? ", running" : "", slot.bootable ? "" : ", not bootable"}));
    }
    if (status.trial) {
        out.emplace_back("on trial",
                         concat({"slot ", status.trial->slot, ", version ", status.trial->version, ", ",
                                 std::to_string(status.trial->tries), " starts left",
                                 status.trial->deadline.empty() ? "" : ", until " + status.trial->deadline}));
    }
    if (status.last) {
        out.emplace_back("last image", concat({status.last->version, " ", status.last->result, " at ", status.last->at,
                                               status.last->reason.empty() ? "" : ": " + status.last->reason}));
    }
    if (!status.problem.empty()) {
        out.emplace_back("boot loader", "cannot be asked: " + status.problem);
    }
    return out;
}

std::string status_text(const ImageStatus& status) {
    std::string text =
        concat({"boot method ", status.boot, ", ",
                status.running.empty() ? "running slot not known" : "slot " + status.running + " runs", "\n"});
    for (const auto& [key, value] : status_lines(status)) {
        text += concat({key, ": ", value, "\n"});
    }
    return text;
}

/// The session of the trial finds it confirmed when it looks again.
Status confirm_by_hand(const work::Services& services) {
    const auto boot = boot_of(services);
    const auto state = TRY(trial_state(*boot));
    if (!state.on_trial()) {
        return error(AgentCode::image_no_trial, {"slot ", state.trial->slot, " was not started yet"});
    }
    const auto notes = TRY(load_notes(services.files, services.settings.state.images()));
    if (!notes.trial || notes.trial->to != state.running) {
        return error(AgentCode::image_no_trial, "its record is gone");
    }
    if (const auto other = other_device(*notes.trial, services.facts)) {
        return error(AgentCode::image_other_device, *other);
    }
    return boot->confirm(state.running);
}

/// The reason is durable before the boot loader forgets the trial.
Result<bool> roll_back_by_hand(const work::Services& services, const CancelToken& cancel) {
    const auto boot = boot_of(services);
    const auto state = TRY(trial_state(*boot));
    const auto path = services.settings.state.images();
    auto notes = TRY(load_notes(services.files, path));
    if (notes.trial && notes.trial->to == state.trial->slot) {
        notes.trial->why = "an operator on the device ended the trial";
        notes.trial->step = "image rollback";
        TRY(save_notes(services.files, path, notes));
    }
    TRY(boot->fall_back());
    if (!state.on_trial()) {
        return false;
    }
    std::string output;
    TRY(work::stop_machine(services, platform::PowerAction::reboot, Seconds{0},
                           work::device_environment(services.facts), output, cancel));
    return true;
}

}  // namespace hagent::image
