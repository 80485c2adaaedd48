// SPDX-License-Identifier: Apache-2.0
#include "agent/work/hooks.h"

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "platform/paths.h"
#include "platform/permissions.h"

namespace hagent::work {
namespace {

using errors::AgentCode;

constexpr std::size_t k_quoted_output = 240;  // of a program's last words, in a result
constexpr Seconds k_stop_hook_time{60};       // beyond the delay that it waits by itself

}  // namespace

Environment device_environment(const Facts& facts) {
    Environment environment = platform::program_environment();
    const Environment known = {
        {"HAGENT_OS", facts.os_codes.empty() ? "" : facts.os_codes.front()},
        {"HAGENT_IMAGE", facts.image_version},
        {"HAGENT_MAC", facts.mac},
        {"HAGENT_IP", facts.ip},
        {"HAGENT_HOSTNAME", facts.hostname},
        {"HAGENT_SERIAL", facts.serial},
    };
    environment.insert(environment.end(), known.begin(), known.end());
    std::erase_if(environment, [](const auto& variable) { return variable.second.empty(); });
    return environment;
}

/// The end is kept, not the start: a program that fails says why last. It goes to managers and terminals, so nothing in
/// it may steer one.
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

std::string last_words(const std::string& output) {
    auto lines = replace_all(trim(output), "\n", " | ");
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

Result<std::string> hook_program(const Services& services, const std::string& name) {
    if (services.settings.hooks_dir.empty()) {
        return std::string();
    }
    for (const std::string ending : {"", ".exe"}) {
        std::string path = services.settings.hooks_dir + platform::native("/") + name + ending;
        const auto info = TRY(services.files.info(path));
        if (!info) {
            continue;
        }
        const auto runs = info->kind == platform::FileKind::directory
                              ? Status(error(AgentCode::is_a_directory, "it is a folder"))
                              : services.processes.find(path, "");
        return runs ? Result<std::string>(path)
                    : Result<std::string>(Error(runs.error()).with("the hook " + path + " cannot be run"));
    }
    return std::string();
}

/// A hook's answer is its status, so each one that ends is a success here; what the number means only its caller knows.
Result<HookEnd> run_hook(const Services& services, std::vector<std::string> argv, Environment environment,
                         Seconds time_limit, const CancelToken& cancel) {
    // right before it runs: what was looked at when the agent began may have changed since
    if (const auto weak = TRY(platform::weak_place(services.files, argv.front()))) {
        return error(AgentCode::config_insecure_permissions, {weak->path, " ", weak->remedy});
    }
    platform::Command command;
    command.argv = std::move(argv);
    command.environment = std::move(environment);
    command.time_limit = time_limit;
    command.output_limit = limits::k_output_tail_bytes;
    command.memory_limit = limits::k_program_memory_bytes;
    const auto exit = TRY(services.processes.run(command, cancel));
    return HookEnd{exit.code, exit.timed_out, printable_tail(exit.output)};
}

Status stop_machine(const Services& services, platform::PowerAction action, Seconds delay, Environment environment,
                    std::string& output, const CancelToken& cancel) {
    const std::string program = TRY(hook_program(services, "reboot"));
    if (program.empty()) {
        auto asked = services.host.power(action);
        return asked ? Status() : Status(error(AgentCode::reboot_failed, asked.error().context));
    }
    const std::string word = action == platform::PowerAction::power_off ? "poweroff" : "reboot";
    auto ended = TRY(run_hook(services, {program, word, std::to_string(delay.count())}, std::move(environment),
                              delay + k_stop_hook_time, cancel));
    output = std::move(ended.output);
    if (ended.timed_out || ended.code != 0) {
        const std::string how = ended.timed_out ? "took too long" : "ended with status " + std::to_string(ended.code);
        return error(AgentCode::reboot_failed, {program, " ", how, k_it_said, last_words(output)});
    }
    return {};
}

Result<bool> force_late_restart(const Services& services, Millis asked_ago) {
    if (asked_ago < k_restart_patience) {
        return false;
    }
    auto forced = services.host.force_restart();
    return forced ? Result<bool>(true) : Result<bool>(error(AgentCode::reboot_failed, forced.error().context));
}

}  // namespace hagent::work
