// SPDX-License-Identifier: Apache-2.0
// Owns the disk space part of analysis. Source: seed SW_VOL_*, SW_DSA_*; reference xdsa-1387 5.4.
#include "agent/work/space.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"

namespace hagent::work {
namespace {

std::uint64_t positive(std::int64_t bytes) { return bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0; }

/// Sums stay far from the ends of 64 bits whatever a manifest claims.
std::int64_t bounded(std::uint64_t bytes) {
    constexpr std::uint64_t k_most = std::uint64_t{1} << 48U;
    return static_cast<std::int64_t>(std::min(bytes, k_most));
}

}  // namespace

/// A package has thousands of files in a few folders: the system is asked once for each folder.
Result<SpaceBudget::Account*> SpaceBudget::account_of(const std::string& path) {
    const auto last = path.find_last_of("/\\");
    const std::string folder = path.substr(0, last == std::string::npos ? path.size() : last + 1);
    auto known = known_.find(folder);
    if (known == known_.end()) {
        platform::Volume volume = TRY(disks_.volume_of(path));
        const std::string mount_point = volume.mount_point;
        if (accounts_.try_emplace(mount_point, Account{std::move(volume)}).second) {
            order_.push_back(mount_point);
        }
        known = known_.emplace(folder, mount_point).first;
    }
    return &accounts_.at(known->second);
}

Status SpaceBudget::take(const std::string& path, std::uint64_t bytes) {
    Account* account = TRY(account_of(path));
    account->now += bounded(bytes);
    account->peak = std::max(account->peak, account->now);
    account->changed = true;
    return {};
}

Status SpaceBudget::give(const std::string& path, std::uint64_t bytes) {
    Account* account = TRY(account_of(path));
    account->now -= bounded(bytes);
    account->changed = true;
    return {};
}

Result<bool> SpaceBudget::same_volume(const std::string& a, const std::string& b) {
    const Account* first = TRY(account_of(a));
    return first == TRY(account_of(b));
}

/// Free space holds the superuser's reserve, available space does not. The agent may use the reserve, so that is a
/// warning and no refusal.
VolumeState SpaceBudget::state_of(const Account& account) {
    if (!account.changed) {
        return VolumeState::not_used;
    }
    if (positive(account.peak) > account.volume.free_bytes) {
        return VolumeState::full;
    }
    return positive(account.peak) > account.volume.available_bytes ? VolumeState::warn : VolumeState::used;
}

std::vector<VolumeImpact> SpaceBudget::impacts() const {
    std::vector<VolumeImpact> impacts;
    for (const auto& mount_point : order_) {
        const Account& account = accounts_.at(mount_point);
        const std::uint64_t before = account.volume.available_bytes;
        impacts.push_back({mount_point, account.volume.type, state_of(account), before,
                           positive(bounded(before) - account.now), positive(account.peak)});
    }
    return impacts;
}

std::vector<TaskResult> SpaceBudget::results() const {
    std::vector<TaskResult> results;
    for (const auto& mount_point : order_) {
        const Account& account = accounts_.at(mount_point);
        const VolumeState state = state_of(account);
        const std::uint64_t limit =
            state == VolumeState::full ? account.volume.free_bytes : account.volume.available_bytes;
        const auto [needed, there] = human_bytes_apart(positive(account.peak), limit);
        const std::string context =
            concat({mount_point, ": ", needed, " needed at the fullest moment, ", there, " free"});
        if (account.changed && account.volume.type == platform::VolumeType::read_only) {
            results.push_back(
                {errors::agent(errors::AgentCode::read_only), errors::Severity::error, 1, mount_point, {}});
        } else if (state == VolumeState::full) {
            results.push_back({errors::xdsa(errors::Xdsa::dsa_over_limit), errors::Severity::error, 1, context, {}});
        } else if (state == VolumeState::warn) {
            results.push_back({errors::xdsa(errors::Xdsa::dsa_into_minfree),
                               errors::Severity::warning,
                               1,
                               context + " without the reserve",
                               {}});
        }
    }
    return results;
}

}  // namespace hagent::work
