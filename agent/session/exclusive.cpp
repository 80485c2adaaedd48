// SPDX-License-Identifier: Apache-2.0
#include "agent/session/exclusive.h"

#include <utility>

namespace hagent::session {
namespace {

bool changes_the_system(JobKind kind) { return kind == JobKind::image || kind == JobKind::upgrade; }

}  // namespace

bool changes_half_done(const Stored& stored) {
    return stored.begun && !stored.record.ended && changes_the_system(stored.record.job.kind) &&
           (stored.on_trial || (stored.executing && !stored.suspended));
}

/// Asked of the disk, so that the answer is the same after a restart, and for a job of the command line.
Result<std::optional<SessionRecord>> system_change_under_way(const Store& store, const SessionRecord& own) {
    if (!changes_the_system(own.job.kind)) {
        return std::optional<SessionRecord>();
    }
    for (const auto& id : TRY(store.list())) {
        auto stored = id == own.id ? Result<Stored>(Stored{}) : store.load(id);
        if (stored.ok() && changes_half_done(*stored)) {
            return std::optional(std::move(stored->record));
        }
    }
    return std::optional<SessionRecord>();
}

}  // namespace hagent::session
