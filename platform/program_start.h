// SPDX-License-Identifier: Apache-2.0
// Owns the interface to the start of another program in this process's place: how the launcher starts an agent.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::platform {

struct ProgramStart {
    std::string program;            // path
    std::vector<std::string> argv;  // argv[0] included
    // on top of this process's own environment; an empty value takes the variable away
    std::vector<std::pair<std::string, std::string>> environment;
    // so long may it take until it calls lift_start_limit(), or it is ended from outside; 0: for ever
    Millis limit{0};
};

class ProgramStarter {
public:
    virtual ~ProgramStarter() = default;
    /// POSIX: the program takes the place of this one, with its process id; no open file or lock goes over but the
    /// three standard streams. Comes back only when that cannot be done.
    /// Windows, where no program can take another one's place: runs it as a child that ends with this process and is
    /// told to stop when this process is, and gives its exit code.
    /// Errors: those of platform::file_error.
    [[nodiscard]] virtual Result<int> replace(const ProgramStart& start) = 0;
    /// The launcher waits for its program's end and can look at it: a program asks for another start by ending with
    /// k_start_again. Else it takes this one's place as above.
    [[nodiscard]] virtual bool stays() const = 0;
};

inline constexpr int k_start_again = 87;  // exit code

[[nodiscard]] std::unique_ptr<ProgramStarter> system_program_starter();

/// The limit that this process was started with is over.
void lift_start_limit();

}  // namespace hagent::platform
