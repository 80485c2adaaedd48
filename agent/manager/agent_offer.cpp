// SPDX-License-Identifier: Apache-2.0
#include "agent/manager/agent_offer.h"

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/config/window.h"

namespace hagent::manager {
namespace {

constexpr std::size_t k_shown_bytes = 80;

Failure malformed(std::string_view what, std::string_view value) {
    return error(errors::AgentCode::manager_malformed_answer,
                 {"offer of an agent: ", what, " '", printable(clip(value, k_shown_bytes)), "'"});
}

/// The digest tells two packages apart that call themselves by one version.
std::string id_of(const AgentOffer& offer, unsigned number) {
    const auto& digest = offer.package.manifest_sha256;
    return concat({"upgrade-", offer.version, digest.empty() ? "" : "-", digest.substr(0, 8),
                   number == 1 ? "" : concat({"-", std::to_string(number)})});
}

}  // namespace

Status check_offer(const AgentOffer& offer) {
    if (!parse_release(offer.version)) {
        return malformed("no version of three or four numbers:", offer.version);
    }
    if (!offer.window.empty() && !config::parse_window(offer.window)) {
        return malformed("no window of time:", offer.window);
    }
    if (!offer.zone.empty() && !config::parse_window(concat({"00:00-24:00 ", offer.zone}))) {
        return malformed("no time zone:", offer.zone);
    }
    return {};
}

AgentOfferJob job_of(const AgentOffer& offer, std::string_view own, const Finished& finished) {
    const auto offered = parse_release(offer.version), running = parse_release(own);
    if (!offered || !running) {
        return {{}, concat({"agent ", offer.version, " is offered to ", own, ": versions are three or four numbers"})};
    }
    switch (compare_release(*offered, *running)) {
        case Newer::same:
            return {{}, concat({"agent ", offer.version, " is offered, and ", own, " is the same release"})};
        case Newer::older: return {{}, concat({"agent ", offer.version, " is offered, and ", own, " is newer"})};
        case Newer::newer: break;
    }
    session::Job job;
    for (unsigned number = 1; number <= limits::k_finished_jobs; ++number) {
        job.id = id_of(offer, number);
        const auto ended = finished(job.id);
        if (!ended) {
            break;
        }
        if (ended->stage != session::ReportStage::success) {
            return {{}, concat({"agent ", offer.version, " is offered, and was no success here: job ", job.id})};
        }
    }
    job.kind = JobKind::upgrade;
    job.name = "agent " + offer.version;
    job.version = offer.version;
    job.source = offer.package;
    for (const auto& [name, value] : {std::pair(k_option_window, offer.window), std::pair(k_option_zone, offer.zone)}) {
        if (!value.empty()) {
            job.options.emplace_back(name, value);
        }
    }
    return {std::move(job), {}};
}

}  // namespace hagent::manager
