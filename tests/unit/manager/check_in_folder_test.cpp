// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what a check-in owes to dialects without a server program: standing offers, reports that wait or go
// nowhere.
#include "agent/base/limits.h"
#include "tests/fakes/job_source.h"
#include "tests/unit/manager/check_in_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using session::ReportStage;
using Urls = std::vector<std::string>;

namespace {

Event standing(const std::string& id) {
    auto job = Fixture::job(id);
    session::signed_package(job).base_url = "http://files.example/" + id + "/";
    return JobOffered{std::move(job), true};
}

}  // namespace

TEST_CASE("A job that is offered for ever and has ended here is neither begun nor reported again") {
    Fixture b;
    b.poll({standing("1"), standing("2")});
    CHECK(b.jobs.offered.size() == 2);
    b.add("1", ReportStage::failure);
    b.check_in->reports_changed();
    b.answer();
    b.timers.advance(Seconds{1});
    REQUIRE(b.last() == "a poll");
    b.dialect.events = {standing("1"), standing("2")};
    b.answer();
    REQUIRE(b.jobs.offered.size() == 3);
    CHECK(b.jobs.offered.back().id == "2");
    CHECK(b.reports->size() == 0);
    CHECK(b.timers.next() == Seconds{300});
}

TEST_CASE("An id in a folder stays one job, whatever package it names later") {
    Fixture b;
    b.poll({standing("1")});
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.answer();
    b.timers.advance(Seconds{1});
    auto other = Fixture::job("1");
    other.name = "another package";
    session::signed_package(other).base_url = "http://files.example/other/";
    b.dialect.events = {JobOffered{other, true}};
    b.answer();
    CHECK(b.jobs.offered.size() == 1);
}

TEST_CASE("A job that waits for permission to execute is dropped when it is no longer listed") {
    Fixture b;
    b.jobs.waits = {"1", "2"};
    b.poll({standing("2"), NothingOffered{{"2"}}});
    CHECK(b.jobs.cancelled == Urls{"1"});
    b.jobs.waits = {"3"};
    b.check_in->jobs_idle();
    CHECK(b.jobs.cancelled == Urls{"1", "3"});
}

TEST_CASE("A job that rests until it is tried again is asked for then, with a check-in of its own") {
    Fixture b;
    b.poll({standing("1")});
    const auto polls = b.caller.urls.size();
    b.jobs.tries_at = b.clock.uptime() + Seconds{10};
    b.check_in->jobs_idle();
    b.timers.advance(Seconds{9});
    CHECK(b.caller.urls.size() == polls);
    b.jobs.tries_at.reset();
    b.timers.advance(Seconds{1});
    REQUIRE(b.caller.urls.size() == polls + 1);
    b.dialect.events = {standing("1")};
    b.answer();
    CHECK(b.jobs.offered.size() == 2);
    b.jobs.tries_at = b.clock.uptime() + Seconds{10};
    b.check_in->jobs_idle();
    b.jobs.tries_at.reset();
    b.check_in->jobs_idle();  // it was given up
    b.timers.advance(Seconds{20});
    CHECK(b.caller.urls.size() == polls + 1);
}

TEST_CASE("What is still listed is forgotten last, however many other jobs end meanwhile") {
    Fixture b;
    b.poll({standing("old")});
    b.add("old", ReportStage::success);
    for (std::size_t i = 0; i < limits::k_finished_jobs + 50; ++i) {
        if (i % 100 == 0) {
            REQUIRE(b.reports->offered("old", "folder").value());
        }
        b.add("job " + std::to_string(i), ReportStage::success);
    }
    CHECK(b.reports->finished("old").has_value());
    CHECK_FALSE(b.reports->finished("job 0").has_value());
}

TEST_CASE("Reports wait until the dialect knows where they go") {
    Fixture b;
    b.dialect.where = Reporting::later;
    b.add("1", ReportStage::success);
    b.check_in->check_in_until_quiet();
    CHECK(b.caller.urls == Urls{"a poll"});
    b.answer(404);
    CHECK(b.check_in->quiet());  // nothing more can be done now
    CHECK(b.reports->size() == 1);
    b.check_in->check_in_now();
    b.timers.advance(Seconds{1});
    b.dialect.where = Reporting::wanted;
    b.answer();
    CHECK(b.last() == "a report 1 success");
}

TEST_CASE("Reports that nobody wants are done with, and the next job is asked for") {
    Fixture b;
    b.dialect.where = Reporting::unwanted;
    b.add("1", ReportStage::executing);
    b.check_in->reports_changed();
    CHECK(b.caller.urls.empty());
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    CHECK(b.caller.urls == Urls{"a poll"});
    CHECK(b.reports->size() == 0);
    CHECK(b.reports->finished("1").has_value());
}

TEST_CASE("A place that refuses reports delays them and nothing else") {
    Fixture b;
    b.dialect.place_refuses = true;
    b.add("1", ReportStage::success);
    b.check_in->check_in_now();
    b.caller.answer(error(errors::ftp(553)));
    CHECK(b.last() == "a poll");
    b.answer();
    CHECK(b.check_in->view().last_result == "ok");
    CHECK(b.reports->size() == 1);
    const auto calls = b.caller.urls.size();
    b.check_in->reports_changed();
    CHECK(b.caller.urls.size() == calls);
}
