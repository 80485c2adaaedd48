// SPDX-License-Identifier: Apache-2.0
// Owns Addresses: which of the manager's addresses is in use. A value; time comes in as a parameter.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/check.h"
#include "agent/base/time.h"

namespace hagent::manager {

/// In order of preference. When one fails the next is tried, until all have failed; ten minutes after the first was
/// left it is preferred again.
class Addresses {
public:
    /// At least one.
    explicit Addresses(std::vector<std::string> urls) : urls_(std::move(urls)) { check(!urls_.empty()); }

    [[nodiscard]] const std::string& current() const { return urls_[current_]; }
    [[nodiscard]] bool several() const { return urls_.size() > 1; }

    /// A check-in begins: the place where the first address is preferred again, never in the middle of one.
    void begin(Uptime now);
    /// A check-in ended well here.
    void succeed();
    /// The manager is there and asks for patience: it is no reason to go elsewhere, and failures count anew.
    void keep() { failed_ = 0; }
    /// A check-in failed here: goes on to the next one. False when all have failed; then it is the first one's turn.
    [[nodiscard]] bool fail(Uptime now);
    /// Goes on to the next one; the first follows the last.
    void next(Uptime now);

private:
    std::vector<std::string> urls_;
    std::size_t current_ = 0;
    std::size_t failed_ = 0;  // since the last success or wait
    std::optional<Uptime> left_first_at_;
};

}  // namespace hagent::manager
