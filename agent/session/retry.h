// SPDX-License-Identifier: Apache-2.0
// Owns which failures of a job may pass by themselves. Pure.
#pragma once

#include "agent/base/error.h"
#include "agent/session/record.h"

namespace hagent::session {

/// Reasons of transfer or trust that somebody may remove without a word to this device: a package that is half there, a
/// file or signature that was mixed up or cached, a server or key that is not ready yet. A package that is whole and
/// says that it is not for here, or too old, will say so again. So will one of which the manager vouches for the very
/// bytes that are wrong (hawkBit's digests): there an operator sees the failure and assigns it anew. A legacy manager's
/// script is not tried again either: it hides all that wait behind it.
[[nodiscard]] bool may_pass(const Error& why, const SessionRecord& record);

}  // namespace hagent::session
