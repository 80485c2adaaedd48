// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what is sent back to hawkBit, and of what its answers to that mean.
#include "agent/base/limits.h"
#include "agent/manager/hawkbit_feedback.h"
#include "tests/unit/manager/hawkbit_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using errors::AgentCode;
using session::Report;
using session::ReportStage;

TEST_CASE("Every stage has its words on the right path") {
    struct Row {
        ReportStage stage;
        const char *path, *execution, *finished;
    };
    for (const auto& row : {Row{ReportStage::accepted, "/deploymentBase/7/feedback", "proceeding", "none"},
                            Row{ReportStage::downloading, "/deploymentBase/7/feedback", "download", "none"},
                            Row{ReportStage::downloaded, "/deploymentBase/7/feedback", "downloaded", "none"},
                            Row{ReportStage::executing, "/deploymentBase/7/feedback", "proceeding", "none"},
                            Row{ReportStage::success, "/deploymentBase/7/feedback", "closed", "success"},
                            Row{ReportStage::failure, "/deploymentBase/7/feedback", "closed", "failure"},
                            Row{ReportStage::cancelled, "/cancelAction/7/feedback", "closed", "success"}}) {
        Server s;
        const auto [path, body] = s.report({"7", row.stage, {"m"}, 0, 0});
        CHECK(path == row.path);
        CHECK(body["status"]["execution"] == row.execution);
        CHECK(body["status"]["result"]["finished"] == row.finished);
        CHECK(body["status"]["details"] == json{"m"});
    }
}

TEST_CASE("Progress counts steps, and is left out when there is nothing to count") {
    Server s;
    CHECK(s.report({"7", ReportStage::executing, {}, 2, 5}).second["status"]["result"]["progress"] ==
          json{{"cnt", 2}, {"of", 5}});
    CHECK_FALSE(s.report({"7", ReportStage::accepted, {}, 0, 0}).second["status"]["result"].contains("progress"));
}

TEST_CASE("Trap 1: no report carries a timestamp") {
    Server s;
    for (const auto stage : {ReportStage::accepted, ReportStage::success, ReportStage::cancelled}) {
        const auto body = s.report({"7", stage, {"m"}, 0, 0}).second;
        CHECK_FALSE(body.contains("timestamp"));
        CHECK_FALSE(body.contains("time"));
        CHECK(body["id"] == "7");  // some older servers compare it with the address
    }
}

TEST_CASE("Trap 2: 404, 405 and 410 mean that nobody wants the report any more") {
    Server s;
    for (const int status : {404, 405, 410}) {
        CHECK(s.dialect.delivered({"7", ReportStage::success, {}, 0, 0}, answer(status)) == Delivery::obsolete);
        CHECK(s.dialect.delivered({"7", ReportStage::executing, {}, 0, 0}, answer(status)) == Delivery::obsolete);
        CHECK(s.dialect.delivered({"7", ReportStage::cancelled, {}, 0, 0}, answer(status)) == Delivery::obsolete);
    }
}

TEST_CASE("A report is delivered by any 2xx, and tried again after what may pass") {
    Server s;
    const Report report{"7", ReportStage::success, {}, 0, 0};
    CHECK(s.dialect.delivered(report, answer(200)) == Delivery::acknowledged);
    CHECK(s.dialect.delivered(report, answer(204)) == Delivery::acknowledged);
    for (const int status : {301, 401, 403, 408, 429, 500, 502, 503}) {
        CHECK(s.dialect.delivered(report, answer(status)) == Delivery::again);
    }
    CHECK(s.dialect.delivered(report, error(AgentCode::connect_timeout)) == Delivery::again);
}

TEST_CASE("Trap 3: a job that is refused is closed as failed, not rejected") {
    Server s;
    const auto body = s.report({"7", ReportStage::failure, {"agent-1706: no"}, 0, 0}).second;
    CHECK(body["status"]["execution"] == "closed");
    CHECK(body["status"]["result"]["finished"] == "failure");
}

