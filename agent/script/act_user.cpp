// SPDX-License-Identifier: Apache-2.0
// Owns the actions that speak to the user: LU, EL, QU, by a hook program or the machine's own dialogs.
#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/script/acting.h"
#include "agent/script/user.h"
#include "platform/paths.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::Answer;

constexpr int k_accepted = 0, k_postponed = 10, k_no_answer = 11;  // how the hook "ask" ends
constexpr Seconds k_hook_time{60};
constexpr std::size_t k_note_bytes = 64;
constexpr std::uint32_t k_note_mode = 0600;

/// Where the count of postponements outlives a restart; empty: nowhere.
std::string note_file(const Acting& acting) {
    const auto& folder = acting.services.scratch_dir;
    return folder.empty() ? "" : concat({folder, platform::native("/"), "postponed-", std::to_string(acting.step.n)});
}

/// How often this step was postponed before the agent or the machine was restarted. A note that cannot be read counts
/// as none: the user is asked again, which harms less than going on without asking.
unsigned postponed_before(Acting& acting) {
    const std::string file = note_file(acting);
    if (file.empty() || !acting.record.in_flight_before) {
        return 0;
    }
    const auto text = acting.services.files.read(file, k_note_bytes);
    return text ? narrow<unsigned>(parse_u64(*text, k_most_postponements).value_or(0)) : 0;
}

Status note_postponed(Acting& acting, unsigned count) {
    const std::string file = note_file(acting);
    return file.empty() ? Status() : acting.services.files.write_durable(file, std::to_string(count), k_note_mode);
}

/// The hook gets more time than the user, so that it can put its window up and away again before it is stopped.
Result<Answer> answer_of_hook(Acting& acting, const std::string& program, const std::string& fallback) {
    const auto& step = acting.step;
    const int code = TRY(run_hook(acting, {program, step.arguments[0], std::to_string(step.seconds.count()), fallback},
                                  step.seconds + k_hook_time));
    switch (code) {
        case k_accepted: return Answer::accepted;
        case k_postponed: return Answer::postponed;
        case k_no_answer: return Answer::none;
        default: return error(AgentCode::command_failed, {program, " ended with status ", std::to_string(code)});
    }
}

/// No answer counts as the script's default. Where nothing can be shown nobody is there to answer: a device without a
/// screen must not wait for one.
Result<Answer> ask_once(Acting& acting) {
    const auto& step = acting.step;
    const std::string fallback = step.arguments.size() > 2 ? to_lower(step.arguments[2]) : "accept";
    const std::string hook = TRY(hook_program(acting.services, "ask"));
    Answer answer = Answer::none;
    if (!hook.empty()) {
        answer = TRY(answer_of_hook(acting, hook, fallback));
    } else if (acting.services.dialogs != nullptr) {
        answer = TRY(acting.services.dialogs->ask(step.arguments[0], step.seconds, acting.cancel));
    }
    const Answer by_default = fallback == "accept" ? Answer::accepted : Answer::postponed;
    return answer == Answer::none ? by_default : answer;
}

/// A failed lock fails the step: the script was written for a user who does not get in the way.
Status must_succeed(const std::string& program, int code) {
    return code == 0 ? Status()
                     : Status(error(AgentCode::command_failed, {program, " ended with status ", std::to_string(code)}));
}

}  // namespace

Status act_lock(Acting& acting) {
    const auto& step = acting.step;
    if (const std::string hook = TRY(hook_program(acting.services, "lock")); !hook.empty()) {
        return must_succeed(
            hook, TRY(run_hook(acting, {hook, step.arguments[0], std::to_string(step.seconds.count())}, k_hook_time)));
    }
    return acting.services.dialogs == nullptr ? Status()
                                              : acting.services.dialogs->tell(step.arguments[0], step.seconds);
}

Status act_unlock(Acting& acting) {
    if (const std::string hook = TRY(hook_program(acting.services, "unlock")); !hook.empty()) {
        return must_succeed(hook, TRY(run_hook(acting, {hook}, k_hook_time)));
    }
    return acting.services.dialogs == nullptr ? Status() : acting.services.dialogs->take_back();
}

/// Every postponement is noted before it is waited for, so that restarting the device gains nobody another one. At the
/// last one the script goes on without asking: otherwise one user could keep an update away for ever.
Status act_ask(Acting& acting) {
    unsigned count = postponed_before(acting);
    if (acting.step.postponements == 0) {
        (void)TRY(ask_once(acting));  // who may not postpone is still to know, and has the time to save his work
    }
    while (count < acting.step.postponements && TRY(ask_once(acting)) == Answer::postponed) {
        TRY(note_postponed(acting, ++count));
        if (acting.services.clock.wait(k_postponement, acting.cancel)) {
            return error(AgentCode::cancelled, acting.step.effect);
        }
    }
    acting.record.output =
        concat({"postponed ", std::to_string(count), " of ", std::to_string(acting.step.postponements), " times"});
    const std::string file = note_file(acting);
    return file.empty() || count == 0 ? Status() : acting.services.files.remove_tree(file);
}

}  // namespace hagent::script
