// SPDX-License-Identifier: Apache-2.0
// Owns the rules for each kind of news.
#include "agent/manager/offers.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/base/concat.h"
#include "agent/errors/catalogue.h"
#include "agent/manager/words.h"

namespace hagent::manager {
namespace {

using log::Level;
using session::ReportStage;

constexpr std::string_view k_area = "manager";

}  // namespace

void Offers::say(Level level, std::string_view what, const std::string& job_id) const {
    manager::say(services_.log, level, what, "job", job_id);
}

void Offers::begin() {
    to_refuse_.clear();
    only_offered_.reset();
}

void Offers::all_taken() {
    if (const auto noted = services_.reports.all_offered(); !noted.ok()) {
        services_.log.error(k_area, concat({"cannot note that all jobs were offered: ", sentence(noted.error())}), {});
    }
}

/// Waiting jobs are looked at again here, and later when one comes to its wait (CheckIn::jobs_idle).
void Offers::take(Event event) {
    if (auto* offered = std::get_if<JobOffered>(&event)) {
        take_job(std::move(offered->job), offered->standing);
    } else if (const auto* refusal = std::get_if<JobRefused>(&event)) {
        take_refusal(*refusal);
    } else if (const auto* cancel = std::get_if<CancelAsked>(&event)) {
        take_cancel(cancel->job_id);
    } else {
        only_offered_ = std::get<NothingOffered>(std::move(event)).but;
        drop_waiting();
    }
}

/// An id that has ended here is never begun again. Its result is sent once more, because a manager that still offers it
/// has not heard of it; for a standing offer that says nothing.
void Offers::take_job(session::Job job, bool standing) {
    const auto ended = services_.reports.offered(job.id, content_of(job));
    if (!ended.ok()) {
        say(Level::error, "cannot note a job: " + sentence(ended.error()), job.id);
    }
    const bool has_ended = ended.ok() ? *ended : services_.reports.finished(job.id).has_value();
    if (has_ended && standing) {
        return;
    }
    if (has_ended) {
        say(Level::info, "offered again, but it has ended here: its result is sent again", job.id);
        services_.delivery.repeat(job.id);
        return;
    }
    job.execute = job.execute && (!services_.may_execute || services_.may_execute());
    switch (services_.jobs.offer(job)) {
        case session::Offer::taken:
            services_.log.info(k_area, "job taken",
                               {{"job", job.id},
                                {"name", job.name},
                                {"version", job.version},
                                {"execute", job.execute ? "now" : "later"}});
            break;
        case session::Offer::known: break;
        case session::Offer::full:
            say(Level::warning, "too many jobs wait: this one is taken when it is offered again", job.id);
            break;
    }
}

/// Left alone it would stay open for ever and hide every job behind it.
void Offers::take_refusal(const JobRefused& refusal) {
    say(Level::warning, "a job cannot be done: " + sentence(refusal.why), refusal.job_id);
    if (!refusal.content.empty()) {
        (void)services_.reports.offered(refusal.job_id, refusal.content);  // else it is told twice, which does no harm
    }
    if (services_.reports.finished(refusal.job_id)) {
        services_.delivery.repeat(refusal.job_id);
        return;
    }
    services_.delivery.add({refusal.job_id,
                            ReportStage::failure,
                            {concat({errors::id_text(refusal.why.id), ": ", sentence(refusal.why)}),
                             "what to do: " + errors::describe(refusal.why.id).next.text()},
                            0,
                            0});
}

/// Every cancel gets an answer, also one of a job that is not known here: without it the manager shows the cancel for
/// ever, and no job after it.
void Offers::take_cancel(const std::string& job_id) {
    if (const auto result = services_.reports.finished(job_id)) {
        if (result->stage == ReportStage::cancelled) {
            services_.delivery.repeat(job_id);
        } else {
            to_refuse_.push_back(job_id);
        }
        return;
    }
    switch (services_.jobs.cancel(job_id)) {
        case session::CancelOutcome::stopping: say(Level::info, "cancelled by the manager: stopping", job_id); break;
        case session::CancelOutcome::dropped:
        case session::CancelOutcome::unknown:
            say(Level::info, "cancelled by the manager before it began", job_id);
            services_.delivery.add({job_id, ReportStage::cancelled, {"cancelled before it began"}, 0, 0});
            break;
        case session::CancelOutcome::too_late: to_refuse_.push_back(job_id); break;
    }
}

void Offers::drop_waiting() {
    if (!only_offered_) {
        return;
    }
    for (const auto& job_id : services_.jobs.waiting()) {
        if (std::find(only_offered_->begin(), only_offered_->end(), job_id) != only_offered_->end()) {
            continue;
        }
        say(Level::info, "the manager no longer has a job that waits here: dropped", job_id);
        (void)services_.jobs.cancel(job_id);
    }
}

/// The manager must hear that the cancel is refused before it hears the result.
void Offers::refused(std::uint16_t status) {
    const std::string job_id = std::move(to_refuse_.front());
    to_refuse_.erase(to_refuse_.begin());
    services_.log.info(k_area, "refused to cancel: too late", {{"job", job_id}, {"status", std::to_string(status)}});
    services_.delivery.repeat(job_id);
}

}  // namespace hagent::manager
