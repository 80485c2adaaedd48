// SPDX-License-Identifier: Apache-2.0
// Owns the order of a session's phases.
#include "agent/session/session.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/script/commands.h"
#include "agent/script/key_store.h"
#include "agent/script/parser.h"
#include "agent/session/change_hooks.h"
#include "agent/session/messages.h"
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

/// What registry commands work on. A script that is tried out below a folder must not reach the machine's own.
class ScriptRegistry {
public:
    ScriptRegistry(Context& context, const Job& job)
        : machine_(job.local.relocation.empty() ? context.registry : nullptr),
          store_(context.files,
                 (job.local.relocation.empty() ? context.settings.state_directory : job.local.relocation) +
                     "/registry.ini") {}
    [[nodiscard]] platform::Registry* get() { return machine_ != nullptr ? machine_ : &store_; }

private:
    platform::Registry* machine_;
    script::KeyStore store_;
};

/// The pure planner over the facts of this device.
script::Plan plan_of(Context& context, const Job& job, Package& package, bool uploads,
                     std::span<const script::StepRecord> earlier) {
    const auto& settings = context.settings;
    const auto& entry = package.manifest().entry;
    const auto text = package.entry_script();
    if (!text.ok()) {
        script::Plan plan;
        plan.results.push_back(error_result(text.error(), AgentCode::step_failed));
        return plan;
    }
    auto parsed = job.wire.commands.empty() ? script::parse(*text, entry) : script::parse_wire(*text, entry);
    if (const auto* complaints = std::get_if<std::vector<script::Complaint>>(&parsed)) {
        return script::refused_plan(entry, *complaints);
    }
    if (job.wire.question > Seconds{0}) {
        for (auto& command : std::get<script::Script>(parsed).commands) {
            if (command.op == "QU" && command.arguments.size() == 1) {
                command.arguments.push_back({std::to_string(job.wire.question.count()), 0});
            }
        }
    }
    script::Options options;
    options.staging_dir = settings.state_directory + "/downloads";
    options.time_limit = settings.step_time_limit;
    options.processes = &context.processes;
    ScriptRegistry registry(context, job);
    options.registry = registry.get();
    options.earlier = earlier;
    options.uploads = uploads;
    options.postponements = job.wire.postponements.value_or(script::k_postponements);
    return script::analyse(std::get<script::Script>(parsed),
                           script::facts_from(context.host.facts(), settings.os_codes, settings.image_version), package,
                           {settings.script_roots, job.local.relocation, settings.protected_paths}, context.files,
                           context.disks, options);
}

/// Whether a step does more than look: only then is a write filter opened.
bool changes_device(const script::Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const script::PlannedStep& step) {
        const auto* row = script::find_command(step.op);
        return row != nullptr && row->act != nullptr;
    });
}

Result<ChangeHooks::Answer> go_on() { return ChangeHooks::Answer::go_on; }

/// Tells the record, the status page and the manager about each step.
class StepWatch final : public script::StepObserver {
public:
    using Report = std::function<void(const StepView&)>;
    StepWatch(Context& context, SessionRecord& record, Report report)
        : context_(context), record_(record), report_(std::move(report)) {}

    void step_changed(const script::StepRecord& step) override {
        for (auto& view : record_.steps) {
            if (view.n != step.n) {
                continue;
            }
            const bool news = view.state != step.state;
            view.state = step.state;
            view.results = step.results;
            view.output = step.output;
            context_.observer.changed(record_);
            if (news && step.state != script::StepState::running) {
                report_(view);
            }
        }
    }

private:
    Context& context_;
    SessionRecord& record_;
    Report report_;
};

}  // namespace

Session::Session(Context& context, SessionLog log, Stored stored)
    : context_(context),
      record_(std::move(stored.record)),
      log_(std::move(log)),
      earlier_(std::move(stored.steps)),
      had_plan_(stored.has_plan),
      executing_(stored.executing || !earlier_.empty()),
      verdict_(stored.verdict) {}

Result<std::unique_ptr<Session>> Session::begin(Context& context, const Job& job) {
    Stored stored;
    stored.record.job = job;
    stored.record.started = context.clock.wall();
    auto log = TRY(context.store.create(stored.record));
    return std::unique_ptr<Session>(new Session(context, std::move(log), std::move(stored)));
}

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
    }
    if (offered_again) {
        stored.record.job = *offered_again;
        TRY(log.begin(stored.record));
    }
    return std::unique_ptr<Session>(new Session(context, std::move(log), std::move(stored)));
}

