// SPDX-License-Identifier: Apache-2.0
// Owns the sum of what a plan takes from each volume, in the order in which it happens.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/work/plan.h"
#include "platform/disk.h"

namespace hagent::work {

/// Take and give in the order of the steps: what counts is the fullest moment, not the sum at the end. Source: seed
/// SW_VOL_*, SW_DSA_*; reference xdsa-1387 5.4.
class SpaceBudget {
public:
    explicit SpaceBudget(platform::Disks& disks) : disks_(disks) {}

    /// `path` is a real path; its volume is that of the nearest existing parent.
    /// Errors: those of platform::Disks; so for the two below.
    [[nodiscard]] Status take(const std::string& path, std::uint64_t bytes);
    /// Frees what is removed or moved away. The same path, bytes and errors.
    [[nodiscard]] Status give(const std::string& path, std::uint64_t bytes);
    /// Whether a rename between the two is possible, and no second copy needs room.
    [[nodiscard]] Result<bool> same_volume(const std::string& a, const std::string& b);

    /// Every volume that was named so far.
    [[nodiscard]] std::vector<VolumeImpact> impacts() const;
    /// XDSA 75 (ERROR) and 74 (WARNING: the agent may use the reserve of the superuser), agent read_only.
    [[nodiscard]] std::vector<TaskResult> results() const;

private:
    struct Account {
        platform::Volume volume;
        std::int64_t now = 0;
        std::int64_t peak = 0;
        bool changed = false;
    };

    [[nodiscard]] Result<Account*> account_of(const std::string& path);
    [[nodiscard]] static VolumeState state_of(const Account& account);

    platform::Disks& disks_;
    std::vector<std::string> order_;            // mount points by first use
    std::map<std::string, Account> accounts_;   // by mount point
    std::map<std::string, std::string> known_;  // parent folder -> mount point
};

}  // namespace hagent::work
