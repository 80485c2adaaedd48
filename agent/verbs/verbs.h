// SPDX-License-Identifier: Apache-2.0
// Owns the verbs of the command line: each takes the options and gives the exit code of spec 11.
#pragma once

#include <string>

#include "agent/base/error.h"
#include "agent/machine.h"
#include "agent/options.h"
#include "agent/services.h"

namespace hagent::verbs {

// Exit codes of spec 11. Scripts around the agent rely on them: they never change.
inline constexpr int k_done = 0;
inline constexpr int k_failed = 1;
inline constexpr int k_usage = 2;
inline constexpr int k_refused = 3;
inline constexpr int k_not_found = 4;
inline constexpr int k_try_later = 75;

// Each prints a result to the output's print(), with --json exactly one document, and complaints to its complain().
/// The daemon, until it is told to stop; a new configuration is taken without an end of the process.
int run(Machine& machine, const Options& options);
/// Through the running daemon; else, or with --once, in this process until nothing is left to do.
int check_in(Machine& machine, const Options& options);
/// What the agent is doing, from the daemon; from the state directory where none runs.
int status(Machine& machine, const Options& options);
/// The sessions that are kept, or one of them; k_not_found for an id that is none.
int sessions(Machine& machine, const Options& options);
/// The daemon's last lines; without a daemon those of the log file, k_not_found where there is none.
int log(Machine& machine, const Options& options);
/// k_not_found when any of the codes is not in the catalogue; the others are explained all the same.
int explain(Machine& machine, const Options& options);
/// A download by the transfer policy of spec 3, to a file.
int fetch(Machine& machine, const Options& options);
/// `check` changes nothing; `run` makes a session like that of a manager's job.
int script(Machine& machine, const Options& options);
/// Makes a folder a signed package, or signs a jobs.json. Needs no configuration.
int sign(Machine& machine, const Options& options);
/// This device's key and a request for its certificate.
int enrol(Machine& machine, const Options& options);
/// k_refused for whatever is not good.
int verify(Machine& machine, const Options& options);
/// Needs neither configuration nor state.
int version(Machine& machine, const Options& options);

/// Does this build work on this machine? Needs neither configuration nor state. What a new agent is asked before it is
/// started: exit code, and `version` in the document, must stay what they are.
int self_test(Machine& machine, const Options& options);
/// The agents of this device: status, stage, confirm, rollback; release lets a parked job go on.
int upgrade(Machine& machine, const Options& options);

/// System images: which of the following was meant.
int image(Machine& machine, const Options& options);
int image_status(Machine& machine, const Options& options);
/// A session like that of a manager's job, into the slot that is named or the one that does not run.
int image_write(Machine& machine, const Options& options);
int image_confirm(Machine& machine, const Options& options);
int image_rollback(Machine& machine, const Options& options);
int image_pack(Machine& machine, const Options& options);

/// A whole run of the program, from the words of its command line (`argv[0]` is its name, a null ends them) to the exit
/// code. A result that could not be written makes a success a failure.
int run_command_line(Machine& machine, int argc, char* const* argv);

// What the verbs share.

/// Says what went wrong, why and what to do, with --json also as `{"error":...}` among the results. Returns the exit
/// code for it.
int failed(Machine& machine, const Options& options, const Error& error);
/// The same for complaints about the configuration, one a line. Returns k_refused.
int refused(Machine& machine, const Options& options, std::string_view what,
            std::span<const config::Complaint> complaints);
/// The same for a command line that the verb cannot use: `message`, then the verb's help. Returns k_usage.
int usage(Machine& machine, const Options& options, std::string_view message);
/// The exit code for an error: usage, refused (configuration, trust, access), not found, try later (it may pass by
/// itself) or failed.
[[nodiscard]] int exit_code(const Error& error);

/// The services, or the exit code after the complaint was printed.
struct Opened {
    std::unique_ptr<AgentServices> services;
    int code = k_done;
};
/// `manager`: whether the configuration must name one.
[[nodiscard]] Opened open_services(Machine& machine, const Options& options, config::ManagerRule manager);

}  // namespace hagent::verbs
