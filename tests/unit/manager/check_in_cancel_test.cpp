// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what CheckIn does with offers and cancels, before, during and after a job.
#include "tests/fakes/job_source.h"
#include "tests/unit/manager/check_in_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using session::CancelOutcome;
using session::Offer;
using session::ReportStage;
using Urls = std::vector<std::string>;

namespace {

Event offered(const std::string& id) { return JobOffered{Fixture::job(id)}; }
Event cancel(const std::string& id) { return CancelAsked{id}; }

/// What was called after the poll.
Urls after_poll(const Fixture& b) {
    const auto poll = std::find_if(b.caller.urls.rbegin(), b.caller.urls.rend(),
                                   [](const auto& url) { return url.ends_with(" poll"); });
    return {poll.base(), b.caller.urls.end()};
}

}  // namespace

TEST_CASE("An offered job is handed on as it came") {
    Fixture b;
    b.poll({offered("1")});
    REQUIRE(b.jobs.offered.size() == 1);
    CHECK(b.jobs.offered[0].id == "1");
    CHECK(b.jobs.offered[0].execute);
}

TEST_CASE("A job that is offered again is handed on again: it may be executed by now") {
    Fixture b;
    auto later = Fixture::job("1");
    later.execute = false;
    b.poll({JobOffered{later}});
    CHECK_FALSE(b.jobs.offered[0].execute);
    b.poll({offered("1")});
    CHECK(b.jobs.offered[1].execute);
}

TEST_CASE("The device's own maintenance window holds back every job, not the check-in") {
    Fixture b;
    b.window_open = false;
    b.poll({offered("1")});
    CHECK_FALSE(b.jobs.offered[0].execute);
    b.window_open = true;
    b.poll({offered("1")});
    CHECK(b.jobs.offered[1].execute);
}

TEST_CASE("A job that finds no room is offered again by the manager, and nothing is reported") {
    Fixture b;
    b.jobs.offer_result = Offer::full;
    b.poll({offered("1")});
    CHECK(b.reports->size() == 0);
    CHECK(after_poll(b).empty());
}

TEST_CASE("Trap 6: a job that ended here is answered with its result, not done again") {
    Fixture b;
    b.poll({offered("1")});
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.answer();
    b.timers.advance(Seconds{1});
    b.dialect.events = {offered("1")};
    b.answer();
    CHECK(b.jobs.offered.size() == 1);
    CHECK(after_poll(b) == Urls{"a report 1 success"});
}

TEST_CASE("A manager that offers a finished job for ever does not get us into a tight circle") {
    Fixture b;
    b.add("1", ReportStage::success);
    int calls = 0;
    b.check_in->check_in_now();
    for (int second = 0; second < 3600; ++second) {
        while (b.caller.waits()) {
            ++calls;
            b.dialect.events = {offered("1")};
            b.answer();
        }
        b.timers.advance(Seconds{1});
    }
    CHECK(b.jobs.offered.empty());
    CHECK(calls < 40);  // a poll and a report every five minutes
}

TEST_CASE("A job with a known id but another content is a new job") {
    Fixture b;
    b.poll({offered("1")});
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.answer();
    b.timers.advance(Seconds{1});
    auto other = Fixture::job("1");
    session::signed_package(other).artifacts.push_back({"new.rsp", "http://x/new.rsp", 5, std::string(64, 'a'), ""});
    b.dialect.events = {JobOffered{other}};
    b.answer();
    CHECK(b.jobs.offered.size() == 2);
}

TEST_CASE("The order of artifacts and their addresses do not make another job") {
    Fixture b;
    auto job = Fixture::job("1");
    session::signed_package(job).artifacts = {{"a", "http://one/a", 1, "", "x"}, {"b", "http://one/b", 2, "", "y"}};
    b.poll({JobOffered{job}});
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.answer();
    b.timers.advance(Seconds{1});
    session::signed_package(job).artifacts = {{"b", "http://two/b", 2, "", "y"}, {"a", "http://two/a", 1, "", "x"}};
    b.dialect.events = {JobOffered{job}};
    b.answer();
    CHECK(b.jobs.offered.size() == 1);
}

TEST_CASE("Trap 3: a job that cannot be done is reported as failed with the reason, once") {
    Fixture b;
    b.poll({JobRefused{"1", error(errors::AgentCode::job_unsupported, "hagent.kind 'coffee'")}});
    CHECK(after_poll(b) == Urls{"a report 1 failure"});
    CHECK(b.reports->finished("1").value().stage == ReportStage::failure);
    b.answer();
    b.timers.advance(Seconds{1});
    CHECK(b.last() == "a poll");
}

