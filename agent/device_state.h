// SPDX-License-Identifier: Apache-2.0
// Owns what this device says of itself beyond its hardware: image, trust, the last session; the same to the manager and
// to people.
#pragma once

#include <string>

#include "agent/config/settings.h"
#include "agent/log/log.h"
#include "agent/machine.h"
#include "agent/manager/identity.h"
#include "agent/session/context.h"
#include "agent/status/board.h"
#include "agent/status/view.h"
#include "agent/upgrade/status.h"
#include "agent/work/services.h"

namespace hagent {

/// Who this device is: as an earlier life of this process knew it, else as manager::find_device_id() does.
[[nodiscard]] Result<manager::DeviceId> find_identity(const Machine& machine, const config::Settings& settings,
                                                      const platform::HostFacts& host);

/// The same at the start of a life of the agent, kept from then on. Without id where it is worth waiting for; only who
/// `waits` does. Where a sure one cannot be kept, this process keeps it.
[[nodiscard]] Result<manager::DeviceId> settle_identity(Machine& machine, const config::Settings& settings,
                                                        log::Log& log, bool waits);

/// Identity and inventory as they are now. What the machine does not tell is left out: `image.version` without
/// IMAGE_VERSION in os-release, `session.last` before the first one has ended. `agent.trust` says what content must be
/// signed by: "required, 2 keys", or why the keys cannot be used; `agent.state` is `state`: what is wrong
/// with the state directory. Asks the system and reads the keys at each call; never fails.
[[nodiscard]] manager::Identity identity_of(Machine& machine, const config::Settings& settings, std::string device_id,
                                            const status::Board& board, const std::string& state);

/// The same for the status documents: device and where its id comes from, volumes, trusted keys, agents.
void show_device(Machine& machine, const config::Settings& settings, const manager::DeviceId& id,
                 const status::Board& board, status::AgentView& view);

/// The preinstalled agent beside this record, as this process knows it.
[[nodiscard]] upgrade::Place preinstalled_agent(const upgrade::Record& record);
/// The agents of this device. Errors: those of upgrade::RecordFile::read().
[[nodiscard]] Result<upgrade::Agents> show_agents(Machine& machine, const config::Settings& settings);

/// The device as work sees it, for looks and changes by hand. Both borrowed.
[[nodiscard]] work::Services device_services(Machine& machine, const session::Settings& settings);

}  // namespace hagent
