// SPDX-License-Identifier: Apache-2.0
// Owns the order of a check-in.
#include "agent/manager/check_in.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/errors/catalogue.h"
#include "agent/manager/words.h"
#include "agent/transfer/url.h"

namespace hagent::manager {
namespace {

constexpr std::string_view k_area = "manager";
constexpr Millis k_shortest_retry = Seconds{1};

}  // namespace

CheckIn::CheckIn(CheckInSettings settings, CheckInServices services)
    : place_(settings.place),
      services_(std::move(services)),
      schedule_(settings.schedule),
      addresses_(std::move(settings.urls)),
      delivery_({services_.dialect, services_.caller, services_.timers, services_.reports, services_.clock,
                 services_.log, services_.random},
                *this),
      offers_({services_.jobs, services_.reports, delivery_, services_.log, services_.may_execute}) {}

CheckIn::~CheckIn() {
    services_.caller.abort(call_);
    services_.timers.cancel(timer_);
    services_.timers.cancel(retry_timer_);
}

// ---- what others ask for, and what they see

void CheckIn::start() {
    schedule_.start(now(), place_);
    go_on();
}

void CheckIn::check_in_now() {
    schedule_.ask(now());
    go_on();
}

void CheckIn::check_in_until_quiet() {
    schedule_.ask_until_quiet(now());
    go_on();
}

void CheckIn::jobs_idle() {
    offers_.drop_waiting();  // one that went on after a restart has only now come to its wait
    schedule_.jobs_rest(now(), services_.jobs.idle());
    await_retry();
    go_on();
}

ManagerView CheckIn::view() const {
    ManagerView view = view_;
    view.dialect = services_.dialect.name();
    view.url = transfer::shown(addresses_.current());
    view.failures = schedule_.failures();
    view.reports_waiting = services_.reports.size();
    return view;
}

/// In this order: a session adds its report before it is over, so a report of an idle worker is not overlooked.
bool CheckIn::quiet() const {
    return call_ == 0 && !delivery_.busy() && schedule_.quiet(now()) && services_.jobs.idle() && delivery_.settled();
}

// ---- the way of a check-in

/// One call at a time: whatever is next begins when it has been answered.
void CheckIn::go_on() {
    while (call_ == 0 && !delivery_.busy() && step()) {
    }
    sleep();
    if (changed_) {
        changed_();
    }
}

/// False when there is nothing to do now.
/// Reports go first within a check-in: a manager that has not heard of the end of a job would offer it again.
bool CheckIn::step() {
    if (!schedule_.under_way()) {
        if (schedule_.due(now())) {
            begin();
        } else if (delivery_.ready()) {
            deliver();
        } else {
            return false;
        }
        return true;
    }
    switch (stage_) {
        case Stage::reporting:
            if (delivery_.ready()) {
                deliver();
            } else {
                services_.dialect.begin(addresses_.current(), identity_);
                stage_ = Stage::talking;
            }
            return true;
        case Stage::talking: talk(); return true;
        case Stage::refusing: refuse(); return true;
    }
    return false;
}

void CheckIn::begin() {
    addresses_.begin(now());
    schedule_.begin(now(), services_.jobs.idle());
    view_.last_check_in = services_.clock.wall();
    ask_identity();
    offers_.begin();
    stage_ = Stage::reporting;
    say(log::Level::debug, "checking in");
}

/// A report may wait from an earlier life, before anybody has asked for the identity.
void CheckIn::deliver() {
    if (identity_.device_id.empty()) {  // before the first check-in
        ask_identity();
    }
    delivery_.deliver(addresses_.current(), identity_);
}

void CheckIn::ask_identity() { identity_ = services_.identity(); }

/// News are handed on at the end only, when the whole answer is known to be good: half a check-in must not start a job.
void CheckIn::talk() {
    if (auto next = services_.dialect.next()) {
        return call(*std::move(next));
    }
    for (auto& event : services_.dialect.take_events()) {
        offers_.take(std::move(event));
    }
    stage_ = Stage::refusing;
}

/// The check-in counts as good only when the manager has heard of each cancel that came too late; else it would ask for
/// ever.
void CheckIn::refuse() {
    if (const auto* job_id = offers_.to_refuse()) {
        return call(services_.dialect.refuse_cancel(addresses_.current(), identity_, *job_id));
    }
    succeed();
}

void CheckIn::call(Call call) {
    const auto url = transfer::parse_url(call.url);
    call_is_encrypted_ = url.ok() && transfer::is_encrypted(url->scheme);
    call_ = services_.caller.call(std::move(call), [this](const Reply& reply) { answered(reply); });
}

void CheckIn::answered(const Reply& reply) {
    call_ = 0;
    if (reply.ok() && call_is_encrypted_) {
        view_.last_answer = services_.clock.wall();
    }
    if (stage_ == Stage::talking) {
        if (const auto status = services_.dialect.answered(reply); !status.ok()) {
            fail(status.error(), reply.ok() ? reply->retry_after : std::nullopt);
        }
    } else if (reply.ok()) {
        offers_.refused(reply->status);
    } else {
        fail(reply.error(), std::nullopt);
    }
    go_on();
}

/// In the log once, when the manager is back or met for the first time: a line for each check-in would fill the log of
/// a device that does nothing.
void CheckIn::succeed() {
    if (!view_.registered || view_.last_error) {
        say(log::Level::info, "the manager answers");
    }
    view_.registered = true;
    view_.last_success = services_.clock.wall();
    view_.last_result = "ok";
    view_.last_error.reset();
    addresses_.succeed();
    delivery_.manager_answered();
    offers_.all_taken();
    schedule_.succeed(now(), services_.dialect.interval_hint(), services_.random(), services_.jobs.idle());
}

/// A manager that asks for patience is there, so no other address is tried: a fleet that moves on would bring the next
/// one down.
void CheckIn::fail(const Error& why, std::optional<Seconds> retry_after) {
    services_.log.warning(
        k_area, "check-in failed: " + errors::describe(why.id).cause.text(),
        {{"url", transfer::shown(addresses_.current())}, {"code", errors::id_text(why.id)}, {"where", why.context}});
    view_.last_result = sentence(why);
    view_.last_error = why;
    const bool throttled = why.is(errors::AgentCode::manager_throttled);
    if (throttled) {
        addresses_.keep();
    } else if (addresses_.fail(now())) {
        say(log::Level::info, "trying the next address");
        schedule_.try_again(now());
        return;
    }
    schedule_.fail(now(), services_.dialect.interval_hint(), throttled ? retry_after : std::nullopt,
                   services_.random());
}

// ---- what deliveries tell

/// While many reports wait they come first. But where check-ins fail, the one delivery that got through shows that the
/// manager is back, and the back-off need not be waited for.
void CheckIn::result_told(bool more) {
    if (!schedule_.under_way() && (!more || schedule_.failing())) {
        schedule_.ask(now());
    }
}

/// Within a check-in that ends it; else it only says that the next report had better go to another address.
void CheckIn::no_answer(const Error& why) {
    if (schedule_.under_way()) {
        fail(why, std::nullopt);
    } else if (addresses_.several()) {
        addresses_.next(now());
        say(log::Level::info, "trying the next address");
    }
}

// ---- time and place

/// Until the schedule's next moment; a check-in that is under way needs no timer.
void CheckIn::sleep() {
    services_.timers.cancel(std::exchange(timer_, 0));
    view_.next_check_in.reset();
    const auto next = schedule_.next();
    if (!next) {
        return;
    }
    const Millis delay = std::max(*next - now(), Millis{0});
    view_.next_check_in = WallTime{services_.clock.wall().since_epoch + delay};
    if (delay > Millis{0}) {
        timer_ = services_.timers.after(delay, [this] {
            timer_ = 0;
            go_on();
        });
    }
}

/// A job is tried again when it is offered again, with what the manager then says of it: so a check-in is due when the
/// job is.
void CheckIn::await_retry() {
    services_.timers.cancel(std::exchange(retry_timer_, 0));
    if (const auto at = services_.jobs.next_try()) {
        retry_timer_ = services_.timers.after(std::max(*at - now(), k_shortest_retry), [this] {
            retry_timer_ = 0;
            check_in_now();
        });
    }
}

/// About the address in use.
void CheckIn::say(log::Level level, std::string_view what) const {
    manager::say(services_.log, level, what, "url", transfer::shown(addresses_.current()));
}

}  // namespace hagent::manager
