// SPDX-License-Identifier: Apache-2.0
// Owns the order of a session's phases.
#include "agent/session/session.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/session/analysis.h"
#include "agent/session/change_hooks.h"
#include "agent/session/exclusive.h"
#include "agent/session/json.h"
#include "agent/session/leave.h"
#include "agent/session/messages.h"
#include "agent/session/retry.h"
#include "agent/session/step_watch.h"
#include "agent/session/uploads.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

constexpr std::size_t k_step_reports = 50;  // at most that many a session: a manager counts them

/// What was free when the session began is not free any more once files are staged; the disk itself has the last word.
bool is_space_finding(const TaskResult& result) {
    return result.id == errors::agent(AgentCode::not_enough_space) ||
           result.id == errors::xdsa(errors::Xdsa::dsa_into_minfree) ||
           result.id == errors::xdsa(errors::Xdsa::dsa_over_limit);
}

Result<ChangeHooks::Answer> go_on() { return ChangeHooks::Answer::go_on; }

}  // namespace

Session::Session(Context& context, SessionLog log, Stored stored)
    : context_(context),
      record_(std::move(stored.record)),
      log_(std::move(log)),
      earlier_(std::move(stored.steps)),
      had_plan_(stored.has_plan),
      executing_(stored.executing || !earlier_.empty()),
      suspended_(stored.suspended),
      on_trial_(stored.on_trial),
      verdict_(stored.verdict) {}

Result<std::unique_ptr<Session>> Session::begin(Context& context, const Job& job) {
    Stored stored;
    stored.record.job = job;
    stored.record.started = context.clock.wall();
    auto log = TRY(context.store.create(stored.record));
    return std::unique_ptr<Session>(new Session(context, std::move(log), std::move(stored)));
}

/// The way through the phases begins anew; only what steps have done is taken over. With a verdict all that is left is
/// to say it, so its phase and time stay. A job that was offered again is written as a second begin record: a
/// permission to execute has to outlive the next restart.
Result<std::unique_ptr<Session>> Session::resume(Context& context, const std::string& id,
                                                 const std::optional<Job>& offered_again) {
    Stored stored = TRY(context.store.load(id));
    auto log = TRY(context.store.reopen(id));
    TRY(log.resumed());
    ++stored.record.resumptions;
    if (stored.verdict) {
        stored.record.ended = stored.decided;
    } else {
        stored.record.phase = Phase::initial;
        stored.record.try_again.reset();
        stored.record.results.clear();  // of the try before
    }
    if (offered_again) {
        if (!stored.executing && stored.steps.empty()) {
            stored.record.package_sha256.clear();  // nothing is done yet: the job may mean another package now
        }
        stored.record.take_job(*offered_again);
        TRY(log.begin(stored.record));
    }
    return std::unique_ptr<Session>(new Session(context, std::move(log), std::move(stored)));
}

/// Journalled before it is shown: after a restart the journal alone tells whether a cancel comes too late.
Status Session::enter(Phase phase) {
    check(may_follow(record_.phase, phase));
    TRY(log_.phase(phase));
    record_.phase = phase;
    context_.observer.changed(record_);
    return {};
}

Status Session::report(ReportStage stage, std::vector<std::string> messages) {
    return context_.observer.report(report_of(record_, stage, std::move(messages)));
}

Result<SessionEnd> Session::run(Stop& stop, Life life) {
    life_ = life;
    context_.log.info("session", record_.resumptions > 0 ? "going on" : "begins",
                      {{"id", record_.id}, {"job", record_.job.id}, {"name", record_.job.name}});
    auto end = phases(stop);
    if (end.ok() && *end == SessionEnd::postponed) {
        return end;  // said already, with its reason
    }
    if (end.ok()) {
        context_.log.info("session", std::string(plain_words(record_.phase)),
                          {{"id", record_.id}, {"status", std::to_string(summary_status(record_.all_results()))}});
    } else {
        context_.log.error("session", "cannot go on now: " + errors::describe(end.error().id).cause.text(),
                           {{"id", record_.id}, {"where", end.error().context}});
    }
    return end;
}

