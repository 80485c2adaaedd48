// SPDX-License-Identifier: Apache-2.0
#include "agent/job_guard.h"

#include <algorithm>
#include <utility>

#include "agent/base/concat.h"
#include "agent/config/zone.h"
#include "agent/manager/agent_offer.h"
#include "agent/manager/schedule.h"
#include "platform/paths.h"

namespace hagent {
namespace {

using errors::AgentCode;

constexpr unsigned k_place_bits = 32;  // of a place that count: a span of months in milliseconds stays in 64 bits

}  // namespace

Result<std::unique_ptr<session::Parking>> open_parking(platform::Files& files, const config::Settings& settings) {
    return session::Parking::open(files, settings.state().rounds(),
                                  {settings.upgrade.loop_rounds, settings.upgrade.loop_hours});
}

Status release_job(session::Parking& parking, manager::ReportQueue& reports, const std::string& job) {
    return reports.forget(TRY(parking.release(job)));
}

void forget_released(const session::Parking& parking, session::Store::Memory& memory) {
    for (auto& remembered : memory.jobs) {
        if (remembered.final && remembered.final->held && !parking.holds(remembered.job.id)) {
            remembered.final.reset();
        }
    }
}

UpgradeLeave::UpgradeLeave(platform::Files& files, platform::Clock& clock, const config::Settings& settings,
                           const std::string& device_id)
    : files_(files), clock_(clock), settings_(settings), place_(manager::place_of(device_id)) {}

/// The configuration's window is the owner's word and goes before that of the offer. A clock that was set back since
/// the job came makes nobody wait longer.
Result<session::Leave::Wait> UpgradeLeave::wait_of(const session::Job& job, WallTime since) const {
    const auto& upgrade = settings_.upgrade;
    if (job.kind != JobKind::upgrade) {
        return Wait{};
    }
    if (!upgrade.automatic) {
        return error(AgentCode::upgrade_by_hand, job.name);
    }
    const std::string zone(work::option(job.options, manager::k_option_zone).value_or(""));
    const auto offered = config::parse_window(work::option(job.options, manager::k_option_window).value_or(""));
    if (const auto& window = upgrade.window ? upgrade.window : offered) {
        return wait_for_window(*window, zone);
    }
    const Millis gone = clock_.wall().since_epoch - since.since_epoch;
    const Millis share = share_of(upgrade.spread);
    return gone < Millis{0} ? Wait{} : Wait{std::max(share - gone, Millis{0}), "it waits for its place in a fleet"};
}

/// Where the zone is not to be had the device's own time counts: an upgrade at a bad hour is better than none for ever.
Result<session::Leave::Wait> UpgradeLeave::wait_for_window(config::Window window, const std::string& zone) const {
    window.zone = window.zone.empty() ? zone : window.zone;
    auto rules = window.zone.empty() ? Result<TimeZone>(error(AgentCode::file_not_found))
                                     : config::find_zone(files_, platform::time_zone_folders(), window.zone);
    window.zone = rules.ok() ? window.zone : std::string();
    window.rules = rules.ok() ? std::optional(std::move(*rules)) : std::nullopt;
    const WallTime now = clock_.wall();
    const auto local = platform::local_offset(now);
    const auto here = window.place_of(now, local);
    const auto second = std::chrono::floor<Seconds>(now.since_epoch);  // places are told in seconds
    const WallTime opens{second + (here.open ? -here.since : here.until)};
    const Seconds length = window.place_of(opens, local).left;
    const Millis spread = settings_.upgrade.spread;
    const Millis begins = opens.since_epoch + share_of(spread > Millis{0} ? std::min<Millis>(spread, length) : length);
    return Wait{std::max(begins - now.since_epoch, Millis{0}), "it waits for its place in the window of upgrades"};
}

Millis UpgradeLeave::share_of(Millis span) const {
    return Millis{static_cast<std::int64_t>((static_cast<std::uint64_t>(span.count()) * (place_ >> k_place_bits)) >>
                                            k_place_bits)};
}

}  // namespace hagent
