// SPDX-License-Identifier: Apache-2.0
// Owns `image status`, `write`, `confirm` and `rollback`: the slots of this device, by hand.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/device_state.h"
#include "agent/image/image_kind.h"
#include "agent/image/notes.h"
#include "agent/image/slot_writer.h"
#include "agent/image/status.h"
#include "agent/session/json.h"
#include "agent/trust/digest.h"
#include "agent/verbs/local_session.h"

namespace hagent::verbs {
namespace {

/// The session in its own shape, and what became of the chunks.
std::string with_chunks(AgentServices& services, const session::SessionRecord& record) {
    const bool written = std::any_of(record.steps.begin(), record.steps.end(), [](const session::StepView& step) {
        return step.op == "verify" && step.state == work::StepState::done;
    });
    const auto path = services.settings.state().images();
    const auto notes = written ? image::load_notes(*services.machine.files, path) : image::ImageNotes();
    std::string chunks = notes.ok() ? notes->chunks : "";
    chunks = chunks.empty() ? image::ChunkCounts().json() : chunks;
    std::string json = session::session_json(record);
    json.pop_back();
    return concat({json, ",\"chunks\":", chunks, "}"});
}

}  // namespace

int image_status(Machine& machine, const Options& options) {
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    const auto status = image::image_status(device_services(machine, services->session_settings));
    const auto parked = session::Parking::look(*machine.files, services->settings.state().rounds());
    if (!parked.ok()) {
        return failed(machine, options, parked.error());
    }
    machine.output->print(options.json ? image::status_json(status, session::parked_json(*parked)) + "\n"
                                       : image::status_text(status));
    return k_done;
}

/// The same command again is the same job: an unfinished session of it goes on.
int image_write(Machine& machine, const Options& options) {
    if (options.arguments.size() != 2) {
        return usage(machine, options, "say 'image write SOURCE'");
    }
    const auto opened = open_services(machine, options, config::ManagerRule::optional);
    if (!opened.services) {
        return opened.code;
    }
    auto& services = *opened.services;
    const auto source = signed_source(options.arguments.back());
    if (!source.ok()) {
        return failed(machine, options, source.error());
    }
    session::Job job;
    job.kind = JobKind::image;
    job.source = *source;
    job.name = options.arguments.back();
    if (!options.slot.empty()) {
        job.options.emplace_back(image::k_option_slot, options.slot);
    }
    job.id = concat({session::k_local_job,
                     trust::sha256_hex(concat({"image\n", source->base_url, "\n", options.slot})).substr(0, 16)});
    return run_local_session(services, options, job, [&services](const session::SessionRecord& record) {
        return with_chunks(services, record);
    });
}

int image_confirm(Machine& machine, const Options& options) {
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    const auto confirmed = image::confirm_by_hand(device_services(machine, services->session_settings));
    if (!confirmed.ok()) {
        return failed(machine, options, confirmed.error());
    }
    settle_trials(*services);
    machine.output->print(options.json ? "{\"confirmed\":true}\n" : "The slot that runs is kept.\n");
    return k_done;
}

int image_rollback(Machine& machine, const Options& options) {
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    const auto restarts = image::roll_back_by_hand(device_services(machine, services->session_settings), CancelToken());
    if (!restarts.ok()) {
        return failed(machine, options, restarts.error());
    }
    if (!*restarts) {
        settle_trials(*services);
    }
    machine.output->print(options.json ? concat({"{\"restarts\":", *restarts ? "true" : "false", "}\n"})
                                       : std::string(*restarts ? "The device restarts into the old system.\n"
                                                               : "The trial is taken back; nothing restarts.\n"));
    return k_done;
}

}  // namespace hagent::verbs
