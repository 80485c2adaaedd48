// SPDX-License-Identifier: Apache-2.0
// Owns the device that the crash tests work on: its power may go at any change, those outside of its files included,
// and it lives again.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>

#include "agent/manager/report_queue.h"
#include "agent/session/engine.h"
#include "agent/transfer/url.h"
#include "tests/fakes/fake_dialogs.h"
#include "tests/unit/session/device.h"

namespace hagent::session {

/// The power goes at every change, or at every few where all would take too long; other ones for each kind of cut.
inline constexpr std::uint64_t k_stride = HAGENT_CUT_STRIDE;
constexpr std::uint64_t first_cut(fakes::Unsynced unsynced) {
    return 1 + static_cast<std::uint64_t>(unsynced) % k_stride;
}

/// Says when the engine has nothing more to do.
class Idle {
public:
    void tell() {
        const std::lock_guard lock(mutex_);
        told_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait(const Engine& engine) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return told_ && engine.idle(); });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool told_ = false;
};

/// A power switch, a user and a server that are not there any more once the power is off.
class CutHost final : public platform::Host {
public:
    CutHost(fakes::FakeHost& host, fakes::FakeFiles& files) : host_(host), files_(files) {}
    [[nodiscard]] platform::HostFacts facts() override { return host_.facts(); }
    [[nodiscard]] Status power(platform::PowerAction action) override {
        TRY(files_.outside("power"));
        return host_.power(action);
    }
    [[nodiscard]] Status force_restart() override {
        TRY(files_.outside("power"));
        return host_.force_restart();
    }

private:
    fakes::FakeHost& host_;
    fakes::FakeFiles& files_;
};

class CutDialogs final : public platform::Dialogs {
public:
    CutDialogs(fakes::FakeDialogs& dialogs, fakes::FakeFiles& files) : dialogs_(dialogs), files_(files) {}
    [[nodiscard]] Status tell(const std::string& message, Seconds time) override {
        TRY(files_.outside("tell"));
        return dialogs_.tell(message, time);
    }
    [[nodiscard]] Status take_back() override {
        TRY(files_.outside("take back"));
        return dialogs_.take_back();
    }
    [[nodiscard]] Result<platform::Answer> ask(const std::string& text, Seconds time,
                                               const CancelToken& cancel) override {
        TRY(files_.outside("ask"));
        return dialogs_.ask(text, time, cancel);
    }

private:
    fakes::FakeDialogs& dialogs_;
    fakes::FakeFiles& files_;
};

/// What is sent arrives in two halves, and the server keeps the one that it has; then comes its answer.
class CutFetcher final : public transfer::Fetcher {
public:
    CutFetcher(fakes::FakeFetcher& server, fakes::FakeFiles& files) : server_(server), files_(files) {}
    [[nodiscard]] Result<transfer::Reply> exchange(const transfer::Exchange& exchange, transfer::Sink& sink,
                                                   const CancelToken& cancel) override {
        if (exchange.method != transfer::Method::put) {
            return server_.exchange(exchange, sink, cancel);
        }
        const std::string url = transfer::shown(exchange.url);
        TRY(files_.outside("send the first half"));
        ++sent[url];
        whole.erase(url);
        auto reply = server_.exchange(exchange, sink, cancel);
        auto& kept = server_.files[url].bytes;
        const std::string all = std::exchange(kept, kept.substr(0, kept.size() / 2));
        TRY(files_.outside("send the second half"));
        kept = all;
        whole.insert(url);
        TRY(files_.outside("hear that it has come"));
        return reply;
    }

    std::map<std::string, unsigned> sent;  // how often it was begun, by address
    std::set<std::string> whole;           // what the server has to its last byte

private:
    fakes::FakeFetcher& server_;
    fakes::FakeFiles& files_;
};

struct CutDevice : Device {
    /// One life of the agent, from its start until it has nothing to do or the power is gone. The manager offers the
    /// job as long as it has not heard its end, and takes every report.
    void live() {
        auto queue = manager::ReportQueue::open(files, rooted("/var/lib/hagent/reports"));
        if (!queue.ok()) {
            REQUIRE((files.power_is_off() || disk_is_full));
            return;
        }
        listener.forward = [&](const Report& report) { return (*queue)->add(report); };
        listener.ended = [&](const std::string& job_id) { return (*queue)->finished(job_id).has_value(); };
        Idle idle;
        loop::Worker worker(8);
        Engine engine(cut_context, worker, [&] { idle.tell(); });
        if (engine.resume_unfinished().ok()) {
            if (!(*queue)->finished(offered.id)) {
                (void)engine.offer(offered);
            }
            for (const auto& job : more) {
                if (!(*queue)->finished(job.id)) {
                    (void)engine.offer(job);
                }
            }
            engine.checked_in();  // the manager has answered: what is on trial may be judged
            REQUIRE(idle.wait(engine));
        }
        worker.stop();
        deliver(**queue);
        const bool all = std::all_of(more.begin(), more.end(),
                                     [&](const Job& job) { return (*queue)->finished(job.id).has_value(); });
        over = !files.power_is_off() && all && (*queue)->finished(offered.id).has_value() && (*queue)->size() == 0 &&
               none_unfinished();
        listener.forward = nullptr;
        listener.ended = nullptr;
    }

    void deliver(manager::ReportQueue& queue) {
        while (const auto waiting = queue.begin_delivery()) {
            if (waiting->report.final()) {
                ++finals;
                last_final = waiting->report;
                final_reports.insert(waiting->number);
                ends[waiting->report.job_id] = waiting->report.stage;
            }
            if (!queue.acknowledge(waiting->number).ok()) {
                cut_in_delivery = true;
                return;
            }
        }
    }

    [[nodiscard]] bool none_unfinished() {
        for (const auto& name : store.list().value_or({})) {
            const auto stored = store.load(name);
            if (!stored.ok() || (stored->begun && !stored->record.ended)) {
                return false;
            }
        }
        return true;
    }

    /// The only session there is: a job is never begun anew.
    [[nodiscard]] Stored only_session() {
        std::vector<Stored> sessions;
        for (const auto& name : store.list().value_or({})) {
            auto stored = store.load(name);
            if (stored.ok() && stored->begun) {
                sessions.push_back(std::move(stored).value());
            }
        }
        REQUIRE(sessions.size() == 1);
        return std::move(sessions[0]);
    }

    /// One report says how the job ended; it is told again when its acknowledgement was cut off.
    void check_one_final() const {
        CHECK(final_reports.size() == 1);
        CHECK(finals >= 1);
        CHECK(finals <= (cut_in_delivery ? 2U : 1U));
    }

    [[nodiscard]] std::ptrdiff_t times_asked(platform::PowerAction action) const {
        return std::count(host.actions.begin(), host.actions.end(), action);
    }

    fakes::FakeDialogs dialogs;
    CutHost cut_host{host, files};
    CutDialogs cut_dialogs{dialogs, files};
    CutFetcher cut_fetcher{fetcher, files};
    Context cut_context{files, clock,    processes, cut_host, disks, cut_fetcher,  options, random,
                        log,   settings, store,     listener, kinds, &cut_dialogs, nullptr};
    Job offered = job();
    std::vector<Job> more;                    // offered behind it
    std::map<std::string, ReportStage> ends;  // how each job ended
    unsigned finals = 0;
    std::set<std::uint64_t> final_reports;  // the numbers of the queue
    Report last_final;
    bool cut_in_delivery = false;
    bool disk_is_full = false;  // what a test wants for a while
    bool over = false;
};

}  // namespace hagent::session
