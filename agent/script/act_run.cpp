// SPDX-License-Identifier: Apache-2.0
// Owns the actions that start programs or stop the machine: EX, RB, SP.
#include <array>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/script/acting.h"
#include "agent/script/argv.h"
#include "platform/paths.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

/// All eight digits, as people look up 0xC0000005.
std::string hexadecimal(std::uint32_t number) {
    const std::array<std::uint8_t, 4> bytes = {
        static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U & 0xFFU),
        static_cast<std::uint8_t>(number >> 8U & 0xFFU), static_cast<std::uint8_t>(number & 0xFFU)};
    return to_hex(bytes);
}

/// A report has to show why without anybody at the device: the command, how it ended and the last it said.
Failure ended_badly(const Acting& acting, AgentCode code, const std::string& how) {
    const std::string words = last_words(acting.record.output);
    const std::string command(clip(join_command_line(acting.step.argv), 120));
    return error(code, {command, " ", how, (words.empty() ? "" : work::k_it_said), words});
}

/// The time limit comes first: what it stops ends by a signal of ours, which is nobody else's doing.
Status judge(Acting& acting, const platform::Exit& exit, Millis limit) {
    if (exit.timed_out) {
        return ended_badly(acting, AgentCode::command_timeout,
                           concat({"was stopped after ", std::to_string(limit.count() / 1000), " s"}));
    }
    if (exit.signal != 0) {
        return ended_badly(acting, AgentCode::command_killed, "was ended by signal " + std::to_string(exit.signal));
    }
    if (exit.code < 0) {  // Windows: the number of the exception that nobody handled, as people look it up
        return ended_badly(acting, AgentCode::command_killed,
                           "was ended by exception 0x" + hexadecimal(static_cast<std::uint32_t>(exit.code)));
    }
    if (exit.code != 0) {
        return ended_badly(acting, AgentCode::command_failed, "ended with status " + std::to_string(exit.code));
    }
    return {};
}

}  // namespace

Environment program_environment(const Acting& acting) {
    auto environment = work::device_environment(acting.services.facts);
    environment.emplace_back("HAGENT_SCRIPT", acting.plan.file);
    environment.emplace_back("HAGENT_STEP", std::to_string(acting.step.n));
    if (!acting.plan.jail.relocation.empty()) {
        environment.emplace_back("HAGENT_ROOT", acting.plan.jail.relocation);
    }
    return environment;
}

/// The output is kept even when the hook ran out of time: then it is all that shows what it waited for.
Result<int> run_hook(Acting& acting, std::vector<std::string> argv, Seconds time_limit) {
    const std::string program = argv.front();
    auto ended =
        TRY(work::run_hook(acting.services, std::move(argv), program_environment(acting), time_limit, acting.cancel));
    acting.record.output = std::move(ended.output);
    return ended.timed_out ? Result<int>(error(AgentCode::command_timeout, program)) : Result<int>(ended.code);
}

/// The environment is made anew and only the end of the output is kept: a program must neither learn what the agent's
/// own environment holds nor fill memory and journal. What becomes of a detached program nobody can know.
Status act_execute(Acting& acting) {
    platform::Command command;
    command.argv = acting.step.argv;
    command.argv.front() = TRY(program_path(acting.step.argv.front(), acting.plan.jail, acting.services.files));
    command.environment = program_environment(acting);
    command.directory = acting.plan.jail.relocation;
    command.user = acting.services.settings.run_as;
    command.time_limit = acting.step.seconds.count() > 0 ? acting.step.seconds : acting.services.settings.time_limit;
    command.output_limit = limits::k_output_tail_bytes;
    command.detached = acting.step.detached;
    command.memory_limit = acting.step.detached ? 0 : limits::k_program_memory_bytes;  // else services would inherit it
    const auto exit = TRY(acting.services.processes.run(command, acting.cancel));
    if (acting.step.detached) {
        return {};
    }
    acting.record.output = work::printable_tail(exit.output);
    return judge(acting, exit, command.time_limit);
}

/// The delay comes before the end of the step is journalled, so that it can be cancelled while nothing has been asked
/// of the system. The id of this start of the machine shows a later run whether it went down (work::run_steps()).
Status act_stop_machine(Acting& acting) {
    // A hook gets the delay as its argument and waits by itself.
    if (TRY(hook_program(acting.services, "reboot")).empty() &&
        acting.services.clock.wait(acting.step.seconds, acting.cancel)) {
        return error(AgentCode::cancelled, acting.step.effect);
    }
    acting.record.boot_id = acting.services.host.facts().boot_id;
    acting.record.results.push_back(
        {errors::agent(AgentCode::reboot_pending), errors::Severity::note, 1, acting.step.effect, {}});
    return {};
}

namespace {

Status stop(Acting& acting, platform::PowerAction action) {
    return work::stop_machine(acting.services, action, acting.step.seconds, program_environment(acting),
                              acting.record.output, acting.cancel);
}

}  // namespace

Status after_restart(Acting& acting) { return stop(acting, platform::PowerAction::reboot); }
Status after_power_off(Acting& acting) { return stop(acting, platform::PowerAction::power_off); }

}  // namespace hagent::script
