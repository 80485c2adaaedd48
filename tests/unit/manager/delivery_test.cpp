// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the delivery of reports by itself, with nobody who checks in.
#include "agent/manager/delivery.h"

#include "agent/errors/catalogue.h"
#include "tests/unit/manager/check_in_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using session::ReportStage;
using Lines = std::vector<std::string>;

namespace {

/// Delivers whatever is ready, and notes what it is told.
class Site final : public DeliveryObserver {
public:
    Site() {
        files.put_directory("/state");
        reports = ReportQueue::open(files, "/state/reports").value();
        delivery = std::make_unique<ReportDelivery>(
            DeliveryServices{dialect, caller, timers, *reports, clock, log, random}, *this);
    }

    void add(const std::string& job_id, ReportStage stage) { REQUIRE(reports->add({job_id, stage, {"m"}, 0, 0}).ok()); }
    void go_on() override {
        while (delivery->ready()) {
            delivery->deliver("a", {"tc-1", {}, "d"});
        }
    }
    void answer(int status = 200) { caller.answer(Fixture::status(status)); }
    void say_nothing() { caller.answer(error(errors::AgentCode::connect_timeout)); }

    fakes::FakeClock clock;
    fakes::FakeFiles files;
    log::Log log{clock};
    PlainDialect dialect;
    HandCaller caller;
    HandTimers timers{clock};
    std::unique_ptr<ReportQueue> reports;
    std::uint64_t chance = 0;
    std::function<std::uint64_t()> random = [this] { return chance; };
    std::unique_ptr<ReportDelivery> delivery;
    Lines told;

private:
    void result_told(bool more) override { told.emplace_back(more ? "result, more follow" : "result"); }
    void no_answer(const Error& why) override { told.emplace_back("no answer: " + errors::id_text(why.id)); }
};

const std::string k_silence = "no answer: " + errors::id_text(errors::agent(errors::AgentCode::connect_timeout));

}  // namespace

TEST_CASE("Reports go out one after the other, the oldest first, each when the one before was taken") {
    Site site;
    CHECK_FALSE(site.delivery->ready());
    CHECK(site.delivery->settled());
    site.add("1", ReportStage::executing);
    site.add("2", ReportStage::success);
    CHECK(site.delivery->ready());
    CHECK_FALSE(site.delivery->settled());
    site.go_on();
    CHECK(site.delivery->busy());
    CHECK_FALSE(site.delivery->ready());
    CHECK(site.caller.urls == Lines{"a report 1 executing"});
    site.answer();
    CHECK(site.caller.urls == Lines{"a report 1 executing", "a report 2 success"});
    CHECK(site.told.empty());  // progress is no news about the next job
    site.answer();
    CHECK(site.told == Lines{"result"});
    CHECK(site.reports->size() == 0);
    CHECK_FALSE(site.delivery->busy());
    CHECK(site.timers.size() == 0);
}

TEST_CASE("What has piled up goes out with a pause after each, and is not settled meanwhile") {
    Site site;
    site.chance = 250;
    for (int job = 1; job <= 6; ++job) {
        site.add(std::to_string(job), ReportStage::success);
    }
    site.go_on();
    site.answer();
    CHECK(site.told == Lines{"result, more follow"});
    CHECK_FALSE(site.caller.waits());
    CHECK_FALSE(site.delivery->settled());
    CHECK(site.timers.next() == Millis{1'250});
    site.timers.advance(Millis{1'250});
    CHECK(site.caller.urls.back() == "a report 2 success");
    site.answer();
    CHECK(site.told.back() == "result");  // four are few
    CHECK(site.caller.urls.back() == "a report 3 success");
}

TEST_CASE("A refusal waits its time, and an answer to a check-in does not shorten it") {
    Site site;
    site.chance = 15'000;
    site.add("1", ReportStage::success);
    site.go_on();
    site.answer(500);
    CHECK(site.told.empty());
    CHECK_FALSE(site.delivery->ready());
    CHECK(site.delivery->settled());  // nothing can be done now
    site.delivery->manager_answered();
    CHECK_FALSE(site.delivery->ready());
    site.timers.advance(Millis{14'999});
    CHECK(site.caller.urls.size() == 1);
    site.timers.advance(Millis{1});
    CHECK(site.caller.urls.size() == 2);
}

TEST_CASE("The manager's own wish for a wait is kept") {
    Site site;
    site.add("1", ReportStage::success);
    site.go_on();
    auto busy = Fixture::status(503);
    busy.retry_after = Seconds{90};
    site.caller.answer(busy);
    CHECK(site.timers.next() == Seconds{90});
}

TEST_CASE("Silence is told, and ends with the first answer to a check-in") {
    Site site;
    site.chance = 15'000;
    site.add("1", ReportStage::success);
    site.go_on();
    site.say_nothing();
    CHECK(site.told == Lines{k_silence});
    CHECK_FALSE(site.delivery->ready());
    site.delivery->manager_answered();
    CHECK(site.delivery->ready());
}

TEST_CASE("A place that refuses is no silence") {
    Site site;
    site.dialect.place_refuses = true;
    site.add("1", ReportStage::success);
    site.go_on();
    site.say_nothing();
    CHECK(site.told.empty());
    CHECK_FALSE(site.delivery->ready());
}

TEST_CASE("A dialect that takes no reports is done with them without a call, one that does not know yet waits") {
    Site site;
    site.dialect.where = Reporting::later;
    site.add("1", ReportStage::success);
    CHECK_FALSE(site.delivery->ready());
    CHECK(site.delivery->settled());
    site.dialect.where = Reporting::unwanted;
    site.go_on();
    CHECK(site.caller.urls.empty());
    CHECK(site.told == Lines{"result"});
    CHECK(site.reports->size() == 0);
}

TEST_CASE("A result that is sent again tells once more, and then no more") {
    Site site;
    site.delivery->repeat("1");  // nothing has ended
    CHECK(site.reports->size() == 0);
    site.add("1", ReportStage::success);
    for (int times = 0; times < 4; ++times) {
        site.go_on();
        site.answer();
        site.delivery->repeat("1");
    }
    CHECK(site.told == Lines{"result", "result"});
    CHECK(site.caller.urls.size() == 4);
}

TEST_CASE("A report of its own is kept, and survives that the delivery goes away on its way") {
    Site site;
    site.delivery->add({"1", ReportStage::failure, {"odd artifact"}, 0, 0});
    site.go_on();
    REQUIRE(site.caller.waits());
    site.delivery.reset();
    CHECK_FALSE(site.caller.waits());
    CHECK(site.reports->size() == 1);
    CHECK(ReportQueue::open(site.files, "/state/reports").value()->size() == 1);
}

TEST_CASE("When it goes away during a wait it takes its timer along") {
    Site site;
    site.add("1", ReportStage::success);
    site.go_on();
    site.answer(500);
    REQUIRE(site.timers.size() == 1);
    site.delivery.reset();
    CHECK(site.timers.size() == 0);
}
