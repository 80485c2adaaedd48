// SPDX-License-Identifier: Apache-2.0
// Owns the plan of a piece of work as everybody but its kind sees it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/task_result.h"
#include "agent/work/package.h"
#include "agent/work/step.h"
#include "platform/disk.h"

namespace hagent::work {

enum class VolumeState : std::uint8_t { not_used = 0, used = 1, warn = 2, full = 3 };  // seed: SW_VOL_NOT_USED ...

/// What the plan does to one volume, in bytes. Source: reference xdsa-1387 5.4.
struct VolumeImpact {
    std::string volume;  // mount point
    platform::VolumeType type = platform::VolumeType::normal;
    VolumeState state = VolumeState::not_used;
    std::uint64_t before_bytes = 0;  // available now
    std::uint64_t after_bytes = 0;   // available at the end, when the staged copies are gone
    std::uint64_t peak_bytes = 0;    // most that is taken from it at any moment
};

/// What analysis has found out. It is shown, journalled and run; it never changes.
struct Plan {
    std::vector<StepPlan> steps;         // in order; n counts from 1 without a gap
    std::vector<PackageFile> downloads;  // each once, in order of first use; steps already done need none
    std::vector<VolumeImpact> disk;      // every volume that is touched
    unsigned reboots = 0;                // times that the machine is restarted on the way
    std::vector<TaskResult> results;     // has_error(results): nothing may be run
    std::uint64_t streamed_bytes = 0;    // that PackageFiles::read_range() brings, in all lives together
    std::uint64_t streamed_before = 0;   // of these: brought in earlier lives

    /// Whether a step does more than look: only then is a write filter opened.
    [[nodiscard]] bool acts() const {
        return std::any_of(steps.begin(), steps.end(), [](const StepPlan& step) { return step.acts; });
    }
};

}  // namespace hagent::work
