// SPDX-License-Identifier: Apache-2.0
// Owns what the tests of CheckIn share: a manager, jobs and timers that a test plays by hand.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/manager/check_in.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_files.h"

namespace hagent::manager::fixture {

/// A dialect of few words: "GET poll", "POST report JOB STAGE messages", "POST refuse JOB". The test says what a poll
/// brings.
class PlainDialect : public Dialect {
public:
    [[nodiscard]] std::string_view name() const override { return "plain"; }
    void begin(const std::string& manager_url, const Identity&) override {
        poll_ = Call{transfer::Method::get, manager_url + " poll", {}, {}};
    }
    [[nodiscard]] std::optional<Call> next() override { return std::exchange(poll_, std::nullopt); }
    [[nodiscard]] Status answered(const Reply& reply) override {
        if (!reply.ok()) {
            return reply.error();
        }
        switch (reply->status) {
            case 200: events_ = std::exchange(events, {}); return {};
            case 429: return error(errors::AgentCode::manager_throttled);
            default: return error(errors::http(reply->status));
        }
    }
    [[nodiscard]] std::vector<Event> take_events() override { return std::exchange(events_, {}); }
    [[nodiscard]] std::optional<Seconds> interval_hint() const override { return hint; }
    [[nodiscard]] Call refuse_cancel(const std::string& manager_url, const Identity&,
                                     const std::string& job_id) override {
        return {transfer::Method::post, manager_url + " refuse " + job_id, {}, {}};
    }
    [[nodiscard]] Call report(const std::string& manager_url, const Identity&, const session::Report& report) override {
        static constexpr const char* k_stages[] = {"accepted", "downloading", "downloaded", "executing",
                                                   "success",  "failure",     "cancelled"};
        return {transfer::Method::post,
                manager_url + " report " + report.job_id + " " + k_stages[static_cast<int>(report.stage)],
                {},
                {}};
    }
    [[nodiscard]] Delivery delivered(const session::Report&, const Reply& reply) override {
        if (!reply.ok()) {
            return place_refuses ? Delivery::refused : Delivery::again;
        }
        return reply->status == 200   ? Delivery::acknowledged
               : reply->status == 410 ? Delivery::obsolete
               : reply->status == 400 ? Delivery::reworded
                                      : Delivery::again;
    }

    [[nodiscard]] Reporting reporting() const override { return where; }

    Reporting where = Reporting::wanted;
    bool place_refuses = false;  // errors are no silence
    std::vector<Event> events;   // what the next poll that is answered with 200 brings
    std::optional<Seconds> hint;

private:
    std::optional<Call> poll_;
    std::vector<Event> events_;
};

class HandCaller final : public Caller {
public:
    std::uint64_t call(Call call, Done done) override {
        REQUIRE_FALSE(done_);  // one call at a time
        urls.push_back(call.url);
        latest = std::move(call);
        done_ = std::move(done);
        return ++last_;
    }
    void abort(std::uint64_t call) override {
        if (call == last_) {
            done_ = nullptr;
        }
    }
    [[nodiscard]] bool waits() const { return static_cast<bool>(done_); }
    void answer(Reply reply) {
        REQUIRE(done_);
        std::exchange(done_, nullptr)(std::move(reply));
    }

    std::vector<std::string> urls;  // every call so far
    Call latest;

private:
    Done done_;
    std::uint64_t last_ = 0;
};

class HandTimers final : public Timers {
public:
    explicit HandTimers(fakes::FakeClock& clock) : clock_(clock) {}
    std::uint64_t after(Millis delay, std::function<void()> due) override {
        timers_[++last_] = {clock_.uptime() + delay, std::move(due)};
        return last_;
    }
    void cancel(std::uint64_t timer) override { timers_.erase(timer); }

