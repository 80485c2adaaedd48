// SPDX-License-Identifier: Apache-2.0
// Owns the birth of a program: the fork, everything done between fork and exec, and the keeper that watches over the
// tree.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "platform/posix/accounts.h"
#include "platform/posix/fd.h"
#include "platform/process.h"

namespace hagent::platform {

/// What the keeper and the program before its exec report over the control pipe.
enum class ReportKind : int {
    started,     // value: the program's process id
    ended,       // value: its wait status
    no_process,  // the rest: value is errno of the step that failed
    no_user,
    no_directory,
    no_exec
};

struct Report {
    ReportKind kind;
    int value;
};

/// Where the program is that a name means; a name with a slash is a path already. Errors: command_not_found.
[[nodiscard]] Result<std::string> find_program(const std::string& name);

/// All that the new process needs, made before the fork: between fork and exec nothing may take memory or a lock.
class Launch {
public:
    /// Finds the program and the user. Errors: command_not_found, bad_argument.
    [[nodiscard]] static Result<std::unique_ptr<Launch>> prepare(const Command& command);

    /// Forks the keeper, which starts the program with its output going to `output`. The keeper adopts every
    /// descendant, ends when the last one has ended, and reports to `control`. For a detached program it ends at once.
    [[nodiscard]] Result<pid_t> fork_keeper(int control, int output) const;

    [[nodiscard]] const std::string& name() const { return command_.argv.front(); }
    [[nodiscard]] const std::string& directory() const { return directory_; }

private:
    explicit Launch(const Command& command);

    [[noreturn]] void keep(int control, int output) const;
    [[noreturn]] void become_program() const;

    Command command_;
    std::string program_, directory_;
    std::vector<std::string> variables_;
    std::vector<char*> argv_, environment_;
    bool change_user_ = false;
    Account account_;
    Fd null_;
};

}  // namespace hagent::platform
