// SPDX-License-Identifier: Apache-2.0
// Owns the rule that only one change of the system itself is under way at a time.
#pragma once

#include <optional>

#include "agent/session/store.h"

namespace hagent::session {

/// Whether a change of the system has begun in this session and is not over, so that its verdict may need the manager.
[[nodiscard]] bool changes_half_done(const Stored& stored);

/// The session that keeps another one of this kind from beginning; empty: none does. Images and upgrades of the agent
/// exclude each other from the first change of one to its end, trial and restarts included; other kinds do not wait,
/// nor are they waited for. `own` is the one that asks. Errors: those of platform::Files.
[[nodiscard]] Result<std::optional<SessionRecord>> system_change_under_way(const Store& store,
                                                                           const SessionRecord& own);

}  // namespace hagent::session