/// A resumed session goes the whole way again. Selection and analysis change nothing on the device, and what is here
/// already is not fetched twice, so this costs little and needs no state of its own. `accepted` is said once: a manager
/// keeps each message.
Result<SessionEnd> Session::phases(Stop& stop) {
    if (verdict_) {
        return conclude(*verdict_);
    }
    if (executing_ && !suspended_) {
        (void)stop.commit();  // half-way is no place to stop for good
    }
    TRY(enter(Phase::selection));
    if (record_.resumptions == 0) {
        TRY(report(ReportStage::accepted, {"accepted as session " + record_.id}));
    }
    if (const auto selected = select(stop); !selected.ok()) {
        return refused(selected.error(), stop);
    }
    TRY(log_.package(record_));
    if (const auto other = executing_ ? std::nullopt : TRY(system_change_under_way(context_.store, record_))) {
        return wait_behind(*other, stop);
    }
    TRY(analyse());
    if (has_error(record_.results)) {
        return finish(Phase::completed, ReportStage::failure);
    }
    if (std::any_of(earlier_.begin(), earlier_.end(),
                    [this](const work::StepRecord& step) { return step.n > record_.steps.size(); })) {
        return refused(error(AgentCode::corrupt_journal, "the plan has fewer steps than were done of it"), stop);
    }
    // a file that does not come is the job's failure; what cannot be noted is not, it can go on later
    if (const auto fetched = TRY(download(stop)); !fetched.ok()) {
        return refused(fetched.error(), stop);
    }
    if (stop.token().requested()) {  // what was here already has asked nobody
        return refused(error(AgentCode::cancelled), stop);
    }
    if (!record_.job.execute) {
        TRY(report(ReportStage::downloaded, {"all files are here and verified; waiting for permission to execute"}));
        return SessionEnd::waiting;
    }
    const auto wait = executing_ ? Result<Leave::Wait>(Leave::Wait{}) : wait_before(context_, record_);
    if (!wait.ok()) {
        return refused(wait.error(), stop);
    }
    return wait->in > Millis{0} ? rest(*wait) : execute(stop);
}

/// Nothing is wrong and nothing done: the next try goes the whole way again, like any other.
Result<SessionEnd> Session::rest(const Leave::Wait& wait) {
    record_.try_again = WallTime{context_.clock.wall().since_epoch + wait.in};
    record_.waits_for_leave = true;
    const std::string at = rfc3339(*record_.try_again);
    context_.log.info("session", wait.what, {{"id", record_.id}, {"job", record_.job.id}, {"begins", at}});
    TRY(report(ReportStage::downloaded,
               {concat({"all files are here and verified; ", wait.what, ": it begins at ", at})}));
    context_.observer.changed(record_);
    return SessionEnd::postponed;
}

/// The kind is asked for first, so that nothing is fetched for work that this agent cannot do; so are the planners,
/// where files have to be fetched to know their sizes.
Status Session::select(Stop& stop) {
    TRY(has_kind(context_, record_.job));
    origin_ = TRY(Origin::select(context_, record_, executing_, stop.token()));
    TRY(has_kind(context_, record_.job));  // the manifest may have told another one
    TRY(executing_ ? Status() : may_be_begun(context_, record_));
    TRY(stage_for_analysis(context_, record_.job, *origin_, stop.token()));
    if (!origin_->unmeasured()) {
        return {};
    }
    Uploads uploads(context_, record_, origin_->manifest());
    const auto objections = work_of(context_, record_.job, *origin_, uploads, earlier_)->plan().results;
    return has_error(objections) ? Status() : origin_->measure(stop.token());  // analyse() tells them
}

