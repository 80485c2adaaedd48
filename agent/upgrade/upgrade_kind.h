// SPDX-License-Identifier: Apache-2.0
// Owns the kind of work that replaces the agent by another version of itself. Source: spec 7 "Agent upgrade".
#pragma once

#include <string>
#include <vector>

#include "agent/work/kind.h"

namespace hagent::upgrade {

class UpgradeKind final : public work::Kind {
public:
    /// `targets`: the names of this build's target in packages, the proper one first. `program`: name of an agent's
    /// file.
    UpgradeKind(std::vector<std::string> targets, std::string program)
        : targets_(std::move(targets)), program_(std::move(program)) {}
    [[nodiscard]] bool reads_entry() const override { return false; }
    [[nodiscard]] std::unique_ptr<work::Work> analyse(const work::Request& request) const override;

private:
    std::vector<std::string> targets_;
    std::string program_;
};

/// Job option "true": an older version is wanted, whatever the manifest says.
inline constexpr std::string_view k_option_allow_downgrade = "allow_downgrade";

}  // namespace hagent::upgrade
