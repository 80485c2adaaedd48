// SPDX-License-Identifier: Apache-2.0
#include "agent/work/step.h"

namespace hagent::work {

std::string_view to_string(StepState state) {
    switch (state) {
        case StepState::pending: return "pending";
        case StepState::running: return "running";
        case StepState::done: return "done";
        case StepState::failed: return "failed";
        case StepState::skipped: return "skipped";
    }
    return "";
}

}  // namespace hagent::work