/// Each life plans anew: the journal holds of a plan what people see, not what a kind needs to carry it out.
Status Session::analyse() {
    TRY(enter(Phase::analyzing));
    TRY(enter(Phase::analyzing_scripts));
    Uploads uploads(context_, record_, origin_->manifest());
    work_ = work_of(context_, record_.job, *origin_, uploads, earlier_);
    record_.results = work_->plan().results;
    if (had_plan_) {
        std::erase_if(record_.results, is_space_finding);
    }
    take_steps(work_->plan());
    if (has_error(record_.results)) {
        return {};
    }
    TRY(log_.plan(record_));
    record_.downloads = work_->plan().downloads;
    std::uint64_t bytes = work_->plan().streamed_bytes;
    for (const auto& file : record_.downloads) {
        bytes += file.bytes;
    }
    record_.progress = {work_->plan().streamed_before, bytes, 0, {}};
    return had_plan_ ? Status()
                     : report(ReportStage::accepted, plan_messages(record_, bytes, record_.downloads.size()));
}

/// Steps of an earlier life keep what became of them, else the page would count from the first step again after each
/// reboot.
void Session::take_steps(const work::Plan& plan) {
    record_.steps.clear();
    for (const auto& step : plan.steps) {
        StepView view{step.n, step.line, step.op, step.effect, work::StepState::pending, {}, {}};
        for (const auto& earlier : earlier_) {
            if (earlier.n == step.n) {
                view.state = earlier.state;
                view.results = earlier.results;
                view.output = earlier.output;
            }
        }
        record_.steps.push_back(std::move(view));
    }
    record_.disk = plan.disk;
    record_.reboots = plan.reboots;
}

/// The last part of analysis: every file is fetched and its digest checked before the first step may change the device.
/// What is inside tells how the files came; the error outside is of the journal or the reports.
Result<Status> Session::download(Stop& stop) {
    TRY(enter(Phase::analyzing_files));
    if (!record_.downloads.empty()) {
        TRY(report(ReportStage::downloading, {"downloading " + human_bytes(record_.progress.total)}));
    }
    std::vector<std::string> messages;
    for (const auto& file : record_.downloads) {
        if (auto staged = origin_->stage(file, stop.token()); !staged.ok()) {
            return staged;
        }
        const auto view = std::find_if(record_.transfers.begin(), record_.transfers.end(),
                                       [&](const TransferView& v) { return v.file == file.path; });
        if (view != record_.transfers.end() && !view->resumed_at.empty()) {
            messages.push_back(concat({file.path, ": resumed at byte ", std::to_string(view->resumed_at.back())}));
            TRY(log_.transfer(*view));
        }
    }
    messages.push_back(std::to_string(record_.downloads.size()) + " files downloaded, every SHA-256 " +
                       (origin_->has_manifest() ? "verified" : "kept: nobody has signed them"));
    TRY(enter(Phase::analysis_completed));
    TRY(report(ReportStage::downloading, std::move(messages)));
    return Status();
}

/// The commit comes first: nobody may be told "cancelled" about a device that is half changed.
Result<SessionEnd> Session::execute(Stop& stop) {
    if (!stop.commit()) {
        return refused(error(AgentCode::cancelled), stop);
    }
    TRY(enter(Phase::executing));
    executing_ = true;
    TRY(work_->plan().acts() ? note_beginning(context_, record_) : Status());
    Uploads uploads(context_, record_, origin_->manifest());
    const auto services = services_of(context_, &uploads, log_.directory());
    ChangeHooks hooks(services, record_.job.kind, log_.directory());
    // what is on trial has changed the device in an earlier life, and closed it
    const bool hooked = record_.job.relocation.empty() && !on_trial_ && work_->plan().acts();
    if (const auto opened = hooked ? hooks.before(stop.token()) : go_on(); !opened.ok()) {
        return refused(opened.error(), stop);
    } else if (*opened == ChangeHooks::Answer::reboot) {
        return wait_for_reboot();
    }
    const auto outcome = TRY(run_work(services, stop));
    switch (outcome.ended) {
        case work::Ended::cancelled: return SessionEnd::interrupted;  // only a shutdown stops a committed session
        case work::Ended::reboot_requested: return wait_for_reboot();
        case work::Ended::suspended: return suspend(stop);
        case work::Ended::on_trial:
        case work::Ended::completed:
        case work::Ended::failed: break;
    }
    const bool success = outcome.ended != work::Ended::failed;
    const auto closed = hooked ? hooks.after(success, stop.token()) : go_on();
    if (!closed.ok()) {
        return refused(closed.error(), stop);
    }
    if (*closed == ChangeHooks::Answer::reboot) {
        return wait_for_reboot();
    }
    return outcome.ended == work::Ended::on_trial
               ? wait_for_verdict()
               : finish(Phase::completed, success ? ReportStage::success : ReportStage::failure);
}

