// SPDX-License-Identifier: Apache-2.0
// Owns the steps of a hawkBit check-in and what its statuses mean.
#include "agent/manager/hawkbit.h"

#include <utility>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/manager/hawkbit_feedback.h"
#include "agent/manager/hawkbit_job.h"
#include "agent/transfer/url.h"

namespace hagent::manager {
namespace {

using errors::AgentCode;
using session::Report;
using session::ReportStage;

constexpr unsigned k_polls = 3;  // in one check-in: a poll follows each confirmation
constexpr std::string_view k_plain_words = "The details of this result were refused by the server. See the device.";

/// A name is one part of the path: a '/' in a device id must not lead to another resource.
std::string segment(std::string_view text) { return replace_all(transfer::encode_path(text), "/", "%2F"); }

bool gone(const Answer& answer) { return answer.status == 404 || answer.status == 410; }

Call get(std::string url) { return {transfer::Method::get, std::move(url), {{"Accept", "application/json"}}, {}}; }

Call send(transfer::Method method, std::string url, std::string body) {
    return {method,
            std::move(url),
            {{"Accept", "application/json"}, {"Content-Type", "application/json"}},
            std::move(body)};
}

/// The words of DDI's `status.execution`.
std::string_view execution_word(ReportStage stage) {
    switch (stage) {
        case ReportStage::accepted:
        case ReportStage::executing: return "proceeding";
        case ReportStage::downloading: return "download";
        case ReportStage::downloaded: return "downloaded";
        case ReportStage::success:
        case ReportStage::failure:
        case ReportStage::cancelled: return "closed";
    }
    return "proceeding";
}

}  // namespace

std::string HawkbitDialect::base(const std::string& manager_url, const Identity& identity) const {
    const auto end = manager_url.find_last_not_of('/');
    return concat(
        {manager_url.substr(0, end + 1), "/", segment(tenant_), "/controller/v1/", segment(identity.device_id)});
}

void HawkbitDialect::begin(const std::string& manager_url, const Identity& identity) {
    manager_url_ = manager_url;
    identity_ = identity;
    step_ = Step::poll;
    polls_ = 0;
    events_.clear();
}

/// Only the first poll may be answered with 304: those after a confirmation are asked because something has changed.
std::optional<Call> HawkbitDialect::next() {
    switch (step_) {
        case Step::poll: {
            Call call = get(base(manager_url_, identity_));
            if (call.url == idle_url_ && polls_ == 0) {
                call.headers.emplace_back("If-None-Match", idle_etag_);
            }
            return call;
        }
        case Step::attributes: return send(transfer::Method::put, attributes_url_, config_data_body(identity_));
        case Step::deployment:
        case Step::cancel: return get(action_url_);
        case Step::confirm:
            return send(transfer::Method::post,
                        concat({base(manager_url_, identity_), "/confirmationBase/", segment(open_id_), "/feedback"}),
                        confirmation_body());
        case Step::done: break;
    }
    return std::nullopt;
}

Status HawkbitDialect::answered(const Reply& reply) {
    const Step step = std::exchange(step_, Step::done);
    if (!reply.ok()) {
        return reply.error();
    }
    switch (step) {
        case Step::poll: return polled(*reply);
        case Step::attributes: return attributes_answered(*reply);
        case Step::deployment: return deployment_answered(*reply);
        case Step::cancel: return cancel_answered(*reply);
        case Step::confirm: return confirm_answered(*reply);
        case Step::done: break;
    }
    return {};
}

HawkbitDialect::Step HawkbitDialect::action_step() const {
    switch (open_) {
        case Open::none: break;
        case Open::deployment: return Step::deployment;
        case Open::cancel: return Step::cancel;
        case Open::confirmation: return Step::confirm;
    }
    return Step::done;
}

HawkbitDialect::Step HawkbitDialect::first_step_after_poll(bool attributes_wanted) const {
    return attributes_wanted || told_digest_ != identity_.digest ? Step::attributes : action_step();
}

/// 404 means that the device is not registered and the server does not do so by itself. 304 means that still nothing is
/// to be done, because a tag is only kept of such an answer.
Status HawkbitDialect::polled(const Answer& answer) {
    ++polls_;
    const std::string url = base(manager_url_, identity_);
    if (answer.status == 304 && url == idle_url_) {
        open_ = Open::none;
        events_.emplace_back(NothingOffered{});
        attributes_url_ = url + "/configData";
        step_ = first_step_after_poll(false);
        return {};
    }
    idle_url_.clear();
    if (answer.status == 404) {
        return error(AgentCode::manager_unknown_device, identity_.device_id);
    }
    return answer.status == 200 ? read_links(answer) : Status(refusal(answer, "poll"));
}

/// A cancel comes first: what it takes back must not be begun. Attributes have an address even when nobody asks for
/// them, so that a change can be told.
Status HawkbitDialect::read_links(const Answer& answer) {
    const std::string url = base(manager_url_, identity_);
    auto poll = TRY(read_poll(answer.body, url));
    hint_ = poll.sleep;
    open_ = poll.cancel         ? Open::cancel
            : poll.deployment   ? Open::deployment
            : poll.confirmation ? Open::confirmation
                                : Open::none;
    if (const auto& link = poll.cancel ? poll.cancel : poll.deployment ? poll.deployment : poll.confirmation) {
        action_url_ = link->url;
        open_id_ = link->id;
    } else {
        events_.emplace_back(NothingOffered{});
    }
    if (poll.idle() && !answer.etag.empty()) {
        idle_url_ = url;
        idle_etag_ = answer.etag;
    }
    attributes_url_ = poll.config_data_url.empty() ? url + "/configData" : poll.config_data_url;
    step_ = first_step_after_poll(!poll.config_data_url.empty());
    return {};
}

/// Attributes that are not taken must not keep a job from this device. Older servers say 403 when there are too many of
/// them; the poll before has shown that the credential is right.
Status HawkbitDialect::attributes_answered(const Answer& answer) {
    if (answer.status == 401) {
        return refusal(answer, "configData");
    }
    const bool later = answer.status == 408 || answer.status == 429 || answer.status >= 500;
    if (!later) {
        told_digest_ = identity_.digest;  // also when refused: the same would be refused again
    }
    step_ = action_step();
    return {};
}

/// It may have been taken back between the poll and this call, which is nobody's failure.
Status HawkbitDialect::deployment_answered(const Answer& answer) {
    if (gone(answer)) {
        open_ = Open::none;
        return {};
    }
    if (answer.status != 200) {
        return refusal(answer, "deploymentBase");
    }
    if (auto event = TRY(read_deployment(answer.body, open_id_, action_url_))) {
        events_.push_back(std::move(*event));
    }
    return {};
}

Status HawkbitDialect::cancel_answered(const Answer& answer) {
    if (gone(answer)) {
        open_ = Open::none;
        return {};
    }
    if (!fine(answer)) {
        return refusal(answer, "cancelAction");
    }
    events_.emplace_back(CancelAsked{open_id_});
    return {};
}

/// The deployment that was confirmed shows in the next poll only. The polls are counted, so that a server that never
/// has enough of confirmations does not hold the check-in.
Status HawkbitDialect::confirm_answered(const Answer& answer) {
    if (fine(answer)) {
        step_ = polls_ < k_polls ? Step::poll : Step::done;
        return {};
    }
    return gone(answer) ? Status() : Status(refusal(answer, "confirmationBase"));
}

std::vector<Event> HawkbitDialect::take_events() { return std::exchange(events_, {}); }

Call HawkbitDialect::refuse_cancel(const std::string& manager_url, const Identity& identity,
                                   const std::string& job_id) {
    return send(transfer::Method::post,
                concat({base(manager_url, identity), "/cancelAction/", segment(job_id), "/feedback"}),
                feedback_body({job_id, "rejected", "none", {"too late: the device is already being changed"}}));
}

Call HawkbitDialect::report(const std::string& manager_url, const Identity& identity, const Report& report) {
    Feedback feedback{report.job_id, execution_word(report.stage), "none", report.messages, report.done, report.of};
    std::string_view path = "/deploymentBase/";
    if (report.stage == ReportStage::success) {
        feedback.finished = "success";
    } else if (report.stage == ReportStage::failure) {
        feedback.finished = "failure";
    } else if (report.stage == ReportStage::cancelled) {
        // A job that ended as cancelled here but is deployed there still (or again) can only be closed as failed.
        const bool still_deployed = open_ == Open::deployment && open_id_ == report.job_id;
        feedback.finished = still_deployed ? "failure" : "success";
        path = still_deployed ? path : "/cancelAction/";
    }
    if (report.final() && plain_words_for_ == report.job_id) {
        feedback.messages = {std::string(k_plain_words)};
        feedback.of = 0;
    }
    return send(transfer::Method::post,
                concat({base(manager_url, identity), path, segment(report.job_id), "/feedback"}),
                feedback_body(feedback));
}

/// A refusal of the content comes again for the same content. Progress is then dropped; a result is sent once more in
/// words that must pass, because without it the action stays open and hides every later one.
Delivery HawkbitDialect::delivered(const Report& report, const Reply& reply) {
    if (!reply.ok()) {
        return Delivery::again;
    }
    const auto status = reply->status;
    if (fine(*reply)) {
        return Delivery::acknowledged;
    }
    if (gone(*reply) || status == 405) {
        return Delivery::obsolete;
    }
    const bool about_the_content =
        status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 && status != 429;
    if (!about_the_content) {
        return Delivery::again;
    }
    if (!report.final() || plain_words_for_ == report.job_id) {
        return Delivery::obsolete;
    }
    plain_words_for_ = report.job_id;
    return Delivery::reworded;
}

}  // namespace hagent::manager
