// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the listener's paths.
#include "agent/status/api.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/trust/digest.h"
#include "tests/unit/status/sample.h"

namespace hagent::status {
namespace {

struct Fixture {
    Fixture() {
        add_routes(router,
                   std::make_shared<const ApiServices>(ApiServices{board, ring, [] { return sample_agent("x"); },
                                                                   [this](const std::string& peer) {
                                                                       asked_by = peer;
                                                                       return trigger_answer;
                                                                   },
                                                                   [this](const std::string& id) {
                                                                       cancelled = id;
                                                                       return outcome;
                                                                   },
                                                                   [this](const std::string& job) {
                                                                       released = job;
                                                                       return release_answer;
                                                                   },
                                                                   [this] { return confirm_answer; }}));
        board.publish(sample_session("000002", "x"));
    }
    http::Response ask(const std::string& method, const std::string& path,
                       std::vector<std::pair<std::string, std::string>> headers = {}, const std::string& query = "") {
        http::Request request;
        request.method = method;
        request.path = path;
        request.query = query;
        request.peer = "192.0.2.9";
        request.headers = std::move(headers);
        request.headers.emplace_back("host", "127.0.0.1:8420");
        return router.answer(request);
    }

    Board board;
    log::Ring ring;
    bool trigger_answer = true;
    std::string asked_by, cancelled, released;
    Status release_answer, confirm_answer;
    session::CancelOutcome outcome = session::CancelOutcome::stopping;
    http::Router router{http::Access("127.0.0.1:8420", {{"otto", http::Role::operators, trust::sha256_hex("token")},
                                                        {"vera", http::Role::viewer, trust::sha256_hex("viewer")}})};
};

const std::vector<std::pair<std::string, std::string>> k_operator = {{"authorization", "Bearer token"}};

TEST_CASE("every path that shows something answers in its form") {
    Fixture fixture;
    for (const char* path : {"/v1/status", "/v1/sessions", "/v1/sessions/000002", "/v1/results", "/v1/log",
                             "/v1/explain/550", "/v1/explain/WSAECONNREFUSED"}) {
        CAPTURE(path);
        const auto answer = fixture.ask("GET", path);
        CHECK(answer.status == 200);
        CHECK(answer.content_type == "application/json");
        CHECK_FALSE(nlohmann::json::parse(answer.body, nullptr, false).is_discarded());
    }
    for (const char* path : {"/v1/status.txt", "/v1/log.txt", "/healthz"}) {
        CAPTURE(path);
        CHECK(fixture.ask("GET", path).content_type.starts_with("text/plain"));
    }
    CHECK(fixture.ask("GET", "/").content_type.starts_with("text/html"));
    CHECK(fixture.ask("GET", "/healthz").body == "ok\n");
}

TEST_CASE("what programs printed is for operators: anybody on the device reads a loopback page") {
    Fixture fixture;
    auto record = sample_session("000007", "x");
    record.steps.at(0).output = "canary-output";
    record.steps.at(0).results.push_back(
        error_result(error(errors::AgentCode::command_failed, "p ended with status 1; it said: canary-words").error(),
                     errors::AgentCode::step_failed));
    record.results = record.steps.at(0).results;
    fixture.board.publish(record);
    for (const char* path :
         {"/", "/v1/status", "/v1/status.txt", "/v1/sessions", "/v1/sessions/000007", "/v1/results", "/v1/log"}) {
        CAPTURE(path);
        CHECK(fixture.ask("GET", path).body.find("canary") == std::string::npos);
        CHECK(fixture.ask("GET", path, {{"authorization", "Bearer wrong"}}).body.find("canary") == std::string::npos);
        CHECK(fixture.ask("GET", path, {{"authorization", "Bearer viewer"}}).body.find("canary") == std::string::npos);
    }
    CHECK(fixture.ask("GET", "/v1/sessions/000007").body.find("ended with status 1") != std::string::npos);
    const auto whole = fixture.ask("GET", "/v1/sessions/000007", k_operator).body;
    CHECK(whole.find("canary-output") != std::string::npos);
    CHECK(whole.find("canary-words") != std::string::npos);
}

TEST_CASE("what is not there is 404 with a problem document") {
    Fixture fixture;
    for (const char* path : {"/v1/sessions/999999", "/v1/sessions/<script>", "/v1/explain/nonsense", "/v2"}) {
        CAPTURE(path);
        const auto answer = fixture.ask("GET", path);
        CHECK(answer.status == 404);
        CHECK(answer.content_type == "application/problem+json");
    }
}

TEST_CASE("an unchanged document is not sent again") {
    Fixture fixture;
    const auto first = fixture.ask("GET", "/v1/sessions");
    std::string tag;
    for (const auto& [name, value] : first.headers) {
        tag = name == "ETag" ? value : tag;
    }
    CHECK(fixture.ask("GET", "/v1/sessions", {{"if-none-match", tag}}).status == 304);
    fixture.board.publish(sample_session("000003", "y"));
    CHECK(fixture.ask("GET", "/v1/sessions", {{"if-none-match", tag}}).status == 200);
}

TEST_CASE("the log is given from an entry on") {
    Fixture fixture;
    CHECK(fixture.ask("GET", "/v1/log", {}, "since=3").status == 200);
    CHECK(fixture.ask("GET", "/v1/log", {}, "since=-1").status == 400);
    CHECK(fixture.ask("GET", "/v1/log", {}, "since=x").status == 400);
    CHECK(fixture.ask("GET", "/v1/log", {}, "since=99999999999999999999").status == 400);
}

TEST_CASE("the trigger needs nobody's leave, is passed on and may be refused as too frequent") {
    Fixture fixture;
    CHECK(fixture.ask("POST", "/v1/check-in").status == 202);
    CHECK(fixture.asked_by == "192.0.2.9");
    fixture.trigger_answer = false;
    CHECK(fixture.ask("POST", "/v1/check-in").status == 429);
    CHECK(fixture.ask("GET", "/v1/check-in").status == 405);
}

TEST_CASE("cancelling needs an operator and says what came of it") {
    using session::CancelOutcome;
    Fixture fixture;
    CHECK(fixture.ask("POST", "/v1/sessions/000002/cancel").status == 401);
    CHECK(fixture.cancelled.empty());
    for (const auto& [outcome, status] : {std::pair{CancelOutcome::stopping, 202},
                                          {CancelOutcome::dropped, 202},
                                          {CancelOutcome::too_late, 409},
                                          {CancelOutcome::unknown, 404}}) {
        fixture.outcome = outcome;
        CHECK(fixture.ask("POST", "/v1/sessions/000002/cancel", k_operator).status == status);
        CHECK(fixture.cancelled == "000002");
    }
    fixture.cancelled.clear();
    CHECK(fixture.ask("POST", "/v1/sessions/000002", k_operator).status == 404);
    CHECK(fixture.ask("POST", "/v1/sessions/000002/explode", k_operator).status == 404);
    CHECK(fixture.cancelled.empty());
}

TEST_CASE("an operator keeps the system image that is on trial") {
    Fixture fixture;
    CHECK(fixture.ask("POST", "/v1/image/confirm", k_operator).status == 200);
    CHECK(fixture.ask("POST", "/v1/image/confirm").status == 401);
    fixture.confirm_answer = error(errors::AgentCode::image_no_trial);
    CHECK(fixture.ask("POST", "/v1/image/confirm", k_operator).status == 409);
    fixture.confirm_answer = error(errors::AgentCode::boot_env_damaged);
    CHECK(fixture.ask("POST", "/v1/image/confirm", k_operator).status == 503);
}

TEST_CASE("an operator releases a parked job by its id, which may hold anything that a URL can spell") {
    Fixture fixture;
    CHECK(fixture.ask("POST", "/v1/parked/a%2Fb%20c/release", k_operator).status == 202);
    CHECK(fixture.released == "a/b c");
    CHECK(fixture.ask("POST", "/v1/parked/j1/release").status == 401);
    CHECK(fixture.ask("POST", "/v1/parked/j1", k_operator).status == 404);
    CHECK(fixture.ask("POST", "/v1/parked/%zz/release", k_operator).status == 404);
    fixture.release_answer = error(errors::AgentCode::not_parked, "j1");
    CHECK(fixture.ask("POST", "/v1/parked/j1/release", k_operator).status == 404);
    fixture.release_answer = error(errors::AgentCode::disk_full);
    CHECK(fixture.ask("POST", "/v1/parked/j1/release", k_operator).status == 503);
}

}  // namespace
}  // namespace hagent::status
