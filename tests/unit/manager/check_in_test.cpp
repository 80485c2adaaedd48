// SPDX-License-Identifier: Apache-2.0
// Owns the tests of when CheckIn talks to the manager and where.
#include "tests/unit/manager/check_in_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using session::ReportStage;
using Urls = std::vector<std::string>;

/// Its poll has an address that can be read.
struct AddressedDialect final : PlainDialect {
    void begin(const std::string& manager_url, const Identity& identity) override {
        PlainDialect::begin(manager_url, identity);
        poll = Call{transfer::Method::get, manager_url + "poll", {}, {}};
    }
    [[nodiscard]] std::optional<Call> next() override { return std::exchange(poll, std::nullopt); }
    std::optional<Call> poll;
};

TEST_CASE("any answer over TLS shows that the manager was reached, one in clear text does not") {
    for (const bool encrypted : {true, false}) {
        FixtureOf<AddressedDialect> b({encrypted ? "https://a/" : "http://a/"});
        b.check_in->start();
        b.no_answer();
        CHECK_FALSE(b.check_in->view().last_answer.has_value());
        for (const int status : {500, 401, 200}) {
            b.check_in->check_in_now();
            b.timers.advance(Seconds{1});
            const auto before = b.check_in->view().last_answer;
            b.answer(status);
            CHECK((b.check_in->view().last_answer != before) == encrypted);
            CHECK(b.check_in->view().last_success.has_value() == (status == 200));
        }
    }
}