Status Session::enter(Phase phase) {
    check(may_follow(record_.phase, phase));
    TRY(log_.phase(phase));
    record_.phase = phase;
    context_.observer.changed(record_);
    return {};
}

Status Session::report(ReportStage stage, std::vector<std::string> messages) {
    const auto ended = [](const StepView& s) { return s.state == script::StepState::done; };
    Report out{record_.job.id, stage, std::move(messages), 0, static_cast<std::uint32_t>(record_.steps.size())};
    out.done = static_cast<std::uint32_t>(std::count_if(record_.steps.begin(), record_.steps.end(), ended));
    return context_.observer.report(out);
}

Result<SessionEnd> Session::run(Stop& stop) {
    context_.log.info("session", record_.resumptions > 0 ? "going on" : "begins",
                      {{"id", record_.id}, {"job", record_.job.id}, {"name", record_.job.name}});
    auto end = phases(stop);
    if (end.ok()) {
        context_.log.info("session", std::string(plain_words(record_.phase)),
                          {{"id", record_.id}, {"status", std::to_string(summary_status(record_.all_results()))}});
    } else {
        context_.log.error("session", "cannot go on now: " + std::string(errors::describe(end.error().id).cause),
                           {{"id", record_.id}, {"where", end.error().context}});
    }
    return end;
}

