// SPDX-License-Identifier: Apache-2.0
// Owns what every verb that does work needs, built by hand from configuration and machine: options, settings, log,
// random.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/log/console.h"
#include "agent/log/log.h"
#include "agent/log/ring.h"
#include "agent/log/rotated_file.h"
#include "agent/machine.h"
#include "agent/options.h"
#include "agent/session/context.h"
#include "agent/transfer/curl_fetcher.h"
#include "agent/trust/random.h"
#include "agent/trust/trusted_time.h"

namespace hagent {

/// The configuration file that counts, absolute: the one that --config names, else HAGENT_CONFIG, else the system's.
[[nodiscard]] std::string config_path(const Options& options);

/// Reads that file. What the command line or an earlier check-in say instead of it is put in: the state directory, and
/// managers that were found. Only `run`, `check-in` and a file that --config names must exist; others get the defaults.
[[nodiscard]] config::Outcome load_config(Machine& machine, const Options& options, config::ManagerRule manager);

/// The configuration's transfer section as a value, for this start of the machine.
[[nodiscard]] transfer::Options transfer_options(const Machine& machine, const config::Settings& settings,
                                                 trust::TrustedTime* time = nullptr);

/// Headers that belong to the manager's own origins only: its token. Errors: those of config::read_secret and bad_url.
[[nodiscard]] Result<transfer::HeaderProvider> manager_headers(Machine& machine, const config::Settings& settings);

/// What the composition root builds for each verb. Everything in it lives as long as it does; the machine is borrowed.
/// Not copied and not moved, because its parts hold references to each other.
class AgentServices {
public:
    /// `config_file` is absolute: scripts may not touch it. Errors: os_error when the system gives no entropy.
    [[nodiscard]] static Result<std::unique_ptr<AgentServices>> open(Machine& machine, config::Settings settings,
                                                                     const std::string& config_file);
    AgentServices(const AgentServices&) = delete;
    AgentServices& operator=(const AgentServices&) = delete;

    /// Exclusive use of the state directory until destroyed; `busy` when another hagent has it. One that is full or
    /// write-protected is no error: the agent has to check in and say so (state_problem). What a killed daemon left
    /// there for the verbs is removed.
    [[nodiscard]] Status lock_state();
    /// The same, with the lock that `before` holds where it is for the same directory: nobody gets in between.
    [[nodiscard]] Status lock_state_after(AgentServices& before);

    Machine& machine;
    const config::Settings settings;
    log::Log log;
    log::Ring ring;
    const transfer::Options transfer;
    const transfer::Random random;  // for jitter; from any thread
    session::Settings session_settings;
    trust::TrustedTime time;
    std::optional<Error> state_problem;  // why the state directory could not be prepared

private:
    AgentServices(Machine& machine, config::Settings settings, trust::Random seed, const std::string& config_file);

    log::Console console_;
    [[nodiscard]] Status take_state();

    std::unique_ptr<log::RotatedFile> file_;
    std::unique_ptr<platform::Lock> lock_;
};

}  // namespace hagent
