// SPDX-License-Identifier: Apache-2.0
// Owns the counting of triggers.
#include "agent/manager/trigger_gate.h"

#include <algorithm>
#include <functional>

namespace hagent::manager {

/// The table has a fixed size, because anybody can send from any number of addresses; the oldest source makes room.
bool TriggerGate::pass(std::string_view peer, Uptime now) {
    if (last_ && now - *last_ < k_gap) {
        return false;
    }
    const auto who = std::hash<std::string_view>{}(peer);
    auto source =
        std::find_if(sources_.begin(), sources_.end(), [&](const Source& s) { return s.taken > 0 && s.peer == who; });
    if (source == sources_.end()) {
        source = std::min_element(sources_.begin(), sources_.end(),
                                  [](const Source& a, const Source& b) { return a.since < b.since; });
        *source = {who, now, 0};
    } else if (now - source->since >= k_window) {
        *source = {who, now, 0};
    }
    if (source->taken == k_each) {
        return false;
    }
    ++source->taken;
    last_ = now;
    return true;
}

}  // namespace hagent::manager
