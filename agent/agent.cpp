// SPDX-License-Identifier: Apache-2.0
// Owns the object graph of the daemon and its life.
#include "agent/agent.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/config/store.h"
#include "agent/config/zone.h"
#include "agent/device_state.h"
#include "agent/dialects.h"
#include "agent/errors/catalogue.h"
#include "agent/image/trial.h"
#include "agent/job_guard.h"
#include "agent/links.h"
#include "agent/listener.h"
#include "agent/loop/loop.h"
#include "agent/loop/worker.h"
#include "agent/manager/check_in.h"
#include "agent/manager/discovery.h"
#include "agent/manager/identity.h"
#include "agent/manager/loop_caller.h"
#include "agent/manager/trigger_gate.h"
#include "agent/manager_search.h"
#include "agent/own_upgrade.h"
#include "agent/session/engine.h"
#include "agent/session/json.h"
#include "agent/session/reserve.h"
#include "agent/state_check.h"
#include "agent/state_health.h"
#include "agent/status/api.h"
#include "agent/status/board.h"
#include "agent/transfer/file_fetcher.h"
#include "agent/trials.h"
#include "platform/paths.h"

namespace hagent {
namespace {

constexpr Millis k_look_for_card = Seconds{2}, k_card_patience = Seconds{10};
constexpr Millis k_facts_age = Seconds{1};  // so old may the facts on the page be

/// The requests wake this loop as long as it lives.
class Woken {
public:
    Woken(Requests& requests, loop::Loop& loop) : requests_(requests) { requests_.wake(&loop); }
    ~Woken() { requests_.wake(nullptr); }
    Woken(const Woken&) = delete;
    Woken& operator=(const Woken&) = delete;

private:
    Requests& requests_;
};

class Agent {
public:
    Agent(AgentServices& services, Duration duration, std::unique_ptr<loop::Loop> loop,
          std::unique_ptr<manager::ReportQueue> queue, const transfer::HeaderProvider& headers, manager::DeviceId id,
          std::unique_ptr<session::Parking> parking, std::vector<std::string> damage)
        : services_(services),
          machine_(services.machine),
          settings_(services.settings),
          duration_(duration),
          id_(std::move(id)),
          started_(machine_.clock.uptime()),
          loop_(std::move(loop)),
          queue_(std::move(queue)),
          parking_(std::move(parking)),
          health_(services, *queue_, *parking_, std::move(damage)),
          store_(*machine_.files, settings_.state()),
          publisher_(board_, *queue_,
                     [this] {
                         loop_->post([this] {
                             if (check_in_) {
                                 check_in_->reports_changed();
                             }
                         });
                     }),
          curl_(transfer::curl_fetcher(services.transfer, headers)),
          fetcher_(*machine_.files, local_folders(settings_, store_), curl_.get()),
          context_{*machine_.files,
                   machine_.clock,
                   *machine_.processes,
                   *machine_.host,
                   *machine_.disks,
                   fetcher_,
                   services.transfer,
                   services.random,
                   services.log,
                   services.session_settings,
                   store_,
                   publisher_,
                   machine_.kinds,
                   machine_.dialogs.get(),
                   machine_.registry.get(),
                   &services.time,
                   machine_.devices.get(),
                   &services.ring,
                   &own_upgrade_,
                   parking_.get(),
                   &leave_},
          worker_(limits::k_queued_jobs * 2),
          engine_(context_, worker_, [this] { loop_->post([this] { jobs_idle(); }); }),
          jobs_(engine_),
          loop_fetcher_(*loop_, services.transfer, headers),
          caller_(loop_fetcher_, fetcher_, timers_),
          dialect_(make_dialect({*machine_.files, machine_.clock, services_.log, settings_, *queue_, &services.time})),
          search_(
              {machine_, settings_, services.log, *loop_, worker_, timers_, services.random},
              duration == Duration::one_check_in ? ManagerSearch::Patience::once : ManagerSearch::Patience::until_found,
              [this](Status outcome) { search_ended(std::move(outcome)); }) {}

