// SPDX-License-Identifier: Apache-2.0
// Owns the small functions of SessionRecord.
#include "agent/session/record.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/limits.h"

namespace hagent::session {
namespace {

constexpr Millis k_longest_leave = std::chrono::hours{24 * 8};  // a window opens once a week at least

}  // namespace

std::string_view to_string(TransferState state) {
    constexpr std::array<std::string_view, 4> k_names = {"waiting", "running", "done", "failed"};
    return k_names[static_cast<std::size_t>(state)];
}

Millis wait_before_try(unsigned failed_tries) {
    Millis wait = Seconds{limits::k_job_first_wait_seconds};
    for (unsigned i = 1; i < failed_tries && i < limits::k_job_tries; ++i) {
        wait *= 3;
    }
    return wait;
}

/// The wall clock may have been set meanwhile, either way: nobody waits longer than the longest wait that was meant.
Millis SessionRecord::rests_for(WallTime now) const {
    const Millis most = waits_for_leave ? k_longest_leave : wait_before_try(tries) + wait_before_try(tries) / 4;
    return try_again ? std::clamp(try_again->since_epoch - now.since_epoch, Millis{0}, most) : Millis{0};
}

void SessionRecord::take_job(Job offered) {
    offered.kind = offered.kind_of_manifest && !package.empty() ? job.kind : offered.kind;
    job = std::move(offered);
}

std::vector<TaskResult> SessionRecord::all_results() const {
    std::vector<TaskResult> all = results;
    for (const auto& step : steps) {
        all.insert(all.end(), step.results.begin(), step.results.end());
    }
    return all;
}

}  // namespace hagent::session
