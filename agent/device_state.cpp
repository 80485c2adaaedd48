// SPDX-License-Identifier: Apache-2.0
// Owns the gathering of that state.
#include "agent/device_state.h"

#include <utility>

#include "agent/base/concat.h"
#include "agent/base/version.h"
#include "agent/boot/boot.h"
#include "agent/errors/catalogue.h"
#include "agent/trust/key_ring.h"
#include "agent/upgrade/launcher.h"
#include "platform/paths.h"

namespace hagent {
namespace {

/// Told to the manager, so that somebody sees devices whose keys are missing before they refuse their first job.
std::string trust_state(const config::Settings& settings, const Result<trust::KeyRing>& keys) {
    std::string out(config::to_string(settings.manager.trust));
    if (!keys.ok()) {
        return out.append(", keys unusable: ").append(errors::describe(keys.error().id).name);
    }
    const auto count = keys->signers().size(), lost = keys->left_out().size();
    return concat({out, ", ", std::to_string(count), (count == 1 ? " key" : " keys"),
                   (lost == 0 ? "" : concat({", ", std::to_string(lost), " unusable"}))});
}

std::string last_session(const status::Board& board) {
    const auto recent = board.recent();
    if (recent.empty()) {
        return {};
    }
    const auto& last = *recent.front();
    return concat(
        {last.id, " ", session::plain_words(last.phase), (last.failed() ? " with errors" : ""), ", job ", last.job.id});
}

manager::Identity describe_device(Machine& machine, const config::Settings& settings, std::string device_id,
                                  const status::Board& board, const std::vector<platform::Volume>& volumes,
                                  const Result<trust::KeyRing>& keys, const std::string& state_text) {
    const auto host = machine.host->facts();
    manager::DeviceState state;
    state.image_version = host.image_version;
    if (!settings.image.slots.empty() && machine.devices) {
        state.image_slot = boot::running_slot(settings.image, *machine.devices).value_or(std::string());
    }
    state.more = {{"agent.trust", trust_state(settings, keys)},
                  {"session.last", last_session(board)},
                  {"agent.state", state_text}};
    return manager::describe(std::move(device_id), settings.device, host, volumes, state);
}

}  // namespace

Result<manager::DeviceId> find_identity(const Machine& machine, const config::Settings& settings,
                                        const platform::HostFacts& host) {
    if (machine.identity && machine.identity->pattern == settings.device.id) {
        return *machine.identity;
    }
    return manager::find_device_id(*machine.files, settings.state(), settings.device.id, host);
}

Result<manager::DeviceId> settle_identity(Machine& machine, const config::Settings& settings, log::Log& log,
                                          bool waits) {
    const auto host = machine.host->facts();
    auto found = find_identity(machine, settings, host);
    if (!found.ok()) {
        return waits && manager::is_missing_yet(settings.device.id, host)
                   ? Result<manager::DeviceId>(manager::DeviceId{})
                   : std::move(found);
    }
    if (waits && !found->is_sure && !machine.identity) {
        return manager::DeviceId{};
    }
    if (found->was_damaged) {
        log.warning("agent", "the note of the device's id is damaged", {{"id", found->id}, {"from", found->from}});
    }
    const auto kept =
        waits || found->is_sure ? manager::keep_device_id(*machine.files, settings.state(), *found) : Status();
    if (!kept.ok()) {
        log.warning("agent", "the device's id cannot be kept", {{"where", kept.error().context}});
    }
    machine.identity = *found;
    return found;
}

manager::Identity identity_of(Machine& machine, const config::Settings& settings, std::string device_id,
                              const status::Board& board, const std::string& state) {
    return describe_device(machine, settings, std::move(device_id), board, machine.disks->volumes().value_or({}),
                           trust::KeyRing::load(*machine.files, settings.trust.keys_dir), state);
}

/// What cannot be found out is left out and makes no error: the page is wanted most when something is wrong.
void show_device(Machine& machine, const config::Settings& settings, const manager::DeviceId& id,
                 const status::Board& board, status::AgentView& view) {
    const auto keys = trust::KeyRing::load(*machine.files, settings.trust.keys_dir);
    if (auto agents = show_agents(machine, settings); agents.ok()) {
        view.agents = *std::move(agents);
    }
    view.volumes = machine.disks->volumes().value_or({});
    const auto who =
        describe_device(machine, settings, id.id.empty() ? "unknown" : id.id, board, view.volumes, keys, {});
    view.device.emplace_back("id", who.device_id);
    view.device.emplace_back("id_from", id.from);
    view.device.insert(view.device.end(), who.attributes.begin(), who.attributes.end());
    if (keys.ok()) {
        for (const auto& signer : keys->signers()) {
            view.trusted_keys.push_back(signer.name);
        }
    }
}

upgrade::Place preinstalled_agent(const upgrade::Record& record) {
    return upgrade::preinstalled(record, {std::string(agent_version()), platform::own_program()},
                                 upgrade::launcher_of(platform::environment(upgrade::k_launched)));
}

Result<upgrade::Agents> show_agents(Machine& machine, const config::Settings& settings) {
    auto record = TRY(upgrade::RecordFile(*machine.files, settings.state()).read()).value_or(upgrade::Record{});
    return upgrade::Agents{preinstalled_agent(record), std::move(record)};
}

work::Services device_services(Machine& machine, const session::Settings& settings) {
    work::Services out{*machine.files,
                       *machine.processes,
                       *machine.host,
                       machine.clock,
                       *machine.disks,
                       settings,
                       work::facts_from(machine.host->facts(), settings.os_codes, settings.image_version)};
    out.devices = machine.devices.get();
    return out;
}

}  // namespace hagent