    /// Sessions are asked to stop before the worker is waited for; else the end of the process would wait for the end
    /// of a download.
    ~Agent() {
        engine_.shut_down();
        worker_.stop();  // before the engine goes: the worker's thread may be in it
    }
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    /// Damaged journals get their end before anybody reads the store, and the listener stands before the first session
    /// goes on, so that its progress can be watched. `check-in --once` has no listener: a daemon may have the port.
    Result<Ending> run(Requests& requests) {
        const Woken woken(requests, *loop_);
        health_.mend(context_);
        load_history();
        if (duration_ == Duration::until_stopped) {
            listen();
        }
        own_upgrade_.begin();
        // What fails here fails again in the session of the trial, which tells it.
        (void)image::note_trial_came_up(device_services(machine_, services_.session_settings));
        TRY(engine_.resume_unfinished());
        start_manager();
        services_.log.info("agent", "ready",
                           {{"version", std::string(agent_version())},
                            {"device", id_.id},
                            {"status", listener_ ? listener_->url() : ""}});
        serve(requests);  // what came before this life
        loop_->run([&] { serve(requests); });
        engine_.shut_down();
        services_.log.info("agent", "stopped");
        own_upgrade_.ended(requests.stop());
        TRY(std::move(outcome_));
        if (own_upgrade_.restart_wanted() && !requests.stop()) {
            return Ending::relaunch;
        }
        return (requests.take_reload() || manager_found_ || identity_found_) && !requests.stop() ? Ending::reload
                                                                                                 : Ending::stopped;
    }

private:
    static bool is_full(const Error& error) {
        return error.is(errors::AgentCode::disk_full) || error.is(errors::AgentCode::quota_exceeded);
    }

    /// So that the page shows after a restart what was done before it.
    void load_history() {
        const auto ids = store_.list();
        for (const auto& id : ids.ok() ? *ids : std::vector<std::string>{}) {
            if (const auto record = store_.shown(id); record.ok() && record->ended) {
                board_.publish(*record);
            }
        }
    }

    /// Who cancels through the listener is an operator and not the manager, which is therefore told a failure.
    void listen() {
        listener_ = std::make_unique<Listener>(
            machine_, settings_, *loop_, services_.log,
            status::ApiServices{
                board_, services_.ring, [this] { return view(); },
                [this](const std::string& peer) { return trigger(peer); },
                [this](const std::string& id) { return engine_.cancel_session(id, session::StopReason::operators); },
                [this](const std::string& job) { return release(job); }, [this] { return confirm_image(); }});
    }

    /// What was held may have been offered all the time, so the manager is asked at once.
    /// The session of the trial tells the verdict.
    Status confirm_image() {
        TRY(image::confirm_by_hand(device_services(machine_, services_.session_settings)));
        services_.log.info("image", "an operator keeps the slot that runs");
        engine_.look_again();
        return {};
    }

    Status release(const std::string& job) {
        TRY(release_job(*parking_, *queue_, job));
        services_.log.info("session", "released: it is done when it is offered again", {{"job", job}});
        if (check_in_) {
            check_in_->check_in_now();
        }
        return {};
    }

    /// Without an address the search begins; meanwhile the agent lives on, for its page and for sessions that are
    /// unfinished.
    void start_manager() {
        if (id_.id.empty()) {
            return look_for_identity();
        }
        if (!settings_.has_manager()) {
            if (settings_.manager.discovered) {
                search_.look();
            }
            return;
        }
        manager::CheckInServices services{*dialect_,
                                          caller_,
                                          timers_,
                                          jobs_,
                                          *queue_,
                                          machine_.clock,
                                          services_.log,
                                          services_.random,
                                          [this] { return identity(); },
                                          [this] { return window_open(); }};
        check_in_ = std::make_unique<manager::CheckIn>(
            manager::CheckInSettings{settings_.manager.urls,
                                     {settings_.manager.interval, settings_.manager.spread},
                                     manager::place_of(id_.id)},
            services);
        trials_.attach(*check_in_);
        check_in_->on_change([this] { loop_->post([this] { manager_changed(); }); });
        if (duration_ == Duration::one_check_in) {
            check_in_->check_in_until_quiet();
        } else {
            check_in_->start();
            if (own_upgrade_.on_trial()) {
                check_in_->check_in_now();  // its time is short
            }
        }
    }

    /// A machine that has just started may have no card yet, or none but virtual ones, whose addresses are chance.
    /// For the first it waits as long as it takes; the second are taken when no real one comes. Then the life ends,
    /// and all that is built from the identity is built anew.
    void look_for_identity() {
        auto found = find_identity(machine_, settings_, machine_.host->facts());
        const Millis waited = machine_.clock.uptime() - started_;
        if (found.ok() && (found->is_sure || waited >= k_card_patience)) {
            machine_.identity = std::move(*found);
            identity_found_ = true;
            loop_->stop();
            return;
        }
        const std::string why =
            found.ok() ? concat({"only a virtual network card: ", found->from}) : found.error().context;
        if (std::exchange(told_, why) != why) {
            services_.log.warning("agent", "this device does not know yet who it is; it waits", {{"where", why}});
        }
        (void)timers_.after(k_look_for_card, [this] { look_for_identity(); });
    }