Result<SessionEnd> Session::phases(Stop& stop) {
    if (verdict_) {
        return conclude(*verdict_);
    }
    if (executing_) {
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
    TRY(analyse());
    if (has_error(plan_.results)) {
        return finish(Phase::completed, ReportStage::failure);
    }
    if (const auto fetched = download(stop); !fetched.ok()) {
        return refused(fetched.error(), stop);
    }
    if (stop.token().requested()) {  // what was here already has asked nobody
        return refused(error(AgentCode::cancelled), stop);
    }
    if (!record_.job.execute) {
        TRY(report(ReportStage::downloaded, {"all files are here and verified; waiting for leave to execute"}));
        return SessionEnd::waiting;
    }
    return execute(stop);
}

Status Session::select(Stop& stop) {
    const auto can_do = [&] {
        return record_.job.kind == JobKind::script
                   ? Status()
                   : Status(error(AgentCode::job_unsupported, {"kind '", to_string(record_.job.kind), "'"}));
    };
    TRY(can_do());
    package_ = TRY(Package::select(context_, record_, stop.token()));
    return can_do();  // the manifest may have told the kind
}

Status Session::analyse() {
    TRY(enter(Phase::analyzing));
    TRY(enter(Phase::analyzing_scripts));
    plan_ = plan_of(context_, record_.job, *package_, Uploads(context_, record_, package_->manifest()).possible(),
                    earlier_);
    if (had_plan_) {
        std::erase_if(plan_.results, is_space_finding);
    }
    take_steps(plan_);
    record_.results = plan_.results;
    if (has_error(plan_.results)) {
        return {};
    }
    TRY(log_.plan(record_));
    record_.downloads = plan_.downloads;
    std::uint64_t bytes = 0;
    for (const auto& file : plan_.downloads) {
        bytes += file.bytes;
    }
    record_.progress = {0, bytes, 0, {}};
    return had_plan_ ? Status() : report(ReportStage::accepted, plan_messages(record_, bytes, plan_.downloads.size()));
}

void Session::take_steps(const script::Plan& plan) {
    record_.steps.clear();
    for (const auto& step : plan.steps) {
        StepView view{step.n, step.line, step.op, step.effect, script::StepState::pending, {}, {}};
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
Status Session::download(Stop& stop) {
    TRY(enter(Phase::analyzing_files));
    if (!plan_.downloads.empty()) {
        TRY(report(ReportStage::downloading, {"downloading " + human_bytes(record_.progress.total)}));
    }
    std::vector<std::string> messages;
    for (const auto& file : plan_.downloads) {
        TRY(package_->stage(file, stop.token()));
        const auto view = std::find_if(record_.transfers.begin(), record_.transfers.end(),
                                       [&](const TransferView& v) { return v.file == file.path; });
        if (view != record_.transfers.end() && !view->resumed_at.empty()) {
            messages.push_back(concat({file.path, ": resumed at byte ", std::to_string(view->resumed_at.back())}));
            TRY(log_.transfer(*view));
        }
    }
    messages.push_back(std::to_string(plan_.downloads.size()) + " files downloaded, every SHA-256 verified");
    TRY(enter(Phase::analysis_completed));
    return report(ReportStage::downloading, std::move(messages));
}

Result<SessionEnd> Session::execute(Stop& stop) {
    if (!stop.commit()) {
        return refused(error(AgentCode::cancelled), stop);
    }
    TRY(enter(Phase::executing));
    const auto& settings = context_.settings;
    ScriptRegistry registry(context_, record_.job);
    Uploads uploads(context_, record_, package_->manifest());
    script::Services services{context_.files,
                              context_.processes,
                              context_.host,
                              context_.clock,
                              script::facts_from(context_.host.facts(), settings.os_codes, settings.image_version),
                              settings.hooks_directory,
                              settings.run_as,
                              settings.step_time_limit,
                              &uploads,
                              registry.get(),
                              context_.dialogs,
                              log_.directory()};
    ChangeHooks hooks(services, log_.directory());
    const bool hooked = record_.job.local.relocation.empty() && changes_device(plan_);
    if (const auto opened = hooked ? hooks.before(stop.token()) : go_on(); !opened.ok()) {
        return refused(opened.error(), stop);
    } else if (*opened == ChangeHooks::Answer::reboot) {
        return wait_for_reboot();
    }
    const std::size_t every = record_.steps.size() / k_step_reports + 1;
    Status reported;
    StepWatch watch(context_, record_, [&](const StepView& step) {
        if (reported.ok() && step.n % every == 0) {
            reported = report(ReportStage::executing, {step_message(step, record_.steps.size())});
        }
    });
    const auto outcome = TRY(script::run(plan_, *package_, services, log_, watch, earlier_, stop.token()));
    TRY(std::move(reported));
    keep_results_of_no_step(outcome);
    switch (outcome.ended) {
        case script::Ended::cancelled: return SessionEnd::interrupted;  // only a shutdown stops a committed session
        case script::Ended::reboot_requested: return wait_for_reboot();
        case script::Ended::completed:
        case script::Ended::failed: break;
    }
    const bool success = outcome.ended == script::Ended::completed;
    const auto closed = hooked ? hooks.after(success, stop.token()) : go_on();
    if (!closed.ok()) {
        return refused(closed.error(), stop);
    }
    return *closed == ChangeHooks::Answer::reboot
               ? wait_for_reboot()
               : finish(Phase::completed, success ? ReportStage::success : ReportStage::failure);
}

/// Results that no step brought are the session's own; those of steps stand in their records already.
void Session::keep_results_of_no_step(const script::Outcome& outcome) {
    for (const auto& result : outcome.results) {
        const bool of_a_step =
            std::any_of(outcome.steps.begin(), outcome.steps.end(), [&](const script::StepRecord& s) {
                return std::any_of(s.results.begin(), s.results.end(), [&](const TaskResult& r) {
                    return r.id == result.id && r.context == result.context;
                });
            });
        if (!of_a_step) {
            record_.results.push_back(result);
        }
    }
}

Result<SessionEnd> Session::wait_for_reboot() {
    TRY(enter(Phase::ready_for_reboot));
    TRY(report(ReportStage::executing, {"waiting for the reboot"}));
    return SessionEnd::rebooting;
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
    record_.results.push_back(error_result(why, permanent ? AgentCode::no_source : AgentCode::attempts_exhausted));
    return finish(Phase::completed, ReportStage::failure);
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

Result<SessionEnd> Session::conclude(ReportStage stage) {
    TRY(report(stage, final_messages(record_)));
    TRY(log_.end(record_));
    if (const auto dropped = context_.store.drop_downloads(record_.id); !dropped.ok()) {
        context_.log.warning("session", "downloads are left for the next start to remove",
                             {{"id", record_.id}, {"where", dropped.error().context}});
    }
    context_.observer.changed(record_);
    return SessionEnd::finished;
}

Result<script::Plan> dry_run(Context& context, SessionRecord& record, const CancelToken& cancel) {
    const auto folder = concat({context.settings.state_directory, "/sessions/", record.id});
    const bool remote = record.job.local.directory.empty();
    if (remote) {
        TRY(context.files.make_directories(folder + "/package", 0700));
    }
    auto package = Package::select(context, record, cancel);
    auto plan = package.ok()
                    ? Result<script::Plan>(plan_of(context, record.job, **package,
                                                   Uploads(context, record, (*package)->manifest()).possible(), {}))
                    : Result<script::Plan>(std::move(package).error());
    if (remote) {
        TRY(context.store.drop_downloads(record.id));
        TRY(context.files.remove_tree(folder));
    }
    return plan;
}

}  // namespace hagent::session
