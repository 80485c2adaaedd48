// SPDX-License-Identifier: Apache-2.0
// Owns AgentView: what is shown of the agent beside its sessions, as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.h"
#include "agent/image/status.h"
#include "agent/session/parking.h"
#include "agent/upgrade/status.h"
#include "platform/disk.h"

namespace hagent::status {

/// The manager as the last check-in met it.
struct ManagerView {
    std::string dialect;
    std::string url;  // without credentials
    std::optional<WallTime> last_check_in;
    std::string last_result;  // plain words; empty before the first check-in
    std::optional<WallTime> next_check_in;
};

/// A snapshot, made for each answer. Values are for showing: no secret is in them.
struct AgentView {
    std::vector<std::pair<std::string, std::string>> device;  // id first, then facts in a fixed order
    std::uint32_t pid = 0;                                    // 0: the daemon is not running
    Seconds uptime{0};
    std::uint64_t pss_bytes = 0;   // memory of the process, its share of what is shared; 0 when not known
    std::string listener;          // "http://127.0.0.1:8420"
    std::string listener_trouble;  // what cannot be listened on and why; empty: nothing
    ManagerView manager;
    std::vector<platform::Volume> volumes;
    std::vector<std::string> trusted_keys;  // names, as the key files have them
    std::vector<std::string> damage;        // files of the agent's memory that are or were damaged, one a line
    std::string state_problem;              // why the state directory cannot be written; empty: it can
    std::vector<session::Parked> parked;    // jobs that are not begun again before somebody releases them
    image::ImageStatus images;              // slots, trial, the last image
    upgrade::Agents agents;                 // the preinstalled one and those that were staged
    std::size_t reports_queued = 0;
    WallTime now;  // when the answer was made
};

}  // namespace hagent::status