TEST_CASE("Cancel before the beginning: the job is dropped and that is reported") {
    for (const auto outcome : {CancelOutcome::dropped, CancelOutcome::unknown}) {
        Fixture b;
        b.jobs.cancel_result = outcome;
        b.poll({cancel("1")});
        CHECK(b.jobs.cancelled == Urls{"1"});
        CHECK(after_poll(b) == Urls{"a report 1 cancelled"});
    }
}

TEST_CASE("Cancel while the job downloads: its session stops and reports that itself") {
    Fixture b;
    b.jobs.cancel_result = CancelOutcome::stopping;
    b.poll({cancel("1")});
    CHECK(after_poll(b).empty());
    CHECK(b.reports->size() == 0);
    b.timers.advance(Seconds{1});
    b.add("1", ReportStage::cancelled);
    b.check_in->reports_changed();
    CHECK(b.last() == "a report 1 cancelled");
    b.answer();
    CHECK(b.last() == "a poll");  // drained
}

TEST_CASE("Trap 4: cancel while the device is being changed is refused, and the job goes on to its result") {
    Fixture b;
    b.jobs.cancel_result = CancelOutcome::too_late;
    b.poll({cancel("1")});
    CHECK(after_poll(b) == Urls{"a refuse 1"});
    b.answer();
    CHECK(b.reports->size() == 0);
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    CHECK(b.last() == "a report 1 success");
}

TEST_CASE("Trap 4: cancel after the end is refused first, and then the result is told") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.answer();
    b.dialect.events = {cancel("1")};
    b.answer();
    CHECK(after_poll(b) == Urls{"a refuse 1"});
    b.answer();
    CHECK(after_poll(b) == Urls{"a refuse 1", "a report 1 success"});
    CHECK(b.jobs.cancelled.empty());
}

TEST_CASE("Trap 4: the result is told also when the refusal is not wanted any more") {
    Fixture b;
    b.add("1", ReportStage::failure);
    b.check_in->reports_changed();
    b.answer();
    b.dialect.events = {cancel("1")};
    b.answer();
    b.answer(405);
    CHECK(after_poll(b) == Urls{"a refuse 1", "a report 1 failure"});
}

TEST_CASE("A refusal that gets no answer is given again at the next check-in") {
    Fixture b;
    b.jobs.cancel_result = CancelOutcome::too_late;
    b.poll({cancel("1")});
    b.no_answer();
    CHECK(b.check_in->view().failures == 1);
    b.poll({cancel("1")});
    CHECK(after_poll(b) == Urls{"a refuse 1"});
}

TEST_CASE("A cancel that was answered is answered again when the manager did not notice") {
    Fixture b;
    b.jobs.cancel_result = CancelOutcome::dropped;
    b.poll({cancel("1")});
    b.answer();
    b.timers.advance(Seconds{1});
    b.dialect.events = {cancel("1")};
    b.answer();
    CHECK(b.jobs.cancelled.size() == 1);
    CHECK(after_poll(b) == Urls{"a report 1 cancelled"});
}

TEST_CASE("A session that ended between the question and the stop keeps its result") {
    Fixture b;
    b.jobs.cancel_result = CancelOutcome::unknown;
    b.check_in->check_in_now();
    b.add("1", ReportStage::success);
    b.dialect.events = {cancel("1")};
    b.answer();
    CHECK(b.last() == "a refuse 1");
}

TEST_CASE("When nothing is offered, jobs that wait for permission to execute are not wanted any more") {
    Fixture b;
    b.jobs.waits = {"1", "2"};
    b.poll({offered("1")});
    CHECK(b.jobs.cancelled.empty());
    b.poll({NothingOffered{}});
    CHECK(b.jobs.cancelled == Urls{"1", "2"});
}

TEST_CASE("A job that comes to its wait after nothing was offered is dropped then") {
    Fixture b;
    b.poll({NothingOffered{}});
    b.jobs.waits = {"1"};
    b.check_in->jobs_idle();
    CHECK(b.jobs.cancelled == Urls{"1"});
    b.jobs.cancelled.clear();
    b.poll({offered("1")});
    b.check_in->jobs_idle();
    CHECK(b.jobs.cancelled.empty());
}
