// SPDX-License-Identifier: Apache-2.0
// Owns what the device itself has to say about jobs: the loop guard, and when an upgrade of the agent may begin.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/config/settings.h"
#include "agent/manager/report_queue.h"
#include "agent/session/leave.h"
#include "agent/session/parking.h"
#include "platform/clock.h"
#include "platform/files.h"

namespace hagent {

/// The loop guard of a state directory that is locked by us. Errors: those of session::Parking::open().
[[nodiscard]] Result<std::unique_ptr<session::Parking>> open_parking(platform::Files& files,
                                                                     const config::Settings& settings);
/// Releases it, so that the jobs that were stopped are done when they are offered again, under whatever id. Errors:
/// not_parked, those of the journals.
[[nodiscard]] Status release_job(session::Parking& parking, manager::ReportQueue& reports, const std::string& job);
/// A job that was released may have been told as failed: such ends are taken out of what the sessions remember.
void forget_released(const session::Parking& parking, session::Store::Memory& memory);

/// Upgrades of the agent that a manager offers begin in upgrade.window (else in the window of their offer), at the
/// place of this device in it or in upgrade.spread_s; and not at all where upgrade.auto is off. Everything borrowed.
class UpgradeLeave final : public session::Leave {
public:
    UpgradeLeave(platform::Files& files, platform::Clock& clock, const config::Settings& settings,
                 const std::string& device_id);
    [[nodiscard]] Result<Wait> wait_of(const session::Job& job, WallTime since) const override;

private:
    [[nodiscard]] Result<Wait> wait_for_window(config::Window window, const std::string& zone) const;
    [[nodiscard]] Millis share_of(Millis span) const;

    platform::Files& files_;
    platform::Clock& clock_;
    const config::Settings& settings_;
    std::uint64_t place_;  // of this device among its like, in 2^64
};

}  // namespace hagent