    /// The life ends and the next one reads the configuration: all that is built from the manager's address is built in
    /// one place only.
    void search_ended(Status outcome) {
        manager_found_ = outcome.ok();
        outcome_ = std::move(outcome);
        loop_->stop();
    }

    /// A full place must not keep the job away that frees it: the check-in that it failed is done again with the
    /// reserve given up. False when that was not so.
    bool checks_in_again() {
        const auto failed = check_in_ ? check_in_->view().last_error : std::nullopt;
        if (!failed || !is_full(*failed) || !session::give_up_reserve(context_)) {
            return false;
        }
        if (duration_ == Duration::one_check_in) {
            check_in_->check_in_until_quiet();
        } else {
            check_in_->check_in_now();
        }
        return true;
    }

    /// What is on trial is judged when the manager has answered. The first manager that a discovered address led to
    /// stays the only one; a full disk may have room for its note later.
    void manager_changed() {
        if (services_.state_problem) {  // there may be room by now
            if (auto locked = services_.lock_state(); !locked.ok()) {
                outcome_ = std::move(locked);
                loop_->stop();
            }
        }
        if (checks_in_again()) {
            return;
        }
        const auto view = check_in_->view();
        if (view.last_success && view.last_success != std::exchange(answered_, view.last_success)) {
            own_upgrade_.checked_in();  // first: what it says is the verdict of a trial
        }
        if (view.last_error) {
            own_upgrade_.check_in_failed(*view.last_error);
        }
        trials_.heard(view);
        if (settings_.manager.discovered && check_in_->view().last_success) {
            const auto noted = first_manager_.met(check_in_->view().url);
            if (!noted.ok() && !std::exchange(note_complained_, true)) {
                services_.log.warning("agent", "the manager that was found cannot be noted",
                                      {{"where", noted.error().context}});
            }
        }
        end_if_quiet();
    }

    /// The device's own clock and time zone count, because the people in front of it live by them.
    bool window_open() const {
        const WallTime now = machine_.clock.wall();
        return config::any_open(*machine_.files, platform::time_zone_folders(), settings_.windows, now,
                                platform::local_offset(now));
    }

    void ask_manager() {
        if (check_in_) {
            check_in_->check_in_now();
        }
    }

    manager::Identity identity() { return identity_of(machine_, settings_, id_.id, board_, health_.summary()); }

    /// On the loop's thread, after the worker has nothing left to run.
    void jobs_idle() {
        session::keep_reserve(context_);
        trials_.jobs_idle();
        if (check_in_) {
            check_in_->jobs_idle();
        }
        end_if_quiet();
    }

    /// The exit code of `check-in --once` is to tell a job that failed; sessions that had ended before this process
    /// began do not count.
    void end_if_quiet() {
        if (checks_in_again() || duration_ != Duration::one_check_in || !check_in_ || !check_in_->quiet() ||
            !engine_.idle()) {
            return;  // without check_in_ the search for a manager ends it
        }
        if (check_in_->view().last_error) {
            outcome_ = *check_in_->view().last_error;
        } else {
            outcome_ = how_jobs_ended();
        }
        loop_->stop();
    }

    /// The one that ended last counts. One that rests until it is tried again is no failure yet.
    Status how_jobs_ended() const {
        Status resting;
        for (const auto& session : board_.recent()) {
            if (session->try_again) {
                resting = error(errors::AgentCode::tried_again_later,
                                {"session ", session->id, ", at ", rfc3339(*session->try_again)});
            } else {
                const bool failed_now = session->failed() && session->ended && *session->ended >= began_;
                return failed_now ? Status(error(errors::AgentCode::step_failed, {"session ", session->id}))
                                  : std::move(resting);
            }
        }
        return resting;
    }

    /// The gate counts also where no manager is known, so that the answer tells a stranger nothing.
    bool trigger(const std::string& peer) {
        if (!gate_.pass(peer, machine_.clock.uptime())) {
            return false;
        }
        ask_manager();
        return true;
    }

    void serve(const Requests& requests) {
        if (requests.stop() || requests.reload()) {
            loop_->stop();
        }
    }

