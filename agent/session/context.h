// SPDX-License-Identifier: Apache-2.0
// Owns what a session borrows from the agent, and how it tells the agent about itself.
#pragma once

#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/log/log.h"
#include "agent/log/ring.h"
#include "agent/session/leave.h"
#include "agent/session/record.h"
#include "agent/session/store.h"
#include "agent/transfer/fetcher.h"
#include "agent/transfer/options.h"
#include "agent/trust/package_check.h"
#include "agent/trust/trusted_time.h"
#include "agent/work/kind.h"
#include "agent/work/services.h"
#include "platform/block_device.h"
#include "platform/clock.h"
#include "platform/dialog.h"
#include "platform/disk.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/process.h"
#include "platform/registry.h"

namespace hagent::session {

class Parking;

/// Hears of every change, on the session's thread.
class Observer {
public:
    virtual ~Observer() = default;
    /// A new state to show. Called at every phase and step, and at most about four times a second in between.
    virtual void changed(const SessionRecord& record) = 0;
    /// Durable when it returns success. A final report may come again for the same job after a crash. Errors: those of
    /// the journal that keeps it.
    [[nodiscard]] virtual Status report(const Report& report) = 0;
    /// Whether a final report of this job is durable. Called on any thread.
    [[nodiscard]] virtual bool has_ended(const std::string& /*job_id*/) const { return false; }
};

/// What the configuration says about sessions: about their work, and about trust.
struct Settings : work::Settings {
    std::string keys_directory;
    std::vector<std::string> device_ids;  // the device id and the MAC addresses
};

/// Everything here outlives the session.
struct Context {
    platform::Files& files;
    platform::Clock& clock;
    platform::Processes& processes;
    platform::Host& host;
    platform::Disks& disks;
    transfer::Fetcher& fetcher;
    const transfer::Options& transfer_options;
    const transfer::Random& random;
    log::Log& log;
    const Settings& settings;
    Store& store;
    Observer& observer;
    const work::Kinds& kinds;
    platform::Dialogs* dialogs = nullptr;       // null: nobody is told or asked
    platform::Registry* registry = nullptr;     // the machine's; null: there is none
    trust::TrustedTime* time = nullptr;         // null: nobody else in this process uses its file
    platform::BlockDevices* devices = nullptr;  // null: no system images are written
    const log::Ring* log_lines = nullptr;       // the last ones; null: none are kept
    work::Restarts* restarts = nullptr;         // null: the agent cannot be started again (command line)
    Parking* parking = nullptr;                 // null: nothing is held, and nothing counts
    const Leave* leave = nullptr;               // null: every job may begin at once
};

}  // namespace hagent::session
