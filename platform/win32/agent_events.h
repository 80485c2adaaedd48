// SPDX-License-Identifier: Apache-2.0
// Owns the events between the launcher and the agent that it has started as its child.
#pragma once

#include <cstdint>
#include <string>

#include "platform/win32/api.h"

namespace hagent::platform {

enum class AgentEvent : std::uint8_t { stop, reload, lift_limit };

/// The environment variable with their handles, in this order, between blanks.
inline constexpr const char* k_events = "HAGENT_EVENTS";
[[nodiscard]] std::string event_word(HANDLE event);
/// Of this process, when a launcher has started it; else null.
[[nodiscard]] HANDLE launcher_event(AgentEvent event);

}  // namespace hagent::platform