/// A long script would use up the messages that a manager takes for one job, so only every n-th step is told. A report
/// that cannot be kept stops no step; it is an error when the work rests.
Result<work::Outcome> Session::run_work(const work::Services& services, Stop& stop) {
    const std::size_t every = record_.steps.size() / k_step_reports + 1;
    Status reported;
    StepWatch watch(context_, record_, work_->plan(), [&](const StepView& step) {
        if (reported.ok() && step.n % every == 0) {
            reported = report(ReportStage::executing, {step_message(step, record_.steps.size())});
        }
    });
    work::Run run{services,     log_, watch, earlier_, stop.token(), life_.checked_in, life_.manager_answered,
                  life_.manager};
    auto outcome = TRY(work_->run(run));
    origin_->streams_ended(outcome.ended != work::Ended::failed);
    look_again_at_ = outcome.look_again_at;
    TRY(std::move(reported));
    keep_results_of_no_step(outcome);
    return outcome;
}

/// Results that no step brought are the session's own; those of steps stand in their records already.
void Session::keep_results_of_no_step(const work::Outcome& outcome) {
    for (const auto& result : outcome.results) {
        const bool of_a_step = std::any_of(outcome.steps.begin(), outcome.steps.end(), [&](const work::StepRecord& s) {
            return std::any_of(s.results.begin(), s.results.end(),
                               [&](const TaskResult& r) { return r.id == result.id && r.context == result.context; });
        });
        if (!of_a_step) {
            record_.results.push_back(result);
        }
    }
}

/// Shown and told, so that nobody wonders; whoever cannot wait hears it as a failure.
Result<SessionEnd> Session::wait_behind(const SessionRecord& other, Stop& stop) {
    if (stop.token().requested()) {
        return refused(error(AgentCode::cancelled), stop);
    }
    const std::string which = concat({"session ", other.id, " (", other.job.name, ")"});
    if (!life_.may_be_postponed) {
        return refused(error(AgentCode::waits_for_trial, which), stop);
    }
    record_.results = {{errors::agent(AgentCode::waits_for_trial), errors::Severity::warning, 1, which, {}}};
    context_.observer.changed(record_);
    if (!life_.told_to_wait) {
        TRY(report(ReportStage::accepted, {concat({"waits for the trial of ", which, " to end"})}));
    }
    return SessionEnd::behind;
}

/// The machine may go down before this is written. That loses the report only: the step, or the hook's note, is durable
/// before anybody is asked to stop the machine.
Result<SessionEnd> Session::wait_for_reboot() {
    TRY(enter(Phase::ready_for_reboot));
    TRY(report(ReportStage::executing, {"waiting for the reboot"}));
    return SessionEnd::rebooting;
}

/// Work rests at a step where it may also be given up.
Result<SessionEnd> Session::suspend(Stop& stop) {
    TRY(enter(Phase::suspended));
    TRY(report(ReportStage::executing, {"suspended: it goes on when the job is offered again, or at the next start"}));
    // not before the phase is durable: a cancel that was accepted must also hold for the next life
    stop.release();
    return SessionEnd::suspended;
}

