// SPDX-License-Identifier: Apache-2.0
// Owns the tests of a manager that is away for long, and of how it is told afterwards what it has missed.
#include <array>
#include <iterator>
#include <random>

#include "agent/base/limits.h"
#include "tests/unit/manager/check_in_fixture.h"
#include "tests/unit/manager/live_heap.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using session::ReportStage;
using Urls = std::vector<std::string>;

namespace {

constexpr Seconds k_hour{3600};
// the file is rewritten at 256 KiB unless more than half of that still waits
constexpr std::size_t k_queue_bytes = 300U << 10U;

/// How a manager is away: what a call ends with, and how long that takes.
struct Away {
    std::string how;
    Error end;
    Millis after;
};

/// A manager that is there or away for a while, and every call that was made.
struct Site {
    struct Made {
        Uptime at;
        std::string url;
    };

    Site() {
        b.draw = [this] { return random(); };
        b.check_in->start();
    }

    void run(Millis time) {
        const Uptime end = b.clock.uptime() + time;
        for (answer(); b.clock.uptime() < end; answer()) {
            const Millis left = end - b.clock.uptime();
            b.timers.advance(std::clamp(b.timers.next().value_or(left), Millis{0}, left));
            timers = std::max(timers, b.timers.size());
        }
    }

    void answer() {
        while (b.caller.waits()) {
            made.push_back({b.clock.uptime(), b.last()});
            if (away) {
                b.timers.advance(in_what_way.after);
                b.caller.answer(in_what_way.end);
            } else {
                b.answer();
            }
        }
    }

    void tell(const std::string& job, ReportStage stage) {
        REQUIRE(b.reports
                    ->add({job, stage, {"what the device has to say about this step, in a line of usual length"}, 1, 9})
                    .ok());
        b.check_in->reports_changed();
        answer();
        queue_bytes = std::max(queue_bytes, b.files.content("/state/reports").value().size());
    }

    /// Six steps, ten minutes each.
    void do_job(const std::string& job) {
        for (const auto stage : {ReportStage::accepted, ReportStage::downloading, ReportStage::downloaded,
                                 ReportStage::executing, ReportStage::executing, ReportStage::success}) {
            run(k_hour / 6);
            tell(job, stage);
            tell("long", ReportStage::executing);
        }
    }

    /// What the device holds in memory after so many days; what this test itself remembers and the files of the fake
    /// disk are left out.
    [[nodiscard]] std::int64_t memory() {
        made = {};
        b.caller.urls = {};
        b.files.forget_calls();
        return live_heap::bytes() - static_cast<std::int64_t>(b.files.memory());
    }

    /// Those of the calls that hold this text.
    [[nodiscard]] std::vector<Made> calls(std::string_view text) const {
        std::vector<Made> out;
        std::copy_if(made.begin(), made.end(), std::back_inserter(out),
                     [&](const Made& m) { return m.url.find(text) != std::string::npos; });
        return out;
    }

    Fixture b;
    std::mt19937_64 random{7};
    bool away = false;
    Away in_what_way{"black hole", error(errors::AgentCode::connect_timeout), Millis{0}};
    std::vector<Made> made;
    std::size_t timers = 0, queue_bytes = 0;  // at most
};

/// "a report 17 success"
std::string told(std::size_t job) { return "a report " + std::to_string(job) + " success"; }

}  // namespace

TEST_CASE(
    "A manager that is away for a week: few attempts, a file that does not grow, and every result told in order "
    "afterwards") {
    constexpr std::size_t k_jobs = std::size_t{7} * 24;
    Site site;
    site.run(k_hour);
    REQUIRE(site.b.check_in->view().registered);

    site.away = true;
    site.made.clear();
    for (std::size_t job = 0; job < k_jobs; ++job) {
        CAPTURE(job);
        const auto before = site.made.size();
        site.do_job(std::to_string(job));
        const auto attempts = site.made.size() - before;
        CHECK((job < 2 || attempts <= 16));  // with full jitter, four on average
        CHECK(site.b.check_in->view().reports_waiting == job + 2);
        CHECK(site.queue_bytes <= k_queue_bytes);
    }
    CHECK(site.timers <= 2);
    CHECK(site.made.size() < k_jobs * 6);
    CHECK(site.made.size() > k_jobs);
    const auto view = site.b.check_in->view();
    CHECK(view.failures > k_jobs);
    CHECK(view.last_error->is(errors::AgentCode::connect_timeout));
    REQUIRE(view.next_check_in.has_value());
    CHECK(view.next_check_in->since_epoch - site.b.clock.wall().since_epoch <= k_hour);

    site.away = false;
    site.made.clear();
    site.run(3 * k_hour);
    CHECK(site.b.check_in->view().failures == 0);
    const auto results = site.calls("success");
    REQUIRE(results.size() == k_jobs);
    for (std::size_t job = 0; job < k_jobs; ++job) {
        CHECK(results[job].url == told(job));
    }
    CHECK(site.calls("report long").size() == 1);  // a week of progress is one report
    CHECK(site.b.check_in->view().reports_waiting == 0);
    for (std::size_t i = 1; i + 4 < results.size(); ++i) {
        CHECK(results[i].at - results[i - 1].at >= Seconds{1});
    }
    const Millis took = results.back().at - results.front().at;
    CHECK(took > Seconds{k_jobs - 5});
    CHECK(took < Seconds{2 * k_jobs});
    const auto polls = site.calls("poll");
    const auto between = std::count_if(polls.begin(), polls.end(), [&](const Site::Made& poll) {
        return poll.at >= results.front().at && poll.at < results.back().at;
    });
    CHECK(between >= 1);  // the first at once: the manager is there again
    CHECK(between <= 4);  // but not after each result
    CHECK(site.timers <= 2);
}