TEST_CASE("Trap 4: a cancel that comes too late is rejected on the cancel path, and the job goes on") {
    Server s;
    const auto call = s.dialect.refuse_cancel(k_url, s.identity, "7");
    CHECK(Server::key(call) == "POST /cancelAction/7/feedback");
    CHECK(json::parse(call.body)["status"]["execution"] == "rejected");
    CHECK(json::parse(call.body)["status"]["result"]["finished"] == "none");
    CHECK(s.report({"7", ReportStage::success, {}, 0, 0}).first == "/deploymentBase/7/feedback");
}

TEST_CASE("A job that was cancelled here but is deployed there again is closed as failed, so that it ends") {
    Server s;
    s.settle();
    (void)s.job(script_deployment());
    const auto [path, body] = s.report({"7", ReportStage::cancelled, {}, 0, 0});
    CHECK(path == "/deploymentBase/7/feedback");
    CHECK(body["status"]["result"]["finished"] == "failure");
    CHECK(s.report({"8", ReportStage::cancelled, {}, 0, 0}).first == "/cancelAction/8/feedback");
}

TEST_CASE("Trap 7: messages are few, short and free of markup and control bytes") {
    std::vector<std::string> messages(100, "<b>a & b</b>\r\n\t\x1b[2J\x7f" + std::string(1000, 'x'));
    messages.back() = "the last one";
    Server s;
    const auto details = s.report({"7", ReportStage::success, messages, 0, 0}).second["status"]["details"];
    CHECK(details.size() == limits::k_report_messages);
    CHECK(details.size() <= 50);
    CHECK(details.back() == "the last one");
    for (const auto& entry : details) {
        const auto text = entry.get<std::string>();
        CHECK(text.size() <= 512);
        for (const char c : text) {
            CHECK(std::string_view("<>&").find(c) == std::string_view::npos);
            CHECK((static_cast<unsigned char>(c) >= 0x20 && c != '\x7f'));
        }
    }
}

TEST_CASE("Trap 7: text that is no UTF-8 is still sent as UTF-8, and never cut inside a character") {
    Server s;
    std::string umlauts = "a";
    for (int i = 0; i < 500; ++i) {
        umlauts += "\xc3\xbc";
    }
    const auto details =
        s.report({"7", ReportStage::success, {"gr\xfc\xdf", umlauts, "  ", ""}, 0, 0}).second["status"]["details"];
    REQUIRE(details.size() == 2);
    CHECK(details[0] == "gr\xc3\xbc\xc3\x9f");
    CHECK(details[1].get<std::string>().size() == 479);
}

TEST_CASE("A final report that is refused as written is sent once more in plain words, then given up") {
    Server s;
    const Report report{"7", ReportStage::failure, {"odd \xe2\x98\xa0 text"}, 1, 2};
    CHECK(s.dialect.delivered(report, answer(400)) == Delivery::reworded);
    const auto body = s.report(report).second;
    CHECK(body["status"]["result"] == json{{"finished", "failure"}});
    REQUIRE(body["status"]["details"].size() == 1);
    for (const char c : body["status"]["details"][0].get<std::string>()) {
        CHECK((std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ' ' || c == '.'));
    }
    CHECK(s.report({"8", ReportStage::failure, {"other"}, 0, 0}).second["status"]["details"] == json{"other"});
    CHECK(s.dialect.delivered(report, answer(400)) == Delivery::obsolete);
}

TEST_CASE("Progress that is refused as written is dropped") {
    Server s;
    CHECK(s.dialect.delivered({"7", ReportStage::executing, {"x"}, 0, 0}, answer(400)) == Delivery::obsolete);
    CHECK(s.dialect.delivered({"7", ReportStage::executing, {"x"}, 0, 0}, answer(413)) == Delivery::obsolete);
}

TEST_CASE("An id is encoded in the address, so it cannot lead to another resource") {
    Server s;
    CHECK(
        s.report({"../x?y#z", ReportStage::success, {}, 0, 0}).first.find("/deploymentBase/..%2Fx%3Fy%23z/feedback") ==
        0);
}
