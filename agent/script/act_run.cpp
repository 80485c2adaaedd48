// SPDX-License-Identifier: Apache-2.0
// Owns the actions that start programs or stop the machine: EX, RB, SP.
#include <array>
#include <chrono>

#include "agent/base/limits.h"
#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/script/acting.h"
#include "agent/script/argv.h"
#include "platform/paths.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

constexpr std::size_t k_quoted_output = 240;  // of a program's last words, in a result
constexpr int k_signal_base = 128;
constexpr int k_last_signal = 64;
constexpr Seconds k_hook_time{60};

std::string last_words(const std::string& output) {
    const auto lines = replace_all(trim(output), "\n", " | ");
    if (lines.size() <= k_quoted_output) {
        return lines;
    }
    std::string_view end(lines);
    end.remove_prefix(lines.size() - k_quoted_output);
    while (!end.empty() && (static_cast<unsigned char>(end.front()) & 0xC0U) == 0x80U) {
        end.remove_prefix(1);
    }
    return "..." + std::string(end);
}

std::string hexadecimal(std::uint32_t number) {
    const std::array<std::uint8_t, 4> bytes = {static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U & 0xFFU),
                                               static_cast<std::uint8_t>(number >> 8U & 0xFFU), static_cast<std::uint8_t>(number & 0xFFU)};
    return to_hex(bytes);
}

Error ended_badly(const Acting& acting, AgentCode code, const std::string& how) {
    const std::string words = last_words(acting.record.output);
    const std::string command(clip(join_command_line(acting.step.argv), 120));
    return error(code, concat({command, " ", how, (words.empty() ? "" : "; it said: " + words)}));
}

Status judge(Acting& acting, const platform::Exit& exit, Millis limit) {
    if (exit.timed_out) {
        return ended_badly(acting, AgentCode::command_timeout,
                           concat({"was stopped after ", std::to_string(limit.count() / 1000), " s"}));
    }
    const bool has_signals = platform::native("/") == "/";
    if (has_signals && exit.code > k_signal_base && exit.code <= k_signal_base + k_last_signal) {
        return ended_badly(acting, AgentCode::command_killed, "was ended by signal " + std::to_string(exit.code - k_signal_base));
    }
    if (exit.code < 0) {  // Windows: the number of the exception that nobody handled, as people look it up
        return ended_badly(acting, AgentCode::command_killed, "was ended by exception 0x" + hexadecimal(static_cast<std::uint32_t>(exit.code)));
    }
    if (exit.code != 0) {
        return ended_badly(acting, AgentCode::command_failed, "ended with status " + std::to_string(exit.code));
    }
    return {};
}

bool powers_off(const Acting& acting) { return acting.step.op == "SP"; }

Status run_stop_hook(Acting& acting, const std::string& program) {
    const std::vector<std::string> argv = {program, powers_off(acting) ? "poweroff" : "reboot", std::to_string(acting.step.seconds.count())};
    const auto code = run_hook(acting, argv, acting.step.seconds + k_hook_time);
    const bool late = !code && code.error().is(AgentCode::command_timeout);
    if (!code && !late) {
        return code.error();
    }
    if (late || *code != 0) {
        const std::string how = late ? "took too long" : "ended with status " + std::to_string(*code);
        return error(AgentCode::reboot_failed, concat({program, " ", how, "; it said: ", last_words(acting.record.output)}));
    }
    return {};
}

}  // namespace

std::string printable_tail(std::string_view output) {
    if (output.size() > limits::k_output_tail_bytes) {
        output.remove_prefix(output.size() - limits::k_output_tail_bytes);
    }
    while (!output.empty() && (static_cast<unsigned char>(output.front()) & 0xC0U) == 0x80U && !is_utf8(output)) {
        output.remove_prefix(1);  // the tail may begin inside a character
    }
    const std::string text = is_utf8(output) ? std::string(output) : utf8_from_latin1(output);
    std::string lines;
    for (const auto line : split(text, '\n')) {
        lines.append(printable(trim(line))).append("\n");
    }
    while (lines.ends_with('\n')) {
        lines.pop_back();
    }
    return lines;
}

