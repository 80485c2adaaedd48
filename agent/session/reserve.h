// SPDX-License-Identifier: Apache-2.0
// Owns the reserve: room in the state directory that is given up when there is none left, so that a job that frees
// space can be fetched, noted and told.
#pragma once

#include "agent/session/context.h"

namespace hagent::session {

/// Makes it where it is missing and there is room: up to k_reserve_bytes, never more than half of what is free.
void keep_reserve(Context& context);
/// Gives it up; false when there is none.
bool give_up_reserve(Context& context);
/// Before a session: gives it up when less than k_reserve_bytes are free.
void use_reserve(Context& context);

}  // namespace hagent::session
