// SPDX-License-Identifier: Apache-2.0
// Owns the questions that a session asks before it begins to change the device: is its job held, and may it begin now.
#pragma once

#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/session/job.h"
#include "agent/session/record.h"

namespace hagent::session {

struct Context;

/// When the device itself lets a job begin that its manager would have done now. Called on the session's thread.
class Leave {
public:
    virtual ~Leave() = default;
    struct Wait {
        Millis in{0};      // from now; 0: it may begin
        std::string what;  // what it waits for, for people
    };
    /// `since`: the job is known here since then. Errors: why it never begins by itself.
    [[nodiscard]] virtual Result<Wait> wait_of(const Job& job, WallTime since) const = 0;
};

// The rest is for Session only. Without a guard or a leave in the context everything may begin.

/// The package is known, and nothing was done yet. Errors: job_in_circle, parked, those of Leave::wait_of().
[[nodiscard]] Status may_be_begun(Context& context, const SessionRecord& record);
/// How long it has to rest before its first change. Errors: those of Leave::wait_of().
[[nodiscard]] Result<Leave::Wait> wait_before(const Context& context, const SessionRecord& record);
/// The first change is next. Errors: those of the loop guard's journal.
[[nodiscard]] Status note_beginning(Context& context, const SessionRecord& record);
/// It has ended so; before the final report is. Errors: the same.
[[nodiscard]] Status note_end(Context& context, const SessionRecord& record, ReportStage stage, bool executed);

}  // namespace hagent::session