std::vector<std::pair<std::string, std::string>> program_environment(const Acting& acting) {
    const Facts& facts = acting.services.facts;
    const std::string system_root = platform::environment("SystemRoot");
    const bool windows = platform::native("/") == "\\" && !system_root.empty();
    std::vector<std::pair<std::string, std::string>> environment = {
        {"PATH", windows ? concat({system_root, "\\System32;", system_root})
                         : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"LANG", "C"},
        {"HAGENT_SCRIPT", acting.plan.file},
        {"HAGENT_STEP", std::to_string(acting.step.n)},
        {"HAGENT_ROOT", acting.plan.jail.relocation},
        {"HAGENT_OS", facts.os_codes.empty() ? "" : facts.os_codes.front()},
        {"HAGENT_IMAGE", facts.image_version},
        {"HAGENT_MAC", facts.mac},
        {"HAGENT_IP", facts.ip},
        {"HAGENT_HOSTNAME", facts.hostname},
        {"HAGENT_SERIAL", facts.serial},
    };
    if (windows) {
        environment.emplace_back("SystemRoot", system_root);
        environment.emplace_back("TEMP", platform::environment("TEMP"));
    }
    std::erase_if(environment, [](const auto& variable) { return variable.second.empty(); });
    return environment;
}

std::string hook_program(const Services& services, const std::string& name) {
    if (services.hooks_dir.empty()) {
        return {};
    }
    for (const std::string ending : {"", ".exe"}) {
        const std::string path = services.hooks_dir + platform::native("/") + name + ending;
        const auto info = services.files.info(path);
        if (info && info.value() && info.value()->kind != platform::FileKind::directory) {
            return path;
        }
    }
    return {};
}

Result<int> run_hook(Acting& acting, std::vector<std::string> argv, Seconds time_limit) {
    platform::Command command;
    command.argv = std::move(argv);
    command.environment = program_environment(acting);
    command.time_limit = time_limit;
    command.output_limit = limits::k_output_tail_bytes;
    const auto exit = TRY(acting.services.processes.run(command, acting.cancel));
    acting.record.output = printable_tail(exit.output);
    if (exit.timed_out) {
        return error(AgentCode::command_timeout, command.argv.front());
    }
    return exit.code;
}

Status act_execute(Acting& acting) {
    platform::Command command;
    command.argv = acting.step.argv;
    command.argv.front() = TRY(program_path(acting.step.argv.front(), acting.plan.jail, acting.services.files));
    command.environment = program_environment(acting);
    command.directory = acting.plan.jail.relocation;
    command.user = acting.services.run_as;
    command.time_limit = acting.step.seconds.count() > 0 ? acting.step.seconds : acting.services.time_limit;
    command.output_limit = limits::k_output_tail_bytes;
    command.detached = acting.step.detached;
    const auto exit = TRY(acting.services.processes.run(command, acting.cancel));
    if (acting.step.detached) {
        return {};
    }
    acting.record.output = printable_tail(exit.output);
    return judge(acting, exit, command.time_limit);
}

Status act_stop_machine(Acting& acting) {
    // A hook gets the delay as its argument and waits by itself.
    if (hook_program(acting.services, "reboot").empty() && acting.services.clock.wait(acting.step.seconds, acting.cancel)) {
        return error(AgentCode::cancelled, acting.step.effect);
    }
    acting.record.boot_id = acting.services.host.facts().boot_id;
    acting.record.results.push_back({errors::agent(AgentCode::reboot_pending), errors::Severity::note, 1, acting.step.effect, {}});
    return {};
}

Status after_stop_machine(Acting& acting) {
    if (const std::string hook = hook_program(acting.services, "reboot"); !hook.empty()) {
        return run_stop_hook(acting, hook);
    }
    const auto action = powers_off(acting) ? platform::PowerAction::power_off : platform::PowerAction::reboot;
    auto asked = acting.services.host.power(action);
    return asked ? Status() : Status(error(AgentCode::reboot_failed, asked.error().context));
}

}  // namespace hagent::script