    /// The time until the next one; empty when there is none.
    [[nodiscard]] std::optional<Millis> next() {
        std::optional<Millis> best;
        for (const auto& [id, timer] : timers_) {
            best = std::min(best.value_or(Millis::max()), timer.first - clock_.uptime());
        }
        return best;
    }
    /// Turns the clock, and runs what falls due on the way.
    void advance(Millis time) {
        const Uptime end = clock_.uptime() + time;
        for (;;) {
            const auto due = std::min_element(timers_.begin(), timers_.end(), [](const auto& a, const auto& b) {
                return a.second.first < b.second.first;
            });
            if (due == timers_.end() || due->second.first > end) {
                break;
            }
            clock_.advance(std::max(due->second.first - clock_.uptime(), Millis{0}));
            const auto work = std::move(due->second.second);
            timers_.erase(due);
            work();
        }
        clock_.advance(end - clock_.uptime());
    }
    [[nodiscard]] std::size_t size() const { return timers_.size(); }

private:
    fakes::FakeClock& clock_;
    std::map<std::uint64_t, std::pair<Uptime, std::function<void()>>> timers_;
    std::uint64_t last_ = 0;
};

class HandJobs final : public Jobs {
public:
    [[nodiscard]] session::Offer offer(const session::Job& job) override {
        offered.push_back(job);
        return offer_result;
    }
    [[nodiscard]] session::CancelOutcome cancel(const std::string& job_id) override {
        cancelled.push_back(job_id);
        return cancel_result;
    }
    [[nodiscard]] bool idle() const override {
        if (asked) {
            asked();
        }
        return is_idle;
    }
    [[nodiscard]] std::vector<std::string> waiting() const override { return waits; }
    [[nodiscard]] std::optional<Uptime> next_try() const override { return tries_at; }

    session::Offer offer_result = session::Offer::taken;
    session::CancelOutcome cancel_result = session::CancelOutcome::stopping;
    bool is_idle = true;
    std::function<void()> asked;  // whether they are idle: what the worker does just before the answer
    std::vector<std::string> waits;
    std::optional<Uptime> tries_at;
    std::vector<session::Job> offered;
    std::vector<std::string> cancelled;
};

/// CheckIn and its queue as in the agent, with this dialect.
template <typename D>
struct FixtureOf {
    explicit FixtureOf(std::vector<std::string> urls = {"a"}, ScheduleSettings schedule = {Seconds{300}, Seconds{60}},
                       std::uint64_t place = 0, D speaks = D())
        : dialect(std::move(speaks)) {
        files.put_directory("/state");
        reports = ReportQueue::open(files, "/state/reports").value();
        check_in = std::make_unique<CheckIn>(CheckInSettings{std::move(urls), schedule, place},
                                             CheckInServices{dialect, caller, timers, jobs, *reports, clock, log,
                                                             [this] { return draw ? draw() : chance; },
                                                             [] {
                                                                 return Identity{"tc-1", {}, "d"};
                                                             },
                                                             [this] { return window_open; }});
        check_in->on_change([this] { ++changes; });
    }

    static Answer status(int number) { return {static_cast<std::uint16_t>(number), {}, {}, {}}; }
    static session::Job job(const std::string& id) {
        session::Job job;
        job.id = id;
        job.name = "package of " + id;
        return job;
    }
    void answer(int number = 200) { caller.answer(status(number)); }
    void no_answer() { caller.answer(error(errors::AgentCode::connect_timeout)); }
    void add(const std::string& job_id, session::ReportStage stage) {
        REQUIRE(reports->add({job_id, stage, {"m"}, 0, 0}).ok());
    }

    /// A check-in that ends well and brings these events. Reports are not answered here.
    void poll(std::vector<Event> events = {}) {
        check_in->check_in_now();
        timers.advance(Seconds{1});
        dialect.events = std::move(events);
        REQUIRE(caller.waits());
        REQUIRE(caller.urls.back().ends_with(" poll"));
        answer();
    }
    [[nodiscard]] std::string last() const { return caller.urls.empty() ? "" : caller.urls.back(); }

    fakes::FakeClock clock;
    fakes::FakeFiles files;
    log::Log log{clock};
    D dialect;
    HandCaller caller;
    HandTimers timers{clock};
    HandJobs jobs;
    std::unique_ptr<ReportQueue> reports;
    std::uint64_t chance = 0;
    std::function<std::uint64_t()> draw;  // in place of `chance`
    bool window_open = true;
    int changes = 0;
    std::unique_ptr<CheckIn> check_in;
};

using Fixture = FixtureOf<PlainDialect>;

}  // namespace hagent::manager::fixture
