// SPDX-License-Identifier: Apache-2.0
// Owns what work may ask of the manager while it runs.
#pragma once

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::work {

/// Used on the session's thread.
class ManagerLink {
public:
    virtual ~ManagerLink() = default;
    /// Has one check-in begin now, and waits until it has ended well. Errors: timed_out after `most`, cancelled, what
    /// the last check-in that failed meanwhile met.
    [[nodiscard]] virtual Status check_in(Seconds most, const CancelToken& cancel) = 0;
    /// Whether the job of this work may still be executed, by the last offer of it and by the device's own window.
    [[nodiscard]] virtual bool may_execute() const = 0;
};

}  // namespace hagent::work
