// SPDX-License-Identifier: Apache-2.0
// Owns the order of a check-in and its waits.
#include "agent/manager/check_in.h"

#include <algorithm>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/errors/catalogue.h"
#include "agent/transfer/url.h"

namespace hagent::manager {
namespace {

using errors::AgentCode;

constexpr Millis k_shortest_gap = Seconds{1};
constexpr Millis k_first_address_again = Seconds{600};
constexpr Seconds k_delivery_wait{10};
constexpr std::size_t k_few_reports = 4;
constexpr Millis k_least_pause = Seconds{1};
constexpr std::uint64_t k_pause_range = 1000;  // milliseconds more, by chance
constexpr std::string_view k_area = "manager";

std::string sentence(const Error& why) {
    return std::string(errors::describe(why.id).cause) + (why.context.empty() ? "" : concat({" (", why.context, ")"}));
}

}  // namespace

CheckIn::CheckIn(CheckInSettings settings, CheckInServices services)
    : settings_(std::move(settings)), services_(std::move(services)) {
    check(!settings_.urls.empty());
}

CheckIn::~CheckIn() {
    services_.caller.abort(call_);
    services_.timers.cancel(due_timer_);
    services_.timers.cancel(report_timer_);
}

// ---- what others ask for

void CheckIn::start() {
    ScheduleInput input;
    input.first = true;
    due_in(next_check_in(settings_.schedule, input, settings_.place));
    advance();
}

void CheckIn::check_in_now() {
    soon_ = true;
    if (stage_ == Stage::resting) {
        due_in(Millis{0});
        advance();
    }
}

void CheckIn::check_in_until_quiet() {
    until_quiet_ = true;
    check_in_now();
}

void CheckIn::reports_changed() { advance(); }

void CheckIn::jobs_idle() {
    if (only_offered_) {
        drop_waiting();  // one that went on after a restart has only now come to its wait
    }
    if (stage_ == Stage::resting && ended_once_ && came_too_early()) {
        check_in_now();
    }
    advance();
}

ManagerView CheckIn::view() const {
    ManagerView view = view_;
    view.dialect = services_.dialect.name();
    view.url = transfer::shown(url());
    view.reports_waiting = services_.reports.size();
    return view;
}

bool CheckIn::quiet() const {
    const bool nothing_follows = stage_ == Stage::resting && call_ == 0 && !due_ && !soon_;
    // In this order: a session adds its report before it is over, so a report of an idle worker is not overlooked.
    const bool delivered = services_.reports.size() == 0 || (!pausing_ && !may_deliver());
    return ended_once_ && nothing_follows && (began_idle_ || view_.last_error) && services_.jobs.idle() && delivered;
}

// ---- the way of a check-in

void CheckIn::advance() {
    if (stepping_) {
        return;
    }
    stepping_ = true;
    while (call_ == 0 && step()) {
    }
    stepping_ = false;
    if (changed_) {
        changed_();
    }
}

bool CheckIn::step() {
    switch (stage_) {
        case Stage::resting:
            if (due_) {
                begin();
                return true;
            }
            return deliver_next();
        case Stage::reporting:
            if (!deliver_next()) {
                services_.dialect.begin(url(), identity_);
                stage_ = Stage::talking;
            }
            return true;
        case Stage::talking: return talk();
        case Stage::refusing: return refuse_next();
    }
    return false;
}

void CheckIn::begin() {
    due_ = false;
    soon_ = false;
    services_.timers.cancel(std::exchange(due_timer_, 0));
    const Uptime now = services_.clock.uptime();
    if (url_ != 0 && addresses_failed_ == 0 && left_first_at_ && now - *left_first_at_ >= k_first_address_again) {
        url_ = 0;
    }
    began_at_ = now;
    view_.last_check_in = services_.clock.wall();
    view_.next_check_in.reset();
    identity_ = services_.identity();
    to_refuse_.clear();
    only_offered_.reset();
    began_idle_ = services_.jobs.idle();
    stage_ = Stage::reporting;
    services_.log.debug(k_area, "checking in", {{"url", transfer::shown(url())}});
}

bool CheckIn::talk() {
    if (auto call = services_.dialect.next()) {
        make(std::move(*call), [this](const Reply& reply) { talked(reply); });
        return true;
    }
    for (const auto& event : services_.dialect.take_events()) {
        take(event);
    }
    stage_ = Stage::refusing;
    return true;
}

void CheckIn::talked(const Reply& reply) {
    if (auto status = services_.dialect.answered(reply); !status.ok()) {
        failed(status.error(), reply.ok() ? reply->retry_after : std::nullopt);
    }
}

bool CheckIn::refuse_next() {
    if (to_refuse_.empty()) {
        succeeded();
        return true;
    }
    const std::string job_id = to_refuse_.front();
    to_refuse_.erase(to_refuse_.begin());
    make(services_.dialect.refuse_cancel(url(), identity_, job_id),
         [this, job_id](const Reply& reply) { refused(job_id, reply); });
    return true;
}

/// The manager must hear that the cancel is refused before it hears the result.
void CheckIn::refused(const std::string& job_id, const Reply& reply) {
    if (!reply.ok()) {
        failed(reply.error(), std::nullopt);
        return;
    }
    services_.log.info(k_area, "refused to cancel: too late",
                       {{"job", job_id}, {"status", std::to_string(reply->status)}});
    repeat(job_id);
}

void CheckIn::succeeded() {
    if (!view_.registered || view_.failures > 0 || view_.last_error) {
        services_.log.info(k_area, "the manager answers", {{"url", transfer::shown(url())}});
    }
    stage_ = Stage::resting;
    ended_once_ = true;
    addresses_failed_ = 0;
    if (url_ == 0) {
        left_first_at_.reset();
    }
    view_.registered = true;
    view_.last_success = services_.clock.wall();
    view_.last_result = "ok";
    view_.last_error.reset();
    view_.failures = 0;
    if (manager_silent_) {
        manager_silent_ = false;
        no_delivery_before_ = {};
    }
    soon_ = soon_ || came_too_early();
    ScheduleInput input;
    input.settling = settling_ > 0;
    settling_ -= input.settling ? 1U : 0U;
    input.drain = soon_;
    input.hint = services_.dialect.interval_hint();
    plan(input);
}

void CheckIn::failed(const Error& why, std::optional<Seconds> retry_after) {
    services_.log.warning(k_area, "check-in failed: " + std::string(errors::describe(why.id).cause),
                          {{"url", transfer::shown(url())}, {"code", errors::id_text(why.id)}, {"where", why.context}});
    stage_ = Stage::resting;
    view_.last_result = sentence(why);
    view_.last_error = why;
    const bool throttled = why.is(AgentCode::manager_throttled);
    if (!throttled && ++addresses_failed_ < settings_.urls.size()) {
        next_address();
        due_ = true;
        return;
    }
    if (!throttled) {
        url_ = 0;  // all have failed: in order of preference again
        left_first_at_.reset();
    }
    ended_once_ = true;
    addresses_failed_ = 0;
    ++view_.failures;
    soon_ = false;
    ScheduleInput input;
    input.failures = view_.failures;
    input.hint = services_.dialect.interval_hint();
    input.retry_after = throttled ? retry_after : std::nullopt;
    plan(input);
}

// ---- reports

bool CheckIn::may_deliver() const {
    return services_.clock.uptime() >= no_delivery_before_ && services_.dialect.reporting() != Reporting::later;
}

bool CheckIn::deliver_next() {
    if (!may_deliver()) {
        return false;
    }
    const auto waiting = services_.reports.begin_delivery();
    if (!waiting) {
        return false;
    }
    if (services_.dialect.reporting() == Reporting::unwanted) {
        acknowledge(*waiting, Delivery::acknowledged);
        return true;
    }
    if (identity_.device_id.empty()) {
        identity_ = services_.identity();
    }
    make(services_.dialect.report(url(), identity_, waiting->report),
         [this, waiting = *waiting](const Reply& reply) { delivered(waiting, reply); });
    return true;
}

void CheckIn::delivered(const ReportQueue::Waiting& waiting, const Reply& reply) {
    const Delivery delivery = services_.dialect.delivered(waiting.report, reply);
    switch (delivery) {
        case Delivery::acknowledged:
        case Delivery::obsolete: acknowledge(waiting, delivery); return;
        case Delivery::reworded: services_.reports.put_back(); return;
        case Delivery::refused:
        case Delivery::again: break;
    }
    services_.reports.put_back();
    const bool silent = !reply.ok() && delivery == Delivery::again;
    postpone_delivery(reply, silent);
    if (silent) {
        if (stage_ == Stage::reporting) {
            failed(reply.error(), std::nullopt);
        } else if (settings_.urls.size() > 1) {
            next_address();
        }
    }
}

void CheckIn::acknowledge(const ReportQueue::Waiting& waiting, Delivery delivery) {
    const auto& report = waiting.report;
    if (delivery == Delivery::obsolete) {
        services_.log.info(k_area, "the manager no longer wants a report", {{"job", report.job_id}});
    }
    delivery_failures_ = 0;
    manager_silent_ = false;
    if (const auto status = services_.reports.acknowledge(waiting.number); !status.ok()) {
        services_.log.error(k_area, "cannot note that a report was delivered: " + sentence(status.error()),
                            {{"job", report.job_id}});
        postpone_delivery(status.error(), true);
        return;
    }
    const auto repeated = repeats_.find(report.job_id);
    const bool again_and_again = repeated != repeats_.end() && repeated->second > 1;
    const bool more = piled_up();
    if (more) {  // one at a time: a manager that was away has a whole fleet to listen to
        pausing_ = true;
        deliver_after(k_least_pause + Millis{static_cast<std::int64_t>(services_.random() % k_pause_range)});
    }
    const bool news = !more || view_.last_error;  // or when all are told
    if (report.final() && stage_ == Stage::resting && !again_and_again && news) {
        check_in_now();
    }
}

void CheckIn::postpone_delivery(const Reply& reply, bool silent) {
    ++delivery_failures_;
    manager_silent_ = silent;
    ScheduleInput input;
    input.failures = delivery_failures_;
    input.retry_after = reply.ok() ? reply->retry_after : std::nullopt;
    const Millis delay = next_check_in({k_delivery_wait, {}}, input, services_.random());
    pausing_ = false;
    deliver_after(delay);
}

bool CheckIn::piled_up() const {
    return services_.reports.size() > k_few_reports && services_.dialect.reporting() == Reporting::wanted;
}

void CheckIn::deliver_after(Millis delay) {
    no_delivery_before_ = services_.clock.uptime() + delay;
    services_.timers.cancel(report_timer_);
    report_timer_ = services_.timers.after(delay, [this] {
        report_timer_ = 0;
        pausing_ = false;
        advance();
    });
}

void CheckIn::add_report(session::Report report) {
    const std::string job_id = report.job_id;
    if (const auto status = services_.reports.add(report); !status.ok()) {
        services_.log.error(k_area, "cannot keep a report: " + sentence(status.error()), {{"job", job_id}});
    }
}

void CheckIn::repeat(const std::string& job_id) {
    if (!services_.reports.finished(job_id)) {
        return;
    }
    if (repeats_.size() >= limits::k_finished_jobs) {
        repeats_.clear();
    }
    ++repeats_[job_id];
    if (const auto status = services_.reports.repeat(job_id); !status.ok()) {
        services_.log.error(k_area, "cannot send a result again: " + sentence(status.error()), {{"job", job_id}});
    }
}

// ---- events

void CheckIn::take(const Event& event) {
    if (const auto* offered = std::get_if<JobOffered>(&event)) {
        take_job(offered->job, offered->standing);
    } else if (const auto* refusal = std::get_if<JobRefused>(&event)) {
        services_.log.warning(k_area, "a job cannot be done: " + sentence(refusal->why), {{"job", refusal->job_id}});
        if (services_.reports.finished(refusal->job_id)) {
            repeat(refusal->job_id);
        } else {
            add_report({refusal->job_id,
                        session::ReportStage::failure,
                        {concat({errors::id_text(refusal->why.id), ": ", sentence(refusal->why)}),
                         "what to do: " + std::string(errors::describe(refusal->why.id).next)},
                        0,
                        0});
        }
    } else if (const auto* cancel = std::get_if<CancelAsked>(&event)) {
        take_cancel(cancel->job_id);
    } else {
        only_offered_ = std::get<NothingOffered>(event).but;
        drop_waiting();
    }
}

void CheckIn::take_job(session::Job job, bool standing) {
    const auto ended = services_.reports.offered(job.id, content_of(job));
    if (!ended.ok()) {
        services_.log.error(k_area, "cannot note a job: " + sentence(ended.error()), {{"job", job.id}});
    }
    const bool has_ended = ended.ok() ? *ended : services_.reports.finished(job.id).has_value();
    if (has_ended && standing) {
        return;
    }
    if (has_ended) {
        services_.log.info(k_area, "offered again, but it has ended here: its result is sent again", {{"job", job.id}});
        repeat(job.id);
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
            services_.log.warning(k_area, "too many jobs wait: this one is taken when it is offered again",
                                  {{"job", job.id}});
            break;
    }
}

void CheckIn::take_cancel(const std::string& job_id) {
    if (const auto result = services_.reports.finished(job_id)) {
        if (result->stage == session::ReportStage::cancelled) {
            repeat(job_id);
        } else {
            to_refuse_.push_back(job_id);
        }
        return;
    }
    switch (services_.jobs.cancel(job_id)) {
        case session::CancelOutcome::stopping:
            services_.log.info(k_area, "cancelled by the manager: stopping", {{"job", job_id}});
            break;
        case session::CancelOutcome::dropped:
        case session::CancelOutcome::unknown:
            services_.log.info(k_area, "cancelled by the manager before it began", {{"job", job_id}});
            add_report({job_id, session::ReportStage::cancelled, {"cancelled before it began"}, 0, 0});
            break;
        case session::CancelOutcome::too_late: to_refuse_.push_back(job_id); break;
    }
}

void CheckIn::drop_waiting() {
    for (const auto& job_id : services_.jobs.waiting()) {
        if (std::find(only_offered_->begin(), only_offered_->end(), job_id) != only_offered_->end()) {
            continue;
        }
        services_.log.info(k_area, "the manager no longer has a job that waits here: dropped", {{"job", job_id}});
        (void)services_.jobs.cancel(job_id);
    }
}

// ---- time and place

bool CheckIn::came_too_early() const {
    return until_quiet_ && !began_idle_ && !view_.last_error && services_.jobs.idle();
}

void CheckIn::plan(ScheduleInput input) { due_in(next_check_in(settings_.schedule, input, services_.random())); }

void CheckIn::due_in(Millis delay) {
    if (began_at_) {
        delay = std::max(delay, k_shortest_gap - (services_.clock.uptime() - *began_at_));
    }
    services_.timers.cancel(std::exchange(due_timer_, 0));
    view_.next_check_in = WallTime{services_.clock.wall().since_epoch + std::max(delay, Millis{0})};
    due_ = delay <= Millis{0};
    if (!due_) {
        due_timer_ = services_.timers.after(delay, [this] {
            due_timer_ = 0;
            due_ = true;
            advance();
        });
    }
}

void CheckIn::next_address() {
    if (url_ == 0) {
        left_first_at_ = services_.clock.uptime();
    }
    url_ = (url_ + 1) % settings_.urls.size();
    services_.log.info(k_area, "trying the next address", {{"url", transfer::shown(url())}});
}

void CheckIn::make(Call call, std::function<void(const Reply&)> done) {
    call_ = services_.caller.call(std::move(call), [this, done = std::move(done)](const Reply& reply) {
        call_ = 0;
        done(reply);
        advance();
    });
}

}  // namespace hagent::manager
