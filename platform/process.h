// SPDX-License-Identifier: Apache-2.0
// Owns the interface to programs: run one without a shell, with limits, and take its whole tree down with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::platform {

/// One program to start. No shell takes part, so no argument needs quoting and none can become a command.
struct Command {
    std::vector<std::string> argv;  // argv[0] is a path, or a name looked up in the fixed system path
    std::vector<std::pair<std::string, std::string>> environment;  // the whole environment, nothing is inherited
    std::string directory;                                         // working directory; empty: "/"
    std::string user;                                              // run as this user; empty: as we are
    Millis time_limit{0};                                          // 0: none
    std::size_t output_limit = 0;                                  // bytes of stdout+stderr kept: the tail
    std::uint64_t memory_limit = 0;                                // bytes that each process may take; 0: none
    bool detached = false;                                         // start it and return; no output, no limit
};

struct Exit {
    int code = 0;            // exit status; 128 + signal when a signal ended it
    bool timed_out = false;  // the time limit ended it
    std::string output;      // tail of stdout and stderr, as they came
    int signal = 0;          // what ended it; 0: it ended by itself. Windows has none
};

class Processes {
public:
    virtual ~Processes() = default;
    /// Starts the program and waits until it ends. Its whole process tree (own group, job object) is ended with it, at
    /// the time limit and on cancel, so nothing that a script starts outlives its step. A user is changed for good:
    /// no program that it starts gains rights by its file (set-user-id, capabilities).
    /// Errors: command_not_found, permission_denied, cancelled, not_a_user ...
    [[nodiscard]] virtual Result<Exit> run(const Command& command, const CancelToken& cancel) = 0;
    /// Whether run() would find this argv[0] in this working directory. Starts nothing. Errors: command_not_found,
    /// permission_denied (something is there that cannot be run).
    [[nodiscard]] virtual Status find(const std::string& program, const std::string& directory) const = 0;
};

[[nodiscard]] std::unique_ptr<Processes> system_processes();

/// What every program gets to know: where programs lie, and a language that can be read again. Nothing is inherited: a
/// variable that the agent was started with could hold a secret, or change what a program does on one device only.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> program_environment();

}  // namespace hagent::platform
