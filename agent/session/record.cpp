// SPDX-License-Identifier: Apache-2.0
// Owns the small functions of SessionRecord.
#include "agent/session/record.h"

#include <array>

namespace hagent::session {

std::string_view to_string(TransferState state) {
    constexpr std::array<std::string_view, 4> k_names = {"waiting", "running", "done", "failed"};
    return k_names[static_cast<std::size_t>(state)];
}

std::vector<TaskResult> SessionRecord::all_results() const {
    std::vector<TaskResult> all = results;
    for (const auto& step : steps) {
        all.insert(all.end(), step.results.begin(), step.results.end());
    }
    return all;
}

}  // namespace hagent::session
