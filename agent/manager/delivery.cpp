// SPDX-License-Identifier: Apache-2.0
// Owns the waits between deliveries and the meaning of their answers for the queue.
#include "agent/manager/delivery.h"

#include <utility>

#include "agent/base/check.h"
#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/manager/schedule.h"
#include "agent/manager/words.h"

namespace hagent::manager {
namespace {

constexpr Seconds k_first_wait{10};  // doubled with each failure
constexpr std::size_t k_few_reports = 4;
constexpr Millis k_least_pause = Seconds{1};
constexpr std::uint64_t k_pause_range = 1000;  // milliseconds more, by chance

/// How the manager answered, in its own words where it had some.
std::string said(const Reply& reply) {
    return reply.ok()
               ? concat({": HTTP ", std::to_string(reply->status), reply->words.empty() ? "" : " ", reply->words})
               : ": " + sentence(reply.error());
}

}  // namespace

ReportDelivery::~ReportDelivery() {
    services_.caller.abort(call_);
    services_.timers.cancel(timer_);
}

bool ReportDelivery::may_deliver() const {
    return services_.clock.uptime() >= not_before_ && services_.dialect.reporting() != Reporting::later;
}

bool ReportDelivery::ready() const { return !busy() && may_deliver() && services_.reports.size() > 0; }

/// For `check-in --once`: a pause between two is waited for, a manager that refuses or is silent is not. What is left
/// then goes out the next time.
bool ReportDelivery::settled() const {
    return services_.reports.size() == 0 || (wait_ != Wait::pause && !may_deliver());
}

/// A refusal goes on: there the manager has answered, and said not now.
void ReportDelivery::manager_answered() {
    if (wait_ == Wait::silence) {
        wait_ = Wait::none;
        not_before_ = {};
    }
}

void ReportDelivery::deliver(const std::string& manager_url, const Identity& identity) {
    auto waiting = services_.reports.begin_delivery();
    check(waiting.has_value());  // ready() has said so, and the worker only adds
    sent_ = *std::move(waiting);
    if (services_.dialect.reporting() == Reporting::unwanted) {
        acknowledge();
        return;
    }
    call_ = services_.caller.call(services_.dialect.report(manager_url, identity, sent_.report),
                                  [this](const Reply& reply) { answered(reply); });
}

void ReportDelivery::answered(const Reply& reply) {
    call_ = 0;
    const Delivery outcome = services_.dialect.delivered(sent_.report, reply);
    switch (outcome) {
        case Delivery::obsolete:
            say(services_.log, log::Level::info, concat({"the manager no longer wants a report", said(reply)}), "job",
                sent_.report.job_id);
            [[fallthrough]];
        case Delivery::acknowledged: acknowledge(); break;
        case Delivery::reworded: services_.reports.put_back(); break;
        case Delivery::refused:
        case Delivery::again: put_off(outcome, reply); break;
    }
    observer_.go_on();
}

/// An error is silence only where the dialect does not say that the manager is there.
void ReportDelivery::put_off(Delivery outcome, const Reply& reply) {
    services_.reports.put_back();
    if (!reply.ok() && outcome == Delivery::again) {
        back_off(Wait::silence, std::nullopt);
        observer_.no_answer(reply.error());
    } else {
        say(services_.log, log::Level::warning, concat({"a report is not taken now", said(reply)}), "job",
            sent_.report.job_id);
        back_off(Wait::refusal, reply.ok() ? reply->retry_after : std::nullopt);
    }
}

/// A result asks for a check-in, but not each time that it is repeated: a manager that offers an ended job again after
/// every result would keep the two of us talking without a pause. So would one that offers what is held under a new id
/// each time.
void ReportDelivery::acknowledge() {
    const auto& report = sent_.report;
    failures_ = 0;
    if (const auto status = services_.reports.acknowledge(sent_.number); !status.ok()) {
        complain("cannot note that a report was delivered: ", status.error(), report.job_id);
        back_off(Wait::silence, std::nullopt);  // sent in a circle it would fill the manager's history
        return;
    }
    const bool more = services_.reports.size() > k_few_reports && services_.dialect.reporting() == Reporting::wanted;
    if (more) {
        wait(Wait::pause, k_least_pause + Millis{static_cast<std::int64_t>(services_.random() % k_pause_range)});
    }
    const auto repeated = repeats_.find(report.job_id);
    if (report.final() && !report.held && (repeated == repeats_.end() || repeated->second <= 1)) {
        observer_.result_told(more);
    }
}

/// The rule of check-ins, with a shorter first wait: a report is news that somebody waits for.
void ReportDelivery::back_off(Wait why, std::optional<Seconds> retry_after) {
    ScheduleInput input;
    input.failures = ++failures_;
    input.retry_after = retry_after;
    wait(why, next_check_in({k_first_wait, {}}, input, services_.random()));
}

void ReportDelivery::wait(Wait why, Millis delay) {
    wait_ = why;
    not_before_ = services_.clock.uptime() + delay;
    services_.timers.cancel(timer_);
    timer_ = services_.timers.after(delay, [this] {
        timer_ = 0;
        wait_ = Wait::none;
        observer_.go_on();
    });
}

void ReportDelivery::complain(std::string_view what, const Error& why, const std::string& job_id) const {
    say(services_.log, log::Level::error, concat({what, sentence(why)}), "job", job_id);
}

void ReportDelivery::add(const session::Report& report) {
    if (const auto status = services_.reports.add(report); !status.ok()) {
        complain("cannot keep a report: ", status.error(), report.job_id);
    }
}

/// The count of repeats is bounded by forgetting it all, which costs one check-in more for each job at most.
void ReportDelivery::repeat(const std::string& job_id) {
    if (!services_.reports.finished(job_id)) {
        return;
    }
    if (repeats_.size() >= limits::k_finished_jobs) {
        repeats_.clear();
    }
    ++repeats_[job_id];
    if (const auto status = services_.reports.repeat(job_id); !status.ok()) {
        complain("cannot send a result again: ", status.error(), job_id);
    }
}

}  // namespace hagent::manager
