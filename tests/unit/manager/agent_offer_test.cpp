// SPDX-License-Identifier: Apache-2.0
// Owns the tests of standing offers of a release of the agent, in the dialects that have them.
#include "agent/manager/agent_offer.h"

#include <doctest/doctest.h>

#include <map>

#include "agent/log/log.h"
#include "agent/manager/folder_jobs.h"
#include "agent/manager/hserver.h"
#include "tests/fakes/fake_clock.h"

namespace hagent::manager {
namespace {

using errors::AgentCode;
using session::ReportStage;

struct Ends : std::map<std::string, ReportStage> {
    [[nodiscard]] Finished finished() const {
        return [this](const std::string& id) {
            const auto found = find(id);
            return found == end() ? std::nullopt : std::optional(session::Report{id, found->second, {}, 0, 0, false});
        };
    }
};

AgentOffer offer_of(const std::string& version) {
    AgentOffer offer;
    offer.version = version;
    offer.package.base_url = "http://127.0.0.1/agent/";
    offer.package.manifest_sha256 = std::string(64, 'b');
    return offer;
}

TEST_CASE("a newer release is a job, the same and an older one are none and say so") {
    const Ends none;
    auto offer = offer_of("0.2.0.0");
    offer.window = "22:00-05:00";
    offer.zone = "UTC";
    const auto made = job_of(offer, "0.1.9.9", none.finished());
    REQUIRE(made.job);
    CHECK(made.job->id == "upgrade-0.2.0.0-bbbbbbbb");
    CHECK(made.job->kind == JobKind::upgrade);
    CHECK(work::option(made.job->options, k_option_window) == "22:00-05:00");
    CHECK(work::option(made.job->options, k_option_zone) == "UTC");
    for (const char* own : {"0.2.0.0", "0.2.0.7", "0.3.0.0"}) {
        const auto no = job_of(offer, own, none.finished());
        CHECK_FALSE(no.job);
        CHECK(no.why.find(own) != std::string::npos);
    }
}

TEST_CASE("a device that was brought back to its old agent is upgraded again, one on which the release failed is not") {
    Ends ends;
    const auto offer = offer_of("0.2.0.0");
    const auto next = [&] { return job_of(offer, "0.1.0.0", ends.finished()).job; };
    ends["upgrade-0.2.0.0-bbbbbbbb"] = ReportStage::success;
    REQUIRE(next());
    CHECK(next()->id == "upgrade-0.2.0.0-bbbbbbbb-2");
    ends["upgrade-0.2.0.0-bbbbbbbb-2"] = ReportStage::success;
    CHECK(next()->id == "upgrade-0.2.0.0-bbbbbbbb-3");
    ends["upgrade-0.2.0.0-bbbbbbbb-3"] = ReportStage::failure;
    CHECK_FALSE(next());
}

TEST_CASE("a malformed offer is refused") {
    CHECK(check_offer(offer_of("1.2.3.4")).ok());
    CHECK(check_offer(offer_of("one")).error().is(AgentCode::manager_malformed_answer));
    auto offer = offer_of("1.2.3");
    offer.window = "at night";
    CHECK_FALSE(check_offer(offer).ok());
    offer.window = "mon 01:00-02:00 UTC";
    offer.zone = "../etc/passwd";
    CHECK_FALSE(check_offer(offer).ok());
}

TEST_CASE("a folder offers a release to all, to groups and to devices; the nearest counts") {
    const auto part = [](const std::string& version) {
        return R"("upgrade":{"version":")" + version + R"(","package":"agent","manifest_sha256":")" +
               std::string(64, 'b') + R"("})";
    };
    const std::string text = R"({"format":1,"serial":1,"all":{)" + part("1.0.0") + R"(},"groups":{"a":{)" +
                             part("2.0.0") + R"(},"b":{)" + part("3.0.0") +
                             R"(}},"devices":{"one":{"groups":["a","b"]},)" + R"("two":{"groups":["b"],)" +
                             part("4.0.0") + "}}}";
    const auto version_for = [&](const char* device) {
        return parse_folder_jobs(text, device).value().upgrade->version;
    };
    CHECK(version_for("other") == "1.0.0");
    CHECK(version_for("one") == "2.0.0");
    CHECK(version_for("two") == "4.0.0");
    for (const char* bad : {R"("upgrade":[])", R"("upgrade":{"version":"1.0.0","package":"a"})",
                            R"("upgrade":{"version":"1","package":"a","manifest_sha256":"00"})"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_folder_jobs(R"({"format":1,"serial":1,"all":{)" + std::string(bad) + "}}", "x").ok());
    }
}

struct Legacy {
    fakes::FakeClock clock;
    log::Log log{clock};
    Ends ends;
    HserverDialect dialect{{log, {}, false, ends.finished()}};

    std::vector<Event> ask(const std::string& body) {
        dialect.begin("http://127.0.0.1:8088", {"tc-1", {}, "digest"});
        REQUIRE(dialect.next());
        Answer answer;
        answer.status = 200;
        answer.body = body;
        REQUIRE(dialect.answered(answer).ok());
        return dialect.take_events();
    }
};

TEST_CASE("a legacy manager offers a release beside its answer, from its own folder") {
    Legacy manager;
    auto events = manager.ask("&00|ok|AU=agent/99|AUV=99.0.0.0|AUZ=UTC|");
    REQUIRE(events.size() == 2);
    CHECK(std::get<NothingOffered>(events[0]).but == std::vector<std::string>{"upgrade-99.0.0.0"});
    const auto& job = std::get<JobOffered>(events[1]).job;
    CHECK(job.id == "upgrade-99.0.0.0");
    CHECK(std::get<session::SignedPackage>(job.source).base_url == "http://127.0.0.1:8088/agent/99/");
    CHECK_FALSE(std::get<session::SignedPackage>(job.source).allow_unsigned);
    CHECK(manager.ask("&00|ok|AU=agent/99|AUV=0.0.0.1|").size() == 1);
    CHECK(manager.ask("&00|ok|AU=agent/99|AUV=nonsense|").size() == 1);
    CHECK(manager.ask("&00|ok|AU=http://192.0.2.1/agent|AUV=99.0.0|").size() == 1);  // in clear, from elsewhere
}

}  // namespace
}  // namespace hagent::manager
