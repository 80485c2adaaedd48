// SPDX-License-Identifier: Apache-2.0
#include "agent/session/change_hooks.h"

#include "agent/base/concat.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

constexpr int k_done = 0, k_reboot_first = 10;  // how both hooks end
constexpr Seconds k_time_limit{300};
constexpr std::size_t k_note_bytes = 128;
constexpr std::uint32_t k_note_mode = 0600;
constexpr const char* k_before = "before-change";
constexpr const char* k_after = "after-change";

}  // namespace

/// What is noted there is the start of the machine in which a reboot was asked for.
std::string ChangeHooks::note_of(const std::string& name) const { return concat({notes_, "/", name}); }

/// After a reboot that `after-change` asked for, the write filter must not be opened again: there is nothing left to
/// write.
Result<ChangeHooks::Answer> ChangeHooks::before(const CancelToken& cancel) {
    // the changes are made, only `after-change` is left
    const bool closing = TRY(services_.files.info(note_of(k_after))).has_value();
    return closing ? Result<Answer>(Answer::go_on) : call(k_before, {kind_}, cancel);
}

Result<ChangeHooks::Answer> ChangeHooks::after(bool success, const CancelToken& cancel) {
    return call(k_after, {kind_, success ? "success" : "failure"}, cancel);
}

/// Any status but the two that README names is a failure: a filter of which nobody knows whether it is open would lose
/// the changes with the next reboot.
Result<ChangeHooks::Answer> ChangeHooks::call(const std::string& name, std::vector<std::string> arguments,
                                              const CancelToken& cancel) {
    const std::string program = TRY(work::hook_program(services_, name));
    if (program.empty()) {
        return Answer::go_on;
    }
    arguments.insert(arguments.begin(), program);
    const auto ended = TRY(work::run_hook(services_, std::move(arguments), work::device_environment(services_.facts),
                                          k_time_limit, cancel));
    if (ended.timed_out) {
        return error(AgentCode::command_timeout, program);
    }
    switch (ended.code) {
        case k_done: return forget_reboot(note_of(name));
        case k_reboot_first: return want_reboot(program, note_of(name), cancel);
        default:
            return error(AgentCode::command_failed, {program, " ended with status ", std::to_string(ended.code),
                                                     work::k_it_said, work::last_words(ended.output)});
    }
}

/// For good: one that came back with a power cut would make the next reboot that is asked for look like the second one.
Result<ChangeHooks::Answer> ChangeHooks::forget_reboot(const std::string& note) {
    if (TRY(services_.files.info(note))) {
        TRY(services_.files.remove(note));
        TRY(services_.files.sync_directory(notes_));
    }
    return Answer::go_on;
}

/// Where the system does not tell one start from another there is one reboot and no second.
Result<ChangeHooks::Answer> ChangeHooks::want_reboot(const std::string& program, const std::string& note,
                                                     const CancelToken& cancel) {
    const std::string boot = services_.host.facts().boot_id;
    if (TRY(services_.files.info(note)) && (boot.empty() || TRY(services_.files.read(note, k_note_bytes)) != boot)) {
        return error(AgentCode::command_failed, {program, " wants a reboot, and after the reboot another one"});
    }
    TRY(services_.files.write_durable(note, boot, k_note_mode));
    std::string output;
    TRY(work::stop_machine(services_, platform::PowerAction::reboot, Seconds{0},
                           work::device_environment(services_.facts), output, cancel));
    return Answer::reboot;
}

}  // namespace hagent::session
