// SPDX-License-Identifier: Apache-2.0
#include "platform/win32/agent_events.h"

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/paths.h"

namespace hagent::platform {

std::string event_word(HANDLE event) { return std::to_string(reinterpret_cast<std::uintptr_t>(event)); }

/// Our own children get an environment of their own, so that none of them finds this.
HANDLE launcher_event(AgentEvent event) {
    const std::string text = environment(k_events);
    const auto all = words(std::string_view(text));
    const auto number = static_cast<std::size_t>(event);
    const auto value = number < all.size() ? parse_u64(all[number], UINTPTR_MAX) : std::nullopt;
    return value ? reinterpret_cast<HANDLE>(static_cast<std::uintptr_t>(*value)) : nullptr;
}

}  // namespace hagent::platform
