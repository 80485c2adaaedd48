// SPDX-License-Identifier: Apache-2.0
// Owns what work borrows from the agent, and what the configuration says about work.
#pragma once

#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/config/settings.h"
#include "agent/config/state_paths.h"
#include "agent/log/ring.h"
#include "agent/work/facts.h"
#include "platform/block_device.h"
#include "platform/clock.h"
#include "platform/dialog.h"
#include "platform/disk.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/process.h"
#include "platform/registry.h"

namespace hagent::work {

/// What the configuration says. The same for all work of one life of the agent.
struct Settings {
    config::StatePaths state{std::string()};
    std::vector<std::string> os_codes;         // own code first
    std::string image_version;                 // empty: the configuration does not say
    std::vector<std::string> roots;            // what lies below them may be changed
    std::vector<std::string> protected_paths;  // program, configuration, all that it names: never
    std::string hooks_dir;                     // empty: no hooks
    std::string run_as;                        // user of the programs that a package starts; empty: as we are
    Seconds time_limit{3600};                  // of programs without their own
    config::ImageSettings image;               // slots, boot method, trial
    bool has_manager = false;                  // the configuration names one, or asks for one to be found
    std::string program;                       // this agent's own, as it runs
    std::string agents_dir;                    // where other versions of the agent lie; empty: nowhere
    unsigned agent_trial_starts = 3;           // that a new one has
    Seconds agent_trial_deadline{300};         // from its first start to its first good check-in
};

/// Takes a local file to the place that the package came from. Repeating it is harmless.
class Uploads {
public:
    virtual ~Uploads() = default;
    /// `local_path` is resolved; `name` is the path below that place. Errors: no_source where nothing takes files,
    /// those of platform::Files and of the transfer.
    [[nodiscard]] virtual Status upload(const std::string& local_path, const std::string& name,
                                        const CancelToken& cancel) = 0;
};

/// Ends this life of the agent in order, so that the launcher starts the one that is chosen by then.
class Restarts {
public:
    virtual ~Restarts() = default;
    /// Returns at once; the end comes soon after. From any thread.
    virtual void restart_agent() = 0;
};

/// The device, for the length of one analysis or one run.
struct Services {
    platform::Files& files;
    platform::Processes& processes;
    platform::Host& host;
    platform::Clock& clock;
    platform::Disks& disks;
    const Settings& settings;
    Facts facts;                             // of this moment; given to programs as HAGENT_* variables
    Uploads* uploads = nullptr;              // null: the package came from nowhere that takes files
    platform::Registry* registry = nullptr;  // the machine's; null: there is none
    platform::Dialogs* dialogs = nullptr;    // where there is no hook; null: nobody is told or asked
    std::string scratch_dir = {};  // exists and is the agent's own: notes that outlive a restart; empty: none are kept
    platform::BlockDevices* devices = nullptr;  // null: no system images are written
    const log::Ring* log_lines = nullptr;       // the last ones; null: none are kept
    Restarts* restarts = nullptr;               // null: whoever does this work cannot be started again
};

}  // namespace hagent::work
