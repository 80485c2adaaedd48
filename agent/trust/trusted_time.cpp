// SPDX-License-Identifier: Apache-2.0
#include "agent/trust/trusted_time.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/trust/kept_text.h"
#include "agent/trust/package_check.h"

namespace hagent::trust {
namespace {

constexpr std::string_view k_first_line = "hagent-time 1\n";
constexpr std::size_t k_file_bytes = 256;
constexpr Millis k_coarse = std::chrono::hours{1};  // flash does not like to be written at each check-in

std::string to_text(WallTime time) { return concat({k_first_line, std::to_string(time.since_epoch.count()), "\n"}); }

std::optional<WallTime> parse(std::string_view body) {
    if (!body.starts_with(k_first_line)) {
        return std::nullopt;
    }
    const auto millis = parse_u64(body.substr(k_first_line.size(), body.size() - k_first_line.size() - 1), INT64_MAX);
    return millis ? std::optional(WallTime{Millis{narrow<std::int64_t>(*millis)}}) : std::nullopt;
}

}  // namespace

Status TrustedTime::load() {
    if (loaded_) {
        return {};
    }
    auto kept = TRY(read_kept(files_, path_, k_file_bytes));
    for (const auto& body : kept.bodies) {
        const auto time = parse(body);
        floor_ = time && (!floor_ || *floor_ < *time) ? time : floor_;
    }
    if (!floor_ && !kept.absent()) {
        return error(errors::AgentCode::corrupt_journal, path_);
    }
    damage_ = std::move(kept.damage);
    if (damage_) {
        mend_kept(files_, path_, to_text(*floor_));
    }
    written_ = floor_;
    loaded_ = true;
    return {};
}

Result<TrustedTime::Now> TrustedTime::now(WallTime clock, bool exactly) {
    const std::lock_guard lock(mutex_);
    TRY(load());
    const bool sane = clock_trusted(clock);
    if (sane && (!floor_ || *floor_ < clock)) {
        floor_ = clock;
    }
    const bool due =
        floor_ &&
        (!written_ || (*written_ < *floor_ && (exactly || floor_->since_epoch - written_->since_epoch >= k_coarse)));
    if (due && write_kept(files_, path_, to_text(*floor_)).ok()) {
        written_ = floor_;
    }
    if (!floor_) {
        return Now{clock, false, {}};
    }
    return Now{*floor_, true,
               *floor_ == clock ? std::string()
                                : concat({"the clock says ", rfc3339(clock), ", but it has been ", rfc3339(*floor_),
                                          " here before (", path_, ")"})};
}

WallTime TrustedTime::latest(WallTime clock) {
    const std::lock_guard lock(mutex_);
    const bool loaded = load().ok();
    return std::max({clock, release_date(), loaded && floor_ ? *floor_ : clock});
}

Status TrustedTime::judged(Status outcome, const Now& by) {
    if (outcome.ok() || !outcome.error().is(errors::AgentCode::package_expired)) {
        return outcome;
    }
    TRY(now(by.time, true));
    return by.floor_note.empty()
               ? std::move(outcome)
               : Status(error(errors::AgentCode::package_expired, {outcome.error().context, "; ", by.floor_note}));
}

std::optional<Error> TrustedTime::damage() const {
    const std::lock_guard lock(mutex_);
    return damage_;
}

}  // namespace hagent::trust