    /// Memory, volumes and addresses are asked for once a second at most: pages that reload and monitors that poll must
    /// cost next to nothing.
    status::AgentView view() {
        const Uptime now = machine_.clock.uptime();
        if (!facts_read_ || now - *facts_read_ >= k_facts_age) {
            facts_ = read_facts();
            facts_read_ = now;
        }
        auto out = facts_;
        out.uptime = std::chrono::duration_cast<Seconds>(now - started_);
        if (check_in_) {
            const auto m = check_in_->view();
            out.manager = {m.dialect, m.url, m.last_check_in, m.last_result, m.next_check_in};
        }
        out.reports_queued = queue_->size();
        out.parked = parking_->list();
        out.damage = health_.damage();
        out.state_problem = health_.problem();
        out.now = machine_.clock.wall();
        return out;
    }

    /// What the system has to be asked for, which costs more than all the rest of an answer.
    status::AgentView read_facts() {
        status::AgentView out;
        show_device(machine_, settings_, id_, board_, out);
        out.images = image::image_status(device_services(machine_, services_.session_settings));
        out.pid = platform::own_pid();
        out.pss_bytes = platform::own_memory_bytes();
        out.listener = listener_ ? listener_->url() : "";
        out.listener_trouble = listener_ ? listener_->trouble() : "";
        return out;
    }

    AgentServices& services_;
    Machine& machine_;
    const config::Settings& settings_;
    const Duration duration_;
    const manager::DeviceId id_;  // without id: it is looked for
    const Uptime started_;
    const WallTime began_ = machine_.clock.wall();
    std::unique_ptr<loop::Loop> loop_;
    manager::LoopTimers timers_{*loop_};
    OwnUpgrade own_upgrade_{services_, *loop_, timers_};
    status::Board board_;
    std::unique_ptr<manager::ReportQueue> queue_;
    std::unique_ptr<session::Parking> parking_;
    UpgradeLeave leave_{*machine_.files, machine_.clock, settings_, id_.id};
    StateHealth health_;
    session::Store store_;
    Publisher publisher_;
    std::unique_ptr<transfer::Fetcher> curl_;
    transfer::FileFetcher fetcher_;
    session::Context context_;
    loop::Worker worker_;
    session::Engine engine_;
    EngineJobs jobs_;
    transfer::LoopFetcher loop_fetcher_;
    manager::LoopCaller caller_;
    std::unique_ptr<manager::Dialect> dialect_;
    ManagerSearch search_;
    Trials trials_{engine_, timers_, machine_.clock, [this] { loop_->post([this] { ask_manager(); }); }};
    std::unique_ptr<manager::CheckIn> check_in_;
    std::unique_ptr<Listener> listener_;
    manager::TriggerGate gate_;
    status::AgentView facts_;
    std::optional<Uptime> facts_read_;
    manager::FirstManager first_manager_{*machine_.files, settings_.state_dir};
    bool identity_found_ = false;
    std::string told_;                  // what the identity waits for: said when it changes
    bool manager_found_ = false;        // by the search: the configuration is to be read again
    std::optional<WallTime> answered_;  // by the manager, for the last time
    bool note_complained_ = false;      // about the note of the first manager; once is enough
    Status outcome_;
};

}  // namespace

void Requests::take(platform::ServiceRequest request, void* context) {
    auto& self = *static_cast<Requests*>(context);
    ++self.taking_;
    (request == platform::ServiceRequest::stop ? self.stop_ : self.reload_) = true;
    if (auto* loop = self.loop_.load()) {
        loop->wake();
    }
    --self.taking_;
}

/// A handler may run on another thread, and may have seen the loop before.
void Requests::wake(loop::Loop* loop) {
    loop_ = loop;
    while (loop == nullptr && taking_ != 0) {
        std::this_thread::yield();
    }
}

/// What can fail is made here, before the object that borrows it.
Result<Ending> run_agent(AgentServices& services, Duration duration, Requests& requests) {
    auto& machine = services.machine;
    auto id = TRY(settle_identity(machine, services.settings, services.log, duration == Duration::until_stopped));
    auto headers = TRY(manager_headers(machine, services.settings));
    auto damage = damage_of(*machine.files, services.settings.state());
    auto queue = TRY(manager::ReportQueue::open(*machine.files, services.settings.state().reports()));
    auto parking = TRY(open_parking(*machine.files, services.settings));
    auto loop = TRY(loop::Loop::create(machine.clock));
    Agent agent(services, duration, std::move(loop), std::move(queue), headers, std::move(id), std::move(parking),
                std::move(damage));
    return agent.run(requests);
}

}  // namespace hagent