/// Everything is done, but whether it is good is known after a restart and a check-in only. Told once.
Result<SessionEnd> Session::wait_for_verdict() {
    if (!on_trial_) {
        TRY(log_.trial());
        on_trial_ = true;
        TRY(report(ReportStage::executing, {"done, and on trial: success is told when it has proved itself"}));
    }
    TRY(enter(Phase::ready_for_reboot));
    return SessionEnd::on_trial;
}

/// The session ends because of an error, or because somebody stopped it.
Result<SessionEnd> Session::refused(const Error& why, Stop& stop) {
    if (why.is(AgentCode::cancelled)) {
        switch (stop.reason()) {
            case StopReason::shutdown:
            case StopReason::none: return SessionEnd::interrupted;
            case StopReason::manager:
                record_.results.push_back(
                    {errors::agent(AgentCode::session_cancelled), errors::Severity::warning, 1, "by the manager", {}});
                return finish(Phase::aborted, ReportStage::cancelled);
            case StopReason::operators:
                record_.results.push_back(
                    {errors::agent(AgentCode::session_cancelled), errors::Severity::error, 1, "on the device", {}});
                return finish(Phase::aborted, ReportStage::failure);
        }
    }
    const bool permanent = errors::describe(why.id).retry == errors::Retry::permanent;
    auto result = error_result(why, permanent ? AgentCode::no_source : AgentCode::attempts_exhausted);
    record_.results.push_back(result);
    return may_be_postponed(why) ? postpone(std::move(result)) : finish(Phase::completed, ReportStage::failure);
}

/// Never once the device may have been changed: then it would be done twice.
bool Session::may_be_postponed(const Error& why) const {
    return life_.may_be_postponed && !executing_ && !is_executing(record_.phase) && may_pass(why, record_) &&
           record_.tries + 1 < limits::k_job_tries;
}

/// The next try asks for all of the package again, because any part of it may be the one that was wrong; files that are
/// here count when their digests still fit. A fleet that met the same bad answer does not come back as one.
Result<SessionEnd> Session::postpone(TaskResult why) {
    const auto package = context_.settings.state.package(record_.id);
    TRY(context_.files.remove_tree(package));
    TRY(context_.files.make_directories(package, 0700));
    const Millis least = wait_before_try(++record_.tries);
    const auto spread = static_cast<std::uint64_t>(least.count() / 4);
    const Millis wait = least + Millis{static_cast<std::int64_t>(context_.random() % spread)};
    record_.try_again = WallTime{context_.clock.wall().since_epoch + wait};
    const std::string cause = plain_text(why), at = rfc3339(*record_.try_again);
    record_.results = {std::move(why)};
    TRY(log_.postponed(record_));
    TRY(report(ReportStage::downloading, postponed_messages(record_)));
    context_.log.warning(
        "session", concat({"failed before anything was changed; will be tried again at ", at}),
        {{"id", record_.id}, {"job", record_.job.id}, {"tries", std::to_string(record_.tries)}, {"why", cause}});
    context_.observer.changed(record_);
    return SessionEnd::postponed;
}

/// First what the end will be, then the final report, then the end itself: after a crash between any two of them the
/// report is made again, says the same, and is found to be there.
Result<SessionEnd> Session::finish(Phase phase, ReportStage stage) {
    check(may_follow(record_.phase, phase));
    record_.phase = phase;
    record_.ended = context_.clock.wall();
    record_.progress.eta_s.reset();
    TRY(log_.verdict(record_, stage));
    return conclude(stage);
}

/// Downloads go last, when nothing can ask for them any more. That they cannot be removed is no failure of the job.
Result<SessionEnd> Session::conclude(ReportStage stage) {
    TRY(note_end(context_, record_, stage, executing_));
    TRY(report(stage, final_messages(record_)));
    TRY(log_.end(record_));
    if (const auto dropped = context_.store.drop_downloads(record_.id); !dropped.ok()) {
        context_.log.warning("session", "downloads are left for the next start to remove",
                             {{"id", record_.id}, {"where", dropped.error().context}});
    }
    context_.observer.changed(record_);
    return SessionEnd::finished;
}

}  // namespace hagent::session
