// SPDX-License-Identifier: Apache-2.0
// Owns the search for a manager where the configuration leaves it to be discovered.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/config/settings.h"
#include "agent/log/log.h"
#include "agent/loop/loop.h"
#include "agent/loop/worker.h"
#include "agent/machine.h"
#include "agent/manager/caller.h"
#include "agent/transfer/backoff.h"

namespace hagent {

/// What ManagerSearch borrows. The worker, which asks the name servers, has to stop before the search goes.
struct SearchServices {
    Machine& machine;  // its named_managers are for load_config()
    const config::Settings& settings;
    log::Log& log;
    loop::Loop& loop;
    loop::Worker& worker;
    manager::Timers& timers;
    const transfer::Random& random;
};

/// Looks for a note of the manager that was met first, then into the lease, then asks the name servers. For the loop's
/// thread.
class ManagerSearch {
public:
    enum class Patience {
        once,         // nobody there now is an error
        until_found,  // the network may come later: looks again every minute
    };

    /// `ended` runs once at most. Success: somebody is named, and the configuration, when it is read again, says who.
    /// Errors: manager_unreachable when nobody is named; resolver rows when no name server could be asked; those of
    /// manager::discover() and of the worker.
    ManagerSearch(const SearchServices& services, Patience patience, std::function<void(Status)> ended)
        : services_(services), patience_(patience), ended_(std::move(ended)) {}

    void look();

private:
    void ask_name_servers(const CancelToken& cancel);
    void found_nobody(const Error& why);

    SearchServices services_;
    Patience patience_;
    std::function<void(Status)> ended_;
    std::string told_;  // why nobody is known: said when it changes
};

}  // namespace hagent
