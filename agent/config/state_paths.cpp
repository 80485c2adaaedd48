// SPDX-License-Identifier: Apache-2.0
// Owns the names in the state directory. They are permanent: a new agent goes on with what an old one left.
#include "agent/config/state_paths.h"

#include "agent/base/concat.h"

namespace hagent::config {

std::string StatePaths::below(std::string_view name) const { return concat({state_dir_, "/", name}); }

std::string StatePaths::lock() const { return below("lock"); }
std::string StatePaths::daemon_endpoint() const { return below("daemon"); }
std::string StatePaths::device_id() const { return below("device-id"); }
std::string StatePaths::device_key() const { return below("device.key"); }

std::string StatePaths::reports() const { return below("reports"); }
std::string StatePaths::jobs_serials() const { return below("jobs-serials"); }
std::string StatePaths::manager_met() const { return below("manager-met"); }

std::string StatePaths::trusted_time() const { return below("trusted-time"); }
std::string StatePaths::reserve() const { return below("reserve"); }

std::string StatePaths::agent_record() const { return below("agent/record"); }
std::string StatePaths::agent_record_lock() const { return below("agent/lock"); }
std::string StatePaths::agents() const { return below("agent"); }

std::string StatePaths::images() const { return below("images.json"); }
std::string StatePaths::trial_note() const { return below("trial.note"); }
std::string StatePaths::boot_lock() const { return below("boot.lock"); }

std::string StatePaths::serials() const { return below("serials"); }
std::string StatePaths::registry() const { return below("registry.ini"); }
std::string StatePaths::rounds() const { return below("rounds"); }
std::string StatePaths::sessions() const { return below("sessions"); }
std::string StatePaths::session(std::string_view id) const { return concat({state_dir_, "/sessions/", id}); }
std::string StatePaths::journal(std::string_view id) const { return session(id) + "/journal"; }
std::string StatePaths::package(std::string_view id) const { return session(id) + "/package"; }
std::string StatePaths::package_file(std::string_view id, std::string_view name) const {
    return concat({package(id), "/", name});
}
std::string StatePaths::downloads() const { return below("downloads"); }
/// The number and not the name of the file: names come from a package and may be anything.
std::string StatePaths::download(std::string_view id, std::size_t number) const {
    return concat({downloads(), "/", id, "-", std::to_string(number)});
}

}  // namespace hagent::config