TEST_CASE("A manager that is away for a week, in whatever way, costs no memory and no disk from the second day on") {
    if (!live_heap::counts()) {
        MESSAGE("operator new of this build does not count: only the files and the timers are judged");
    }
    constexpr std::int64_t k_slack = 512;
    const std::array<Away, 4> ways = {{{"refused", error(errors::winsock(10061)), Millis{1}},
                                       {"black hole", error(errors::AgentCode::connect_timeout), Seconds{15}},
                                       {"half-open", error(errors::AgentCode::timed_out), Seconds{60}},
                                       {"slow", error(errors::AgentCode::truncated), Seconds{45}}}};
    for (const Away& way : ways) {
        CAPTURE(way.how);
        Site site;
        site.run(k_hour);
        site.away = true;
        site.in_what_way = way;
        std::array<std::int64_t, 8> memory{};
        std::array<std::size_t, 8> calls{};
        site.do_job("1");
        site.do_job("2");
        for (std::size_t day = 1; day <= 7; ++day) {
            for (int hour = 0; hour < 24; ++hour) {
                site.run(k_hour);
                site.tell("long", ReportStage::executing);
            }
            calls.at(day) = site.made.size();
            memory.at(day) = site.memory();
            CHECK(site.b.check_in->view().reports_waiting == 3);
        }
        MESSAGE(way.how << ": " << calls[2] << " and " << calls[7] << " calls on the second and the last day, "
                        << memory[2] << " and " << memory[7] << " bytes on the heap after them");
        for (std::size_t day = 3; day <= 7; ++day) {
            CAPTURE(day);
            CHECK(std::abs(memory.at(day) - memory[2]) <= k_slack);
            CHECK(calls.at(day) >= 24);
        }
        CHECK(site.timers <= 2);
        CHECK(site.queue_bytes <= k_queue_bytes);
        CHECK(site.b.files.tree() == std::vector<std::string>{"/state/", "/state/reports", "/state/reports.copy"});
    }
}

TEST_CASE("What waits after an outage survives a power cut, in order, and the file is as short as what it holds") {
    Site site;
    site.away = true;
    for (int job = 0; job < 48; ++job) {
        site.do_job(std::to_string(job));
    }
    site.b.check_in.reset();
    site.b.reports.reset();
    site.b.files.power_cut();
    site.b.files.restart();
    auto queue = ReportQueue::open(site.b.files, "/state/reports").value();
    CHECK(queue->size() == 49);
    for (int job = 0; job < 48; ++job) {
        const auto waiting = queue->begin_delivery();
        REQUIRE(waiting.has_value());
        CHECK(waiting->report.job_id == std::to_string(job));
        CHECK(waiting->report.messages.size() == 6);
        REQUIRE(queue->acknowledge(waiting->number).ok());
    }
    CHECK(queue->begin_delivery().value().report.messages.size() == limits::k_report_messages);
}

TEST_CASE("Four reports that wait go out at once, and of more only the last five without a pause before them") {
    Fixture b;
    b.chance = 400;
    for (const char* job : {"1", "2", "3", "4", "5", "6"}) {
        b.add(job, ReportStage::success);
    }
    b.check_in->reports_changed();
    b.answer();
    CHECK(b.caller.urls == Urls{"a report 1 success"});
    CHECK(b.timers.next() == Millis{1400});
    b.check_in->reports_changed();  // nothing hurries it
    CHECK_FALSE(b.caller.waits());
    b.timers.advance(Millis{1400});
    for (int i = 0; i < 5; ++i) {
        b.answer();
    }
    CHECK(b.caller.urls == Urls{"a report 1 success", "a report 2 success", "a report 3 success", "a report 4 success",
                                "a report 5 success", "a report 6 success", "a poll"});
}

TEST_CASE("A check-in does not wait for the reports that have piled up, and does not hurry them") {
    Fixture b;
    for (const char* job : {"1", "2", "3", "4", "5", "6", "7"}) {
        b.add(job, ReportStage::success);
    }
    b.check_in->check_in_now();
    b.answer();
    CHECK(b.caller.urls == Urls{"a report 1 success", "a poll"});
    b.answer();
    CHECK_FALSE(b.caller.waits());
    b.timers.advance(Seconds{1});
    CHECK(b.last() == "a report 2 success");
}

TEST_CASE(
    "One `check-in --once` tells all that has piled up, but does not wait for a manager that goes away meanwhile") {
    for (const bool goes_away : {false, true}) {
        CAPTURE(goes_away);
        Fixture b;
        for (const char* job : {"1", "2", "3", "4", "5", "6", "7"}) {
            b.add(job, ReportStage::success);
        }
        b.check_in->check_in_until_quiet();
        b.answer();
        b.answer();
        CHECK_FALSE(b.check_in->quiet());  // a pause
        b.timers.advance(Seconds{1});
        CHECK_FALSE(b.check_in->quiet());
        if (goes_away) {
            b.no_answer();
            CHECK(b.check_in->quiet());
            CHECK(b.reports->size() == 6);
            continue;
        }
        while (b.caller.waits() || !b.check_in->quiet()) {
            if (b.caller.waits()) {
                b.answer();
            } else {
                REQUIRE(b.timers.next().has_value());
                b.timers.advance(*b.timers.next());
            }
        }
        CHECK(b.reports->size() == 0);
    }
}

TEST_CASE("Reports that nobody wants are done with at once, however many they are") {
    Fixture b;
    for (const char* job : {"1", "2", "3", "4", "5", "6", "7"}) {
        b.add(job, ReportStage::success);
    }
    b.dialect.where = Reporting::unwanted;
    b.check_in->reports_changed();
    CHECK(b.reports->size() == 0);
}
