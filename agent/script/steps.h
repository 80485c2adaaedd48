// SPDX-License-Identifier: Apache-2.0
// Owns the record of one step: what is journalled, shown and reported about it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/task_result.h"

namespace hagent::script {

enum class StepState : std::uint8_t { pending, running, done, failed, skipped };
[[nodiscard]] std::string_view to_string(StepState state);  // "pending" ...

struct StepRecord {
    unsigned n = 0;  // from 1, as in the plan
    StepState state = StepState::pending;
    std::vector<TaskResult> results;
    bool in_flight_before = false;  // its intent was journalled before an interruption, its end was not
    std::string output;             // EX: the tail of what the program printed, made printable
    std::string boot_id;  // RB, SP: the start of the machine in which the stop was asked for; keep it in the journal
};

}  // namespace hagent::script