TEST_CASE("a trial asks at once, and again soon while nobody answers") {
    Fixture b({"a"}, {Seconds{3600}, Seconds{600}}, UINT64_MAX / 2);
    b.check_in->hurry(true);
    b.check_in->start();
    REQUIRE(b.caller.waits());
    b.chance = 29'999;
    b.no_answer();
    CHECK(b.timers.next() == Millis{29'999});
    b.timers.advance(Seconds{30});
    b.check_in->hurry(false);
    b.no_answer();
    b.chance = 3'000'000;
    b.check_in->check_in_now();
    b.timers.advance(Seconds{1});
    b.no_answer();
    CHECK(b.timers.next() == Millis{3'000'000});
}

TEST_CASE("The first check-in falls into the spread window, the next one follows after the interval") {
    Fixture b({"a"}, {Seconds{300}, Seconds{60}}, 0xB333'3334'0000'0000);  // seven tenths
    b.chance = 1;
    b.check_in->start();
    b.timers.advance(Millis{41'999});
    CHECK(b.caller.urls.empty());
    b.timers.advance(Millis{1});
    CHECK(b.caller.urls == Urls{"a poll"});
    b.chance = 0;
    b.answer();
    CHECK(b.timers.next() == Seconds{300});
    b.timers.advance(Seconds{300});
    CHECK(b.caller.urls.size() == 2);
}

TEST_CASE("The first waits after a start vary by half, then by a tenth") {
    Fixture b;
    b.check_in->check_in_now();
    b.chance = 149'999;
    for (int wait = 0; wait < static_cast<int>(k_settling_waits); ++wait) {
        b.answer();
        CHECK(b.timers.next() == Seconds{150} + Millis{1});
        b.timers.advance(Seconds{151});
    }
    b.answer();
    CHECK(b.timers.next() == Seconds{300} - Millis{149'999 % 30'000});
}

TEST_CASE("The manager's own interval is kept") {
    Fixture b;
    b.dialect.hint = Seconds{30};
    b.poll();
    CHECK(b.timers.next() == Seconds{30});
}

TEST_CASE("What is shown follows the check-ins") {
    Fixture b({"https://user:secret@manager.example"});
    CHECK(b.check_in->view().url == "https://manager.example");
    CHECK(b.check_in->view().dialect == "plain");
    CHECK_FALSE(b.check_in->view().registered);
    CHECK(b.check_in->view().last_result.empty());
    b.poll();
    auto view = b.check_in->view();
    CHECK(view.registered);
    CHECK(view.last_result == "ok");
    CHECK(view.last_check_in.has_value());
    CHECK(view.last_success == b.clock.wall());
    REQUIRE(view.next_check_in.has_value());
    CHECK(view.next_check_in->since_epoch - b.clock.wall().since_epoch == Seconds{300});
    b.check_in->check_in_now();
    b.timers.advance(Seconds{1});
    CHECK_FALSE(b.check_in->view().next_check_in.has_value());
    b.no_answer();
    view = b.check_in->view();
    CHECK(view.registered);
    CHECK(view.failures == 1);
    CHECK(view.last_error->is(errors::AgentCode::connect_timeout));
    CHECK(view.last_result.find("did not accept") != std::string::npos);
    CHECK(b.changes > 2);
}

TEST_CASE("Triggers come together: check-ins never begin within a second, and none is lost") {
    Fixture b;
    b.poll();
    const auto before = b.caller.urls.size();
    for (int i = 0; i < 100; ++i) {
        b.check_in->check_in_now();
    }
    b.timers.advance(Seconds{1});
    CHECK(b.caller.urls.size() == before + 1);
    b.check_in->check_in_now();  // while one is under way: its news may be too old
    b.answer();
    CHECK_FALSE(b.check_in->quiet());
    b.timers.advance(Seconds{1});
    CHECK(b.caller.urls.size() == before + 2);
    b.answer();
    CHECK(b.timers.next() == Seconds{300});
}

TEST_CASE("Failures back off with jitter, and a success ends that") {
    Fixture b;
    b.check_in->check_in_now();
    b.chance = 500'000;
    for (const auto ceiling : {600'000, 1'200'000, 2'400'000, 3'600'000, 3'600'000}) {
        b.no_answer();
        CHECK(b.timers.next() == Millis{500'000 % ceiling});
        b.timers.advance(Millis{500'000 % ceiling});
    }
    CHECK(b.check_in->view().failures == 5);
    b.chance = 0;
    b.answer();
    CHECK(b.check_in->view().failures == 0);
    CHECK(b.timers.next() == Seconds{300});
}

TEST_CASE("A manager that asks for fewer requests is obeyed, and the next address is left alone") {
    Fixture b({"a", "b"});
    b.check_in->check_in_now();
    auto busy = Fixture::status(429);
    busy.retry_after = Seconds{100};
    b.caller.answer(busy);
    CHECK(b.timers.next() == Seconds{100});
    CHECK(b.caller.urls == Urls{"a poll"});
    b.timers.advance(Seconds{100});
    CHECK(b.last() == "a poll");
}

TEST_CASE("A failed check-in goes on with the next address at once; back-off begins when all have failed") {
    Fixture b({"a", "b", "c"});
    b.check_in->check_in_now();
    b.no_answer();
    b.answer(500);
    CHECK(b.check_in->view().failures == 0);
    CHECK_FALSE(b.check_in->quiet());
    b.no_answer();
    CHECK(b.caller.urls == Urls{"a poll", "b poll", "c poll"});
    CHECK(b.check_in->view().failures == 1);
    CHECK(b.check_in->quiet());
    b.timers.advance(Seconds{1});
    CHECK(b.last() == "a poll");
}

TEST_CASE("The first address is preferred again after ten minutes, and lost again without delay") {
    Fixture b({"a", "b"});
    b.check_in->check_in_now();
    b.no_answer();
    b.answer();
    CHECK(b.check_in->view().url == "b");
    b.timers.advance(Seconds{300});
    CHECK(b.last() == "b poll");
    b.answer();
    b.timers.advance(Seconds{300});
    CHECK(b.last() == "a poll");
    b.no_answer();
    CHECK(b.last() == "b poll");
    b.answer();
    b.timers.advance(Seconds{300});
    CHECK(b.last() == "b poll");
    b.answer();
    b.timers.advance(Seconds{300});
    CHECK(b.last() == "a poll");
    b.answer();
    b.timers.advance(Seconds{300});
    CHECK(b.last() == "a poll");
}

TEST_CASE("A report is delivered soon after it was made") {
    Fixture b;
    b.add("1", ReportStage::executing);
    b.check_in->reports_changed();
    CHECK(b.caller.urls == Urls{"a report 1 executing"});
    b.answer();
    CHECK(b.check_in->view().reports_waiting == 0);
    CHECK(b.timers.size() == 0);  // progress is no reason to check in
}

TEST_CASE("Reports that wait go out before the news is asked for") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.add("2", ReportStage::accepted);
    b.check_in->check_in_now();
    b.answer();
    b.answer();
    b.answer();
    CHECK(b.caller.urls == Urls{"a report 1 success", "a report 2 accepted", "a poll"});
    CHECK(b.timers.next() == Seconds{300});  // the news came after the final report: no need to look again
}

TEST_CASE("Trap 10: after a final report the next job is asked for at once") {
    Fixture b;
    b.poll({JobOffered{Fixture::job("1")}});
    b.timers.advance(Seconds{5});
    b.add("1", ReportStage::failure);
    b.check_in->reports_changed();
    b.answer();
    CHECK(b.last() == "a poll");
    b.dialect.events = {JobOffered{Fixture::job("2")}};
    b.answer();
    CHECK(b.jobs.offered.size() == 2);
    b.add("2", ReportStage::success);  // within a second of the last check-in: the gap is kept
    b.check_in->reports_changed();
    b.answer();
    CHECK(b.caller.urls.back() == "a report 2 success");
    b.timers.advance(Seconds{1});
    CHECK(b.last() == "a poll");
}

TEST_CASE("A report that nobody wants any more is dropped, and the next job asked for") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.answer(410);
    CHECK(b.reports->size() == 0);
    CHECK(b.last() == "a poll");
}

TEST_CASE("A report that was refused as written goes out again at once") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.answer(400);
    CHECK(b.caller.urls == Urls{"a report 1 success", "a report 1 success"});
    b.answer();
    CHECK(b.reports->size() == 0);
}

TEST_CASE("A report that cannot be delivered waits longer each time, whatever is added meanwhile") {
    Fixture b;
    b.chance = 15'000;
    b.add("1", ReportStage::executing);
    b.check_in->reports_changed();
    b.answer(500);
    CHECK(b.timers.next() == Millis{15'000});
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    CHECK(b.caller.urls.size() == 1);
    b.timers.advance(Millis{15'000});
    CHECK(b.last() == "a report 1 success");
    b.chance = 39'999;
    b.answer(500);
    CHECK(b.timers.next() == Millis{39'999});
}

TEST_CASE("A server that refuses a report is still asked for news; one that does not answer is not") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.check_in->check_in_now();
    b.answer(500);
    CHECK(b.last() == "a poll");
    b.answer();
    CHECK(b.check_in->view().last_result == "ok");

    Fixture c;
    c.add("1", ReportStage::success);
    c.check_in->check_in_now();
    c.no_answer();
    CHECK(c.caller.urls == Urls{"a report 1 success"});
    CHECK(c.check_in->view().failures == 1);
}

TEST_CASE("After an outage the first check-in that succeeds sends what waits at once") {
    Fixture b;
    b.chance = 3'599'999;
    b.add("1", ReportStage::success);
    for (int i = 0; i < 12; ++i) {
        b.check_in->check_in_now();
        b.timers.advance(Seconds{1});
        if (!b.caller.waits()) {
            continue;
        }
        b.no_answer();
    }
    b.check_in->check_in_now();
    b.timers.advance(Seconds{1});
    CHECK(b.last() == "a poll");  // the report itself still waits for its time
    b.chance = 0;
    b.answer();
    CHECK(b.last() == "a report 1 success");
    b.answer();
    CHECK(b.reports->size() == 0);
}

TEST_CASE("Fail-over takes the reports along") {
    Fixture b({"a", "b"});
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.no_answer();
    b.timers.advance(Seconds{20});
    CHECK(b.last() == "b report 1 success");
}

TEST_CASE("One `check-in --once` is quiet when nothing is offered") {
    Fixture b;
    CHECK_FALSE(b.check_in->quiet());
    b.check_in->check_in_until_quiet();
    CHECK_FALSE(b.check_in->quiet());
    b.answer();
    CHECK(b.check_in->quiet());
}

TEST_CASE("One `check-in --once` is quiet when the last job has ended, is reported, and no other one is offered") {
    Fixture b;
    b.check_in->check_in_until_quiet();
    b.dialect.events = {JobOffered{Fixture::job("1")}};
    b.jobs.is_idle = false;
    b.answer();
    CHECK_FALSE(b.check_in->quiet());
    b.timers.advance(Seconds{5});
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.jobs.is_idle = true;
    b.check_in->jobs_idle();
    CHECK_FALSE(b.check_in->quiet());  // the report is on its way
    b.answer();
    CHECK_FALSE(b.check_in->quiet());  // the next check-in is
    b.answer();
    CHECK(b.check_in->quiet());
}

TEST_CASE("One `check-in --once` is quiet when the manager cannot be reached, with the reports kept") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.check_in->check_in_until_quiet();
    b.no_answer();
    CHECK(b.check_in->quiet());
    CHECK(b.check_in->view().last_error.has_value());
    CHECK(b.reports->size() == 1);
}

TEST_CASE("One `check-in --once` asks again when a job came to its wait only after the manager's answer") {
    Fixture b;
    b.jobs.is_idle = false;  // a session of an earlier day goes on
    b.check_in->check_in_until_quiet();
    b.dialect.events = {NothingOffered{}};
    b.answer();
    CHECK_FALSE(b.check_in->quiet());
    b.timers.advance(Seconds{5});
    b.jobs.waits = {"1"};
    b.jobs.is_idle = true;  // the worker has it at rest; the loop has not heard of that yet
    CHECK_FALSE(b.check_in->quiet());
    b.jobs.is_idle = false;
    b.check_in->jobs_idle();  // drops it, and its session goes on to its end
    CHECK(b.jobs.cancelled == Urls{"1"});
    b.jobs.waits.clear();
    b.jobs.is_idle = true;
    b.check_in->jobs_idle();
    CHECK(b.caller.urls == Urls{"a poll", "a poll"});
    CHECK_FALSE(b.check_in->quiet());
    b.dialect.events = {NothingOffered{}};
    b.answer();
    CHECK(b.check_in->quiet());
}

TEST_CASE("One `check-in --once` asks again at the end of a check-in during which the jobs came to rest") {
    Fixture b;
    b.jobs.is_idle = false;
    b.check_in->check_in_until_quiet();
    b.jobs.is_idle = true;
    b.check_in->jobs_idle();
    CHECK(b.caller.urls.size() == 1);
    b.answer();
    CHECK_FALSE(b.check_in->quiet());
    b.timers.advance(Seconds{1});
    CHECK(b.caller.urls.size() == 2);
    b.answer();
    CHECK(b.check_in->quiet());
}

TEST_CASE("One `check-in --once` does not ask again when the manager cannot be reached") {
    Fixture b;
    b.jobs.is_idle = false;
    b.check_in->check_in_until_quiet();
    b.no_answer();
    b.jobs.is_idle = true;
    b.check_in->jobs_idle();
    CHECK(b.check_in->quiet());
    CHECK(b.caller.urls.size() == 1);
}

TEST_CASE("One `check-in --once` is not quiet when a session adds its report just before it is over") {
    Fixture b;
    b.check_in->check_in_until_quiet();
    b.answer();
    REQUIRE(b.check_in->quiet());
    b.jobs.asked = [&] { b.add("1", ReportStage::success); };  // and has ended when the question is answered
    CHECK_FALSE(b.check_in->quiet());
}

TEST_CASE("When it goes away it takes its call and its timers along") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.check_in->start();
    b.check_in->check_in_now();
    REQUIRE(b.caller.waits());
    b.check_in.reset();
    CHECK_FALSE(b.caller.waits());
    CHECK(b.timers.size() == 0);
}

TEST_CASE("When the queue cannot be written a delivered report is not sent in a circle") {
    Fixture b;
    b.add("1", ReportStage::success);
    b.check_in->reports_changed();
    b.files.set_read_only(true);
    b.answer();
    CHECK(b.caller.urls.size() == 1);
    CHECK_FALSE(b.caller.waits());
    b.files.set_read_only(false);
    b.timers.advance(Seconds{20});
    CHECK(b.caller.waits());
    b.answer();
    CHECK(b.reports->size() == 0);
}
