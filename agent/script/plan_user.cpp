// SPDX-License-Identifier: Apache-2.0
// Owns the planners of the commands that speak to the user: LU, EL, QU.
#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/script/planning.h"
#include "agent/script/user.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

/// The number of argument 1; an objection when it is out of bounds.
Seconds seconds_argument(Planning& planning, std::int64_t least, std::int64_t most) {
    const auto seconds = parse_u64(planning.argument(1), narrow<std::uint64_t>(most));
    if (!seconds || *seconds < narrow<std::uint64_t>(least)) {
        planning.refuse(1, error(AgentCode::bad_argument, {"expected a time from ", std::to_string(least), " to ",
                                                           std::to_string(most), " seconds"}));
        return Seconds{least};
    }
    return Seconds(narrow<std::int64_t>(*seconds));
}

/// A window without words would keep the user from working and not say why.
bool has_text(Planning& planning) {
    if (trim(planning.argument(0)).empty()) {
        planning.refuse(0, error(AgentCode::bad_argument, "expected a text for the user"));
        return false;
    }
    return true;
}

}  // namespace

void plan_lock(Planning& planning) {
    auto& step = planning.step;
    step.effect = concat({"lock the user out with the message \"", planning.argument(0), "\""});
    step.seconds = planning.count() > 1 ? seconds_argument(planning, 1, k_longest_lock.count()) : k_longest_lock;
    if (has_text(planning)) {
        step.effect += planning.count() > 1 ? concat({", at most ", std::to_string(step.seconds.count()), " s"})
                                            : " until EL or the end";
    }
    planning.of_this_machine("lock");
}

void plan_unlock(Planning& planning) {
    planning.step.effect = "let the user in again";
    planning.of_this_machine("unlock");
}

void plan_ask(Planning& planning) {
    auto& step = planning.step;
    const std::string fallback = planning.count() > 2 ? to_lower(planning.argument(2)) : "accept";
    step.postponements = planning.context.options.postponements;
    step.effect = concat({"ask the user \"", planning.argument(0), "\""});
    step.seconds = planning.count() > 1 ? seconds_argument(planning, 1, k_longest_question.count())
                                        : planning.context.options.question;
    if (fallback != "accept" && fallback != "postpone") {
        return planning.refuse(2, error(AgentCode::bad_argument, "expected \"accept\" or \"postpone\""));
    }
    if (has_text(planning)) {
        step.effect += concat({" for ", std::to_string(step.seconds.count()), " s, no answer means ", fallback,
                               ", at most ", std::to_string(step.postponements), " postponements of ",
                               std::to_string(k_postponement.count()), " s"});
    }
    planning.of_this_machine("ask");
}

}  // namespace hagent::script
