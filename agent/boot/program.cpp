// SPDX-License-Identifier: Apache-2.0
#include "agent/boot/program.h"

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::boot {
namespace {

constexpr Seconds k_time_limit{60};

}  // namespace

/// Not to be cancelled: a boot loader that was told half of it is worth less than a minute.
Result<std::string> run_boot_program(const Means& means, const std::vector<std::string>& argv) {
    platform::Command command;
    command.argv = argv;
    command.environment = platform::program_environment();
    command.time_limit = k_time_limit;
    command.output_limit = limits::k_boot_answer_bytes + 1;
    command.memory_limit = limits::k_program_memory_bytes;
    auto exit = TRY(means.processes.run(command, CancelToken()));
    std::string said;
    for (const auto& word : argv) {
        said.append(said.empty() ? "" : " ").append(word);
    }
    if (exit.timed_out) {
        return error(errors::AgentCode::boot_program_failed, {said, " took too long"});
    }
    if (exit.output.size() > limits::k_boot_answer_bytes) {
        return error(errors::AgentCode::boot_program_failed, {said, " prints too much"});
    }
    if (exit.code != 0) {
        const std::string words = peer_words(exit.output);
        return error(errors::AgentCode::boot_program_failed, {said, " ended with status ", std::to_string(exit.code),
                                                              (words.empty() ? "" : "; it said: "), words});
    }
    return std::move(exit.output);
}

}  // namespace hagent::boot
