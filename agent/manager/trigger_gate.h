// SPDX-License-Identifier: Apache-2.0
// Owns TriggerGate: how often anybody may make this device check in early. Pure; bounded whoever knocks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/time.h"

namespace hagent::manager {

/// At most one a second in total, and at most k_each of one source within a minute. A source that is crowded out of the
/// table by others begins anew; the limit in total holds in any case.
class TriggerGate {
public:
    static constexpr Millis k_gap = Seconds{1};
    static constexpr Millis k_window = Seconds{60};
    static constexpr unsigned k_each = 12;

    /// Whether a trigger from `peer`, an address without port, is taken now. What is not taken does not count.
    [[nodiscard]] bool pass(std::string_view peer, Uptime now);

private:
    struct Source {
        std::size_t peer = 0;  // hash; that two share one only makes the gate narrower for them
        Uptime since{};
        unsigned taken = 0;
    };

    std::array<Source, 16> sources_{};
    std::optional<Uptime> last_;
};

}  // namespace hagent::manager
