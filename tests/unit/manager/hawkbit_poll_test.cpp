// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the hawkBit poll: links, attributes, waits, refusals.
#include "tests/unit/manager/hawkbit_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using errors::AgentCode;
using Keys = std::vector<std::string>;

TEST_CASE("A poll asks the tenant's controller resource of this device") {
    HawkbitDialect dialect("my tenant");
    dialect.begin("https://manager.example/prefix/", {"a/b c:1", {}, {}});
    const auto call = dialect.next().value();
    CHECK(call.method == transfer::Method::get);
    CHECK(call.url.starts_with("https://manager.example/prefix/my%20tenant/controller/v1/a%2Fb%20c"));
    CHECK(has_header(call, "Accept", "application/json"));
    CHECK(call.body.empty());
}

TEST_CASE("An address with and without a slash at its end means the same") {
    HawkbitDialect dialect("DEFAULT");
    dialect.begin("http://127.0.0.1:8080///", {"tc-1", {}, {}});
    CHECK(dialect.next().value().url == "http://127.0.0.1:8080/DEFAULT/controller/v1/tc-1");
}

TEST_CASE("Attributes are sent when the server asks for them") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"configData", "/configData"}}));
    REQUIRE(s.check_in().ok());
    CHECK(s.keys() == Keys{"GET ", "PUT /configData"});
    CHECK(has_header(s.calls[1], "Content-Type", "application/json"));
    CHECK(json::parse(s.calls[1].body) == json{{"mode", "merge"}, {"data", {{"hostname", "thin"}}}});
}

TEST_CASE("Attributes are sent without being asked when they have changed, and only then") {
    Server s;
    s.answers["PUT /configData"] = answer(200);
    s.answers["GET "] = answer(200, poll({}));
    REQUIRE(s.check_in().ok());
    CHECK(s.keys() == Keys{"GET ", "PUT /configData"});
    REQUIRE(s.check_in().ok());
    CHECK(s.keys() == Keys{"GET "});
    s.identity.digest = "digest 2";
    REQUIRE(s.check_in().ok());
    CHECK(s.keys() == Keys{"GET ", "PUT /configData"});
}

TEST_CASE("Attributes go out behind a 304 too") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({}), "\"e\"");
    REQUIRE(s.check_in().ok());
    s.answers["GET "] = answer(304);
    s.identity.digest = "digest 2";
    REQUIRE(s.check_in().ok());
    CHECK(s.keys() == Keys{"GET ", "PUT /configData"});
}

TEST_CASE("Attributes that the server does not take keep no job from this device") {
    for (const int status : {400, 403, 404, 429, 500, 503}) {
        Server s;
        s.answers["PUT /configData"] = answer(status);
        s.answers["GET "] = answer(200, poll({{"configData", "/configData"}, {"deploymentBase", "/deploymentBase/7"}}));
        s.answers["GET /deploymentBase/7"] = answer(200, script_deployment().dump());
        REQUIRE(s.check_in().ok());
        CHECK(s.dialect.take_events().size() == 1);
    }
    Server s;
    s.answers["PUT /configData"] = answer(401);
    s.answers["GET "] = answer(200, poll({{"configData", "/configData"}}));
    CHECK(s.check_in().error().is(AgentCode::manager_auth_refused));
}

TEST_CASE("Attributes stay within the server's limits: 100 entries of 128 printable ASCII characters") {
    Server s;
    s.identity.attributes.clear();
    s.identity.attributes.emplace_back(std::string(200, 'k'), std::string(200, 'v'));
    s.identity.attributes.emplace_back("city", "M\xc3\xbcnchen\tx");
    for (int i = 0; i < 150; ++i) {
        s.identity.attributes.emplace_back("n" + std::to_string(i), "");
    }
    s.answers["PUT /configData"] = answer(200);
    s.answers["GET "] = answer(200, poll({}));
    REQUIRE(s.check_in().ok());
    const auto data = json::parse(s.calls[1].body)["data"];
    CHECK(data.size() == 100);
    CHECK(data[std::string(128, 'k')] == std::string(128, 'v'));
    CHECK(data["city"] == "M?nchen?x");
}

TEST_CASE("Trap 10: the server's sleep is the wait, also behind a 304") {
    Server s;
    s.settle();
    CHECK(s.dialect.interval_hint() == Seconds{300});
    s.answers["GET "] = answer(200, poll({}, "12:34:56"), "\"e\"");
    REQUIRE(s.check_in().ok());
    CHECK(s.dialect.interval_hint() == Seconds{12 * 3600 + 34 * 60 + 56});
    s.answers["GET "] = answer(304);
    REQUIRE(s.check_in().ok());
    CHECK(s.dialect.interval_hint() == Seconds{12 * 3600 + 34 * 60 + 56});
}

TEST_CASE("A sleep that is no time of day is no hint") {
    for (const auto* sleep :
         {"", "5", "00:05", "24:00:00", "00:60:00", "00:00:60", "-1:00:00", "00:00:00:00", "aa:bb:cc", " 1:00:00"}) {
        Server s;
        s.answers["GET "] = answer(200, poll({}, sleep));
        (void)s.check_in();
        CHECK_FALSE(s.dialect.interval_hint().has_value());
    }
}

TEST_CASE("An idle answer is asked for conditionally, byte for byte, and 304 means that nothing is offered") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"installedBase", "/installedBase/3"}}), "W/\"odd tag");
    REQUIRE(s.check_in().ok());
    (void)s.dialect.take_events();
    s.answers["GET "] = answer(304);
    REQUIRE(s.check_in().ok());
    CHECK(has_header(s.calls[0], "If-None-Match", "W/\"odd tag"));
    const auto events = s.dialect.take_events();
    REQUIRE(events.size() == 1);
    CHECK(std::holds_alternative<NothingOffered>(events[0]));
}

TEST_CASE("An answer that showed an action or asked for attributes is never asked for conditionally") {
    for (const auto* rel : {"deploymentBase", "cancelAction", "confirmationBase"}) {
        Server s;
        s.settle();
        s.answers["GET "] = answer(200, poll({{rel, std::string("/") + rel + "/7"}}), "\"e\"");
        (void)s.check_in();
        (void)s.check_in();
        CHECK_FALSE(has_header(s.calls[0], "If-None-Match", "\"e\""));
    }
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"configData", "/configData"}}), "\"e\"");
    REQUIRE(s.check_in().ok());
    REQUIRE(s.check_in().ok());
    CHECK_FALSE(has_header(s.calls[0], "If-None-Match", "\"e\""));
}

TEST_CASE("The tag of one address is not sent to another") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({}), "\"e\"");
    REQUIRE(s.check_in().ok());
    s.dialect.begin("https://second.example", s.identity);
    CHECK(s.dialect.next().value().headers.size() == 1);
}

TEST_CASE("A 304 that nobody asked for is no answer") {
    Server s;
    s.answers["GET "] = answer(304);
    CHECK(s.check_in().error().id == errors::http(304));
}

TEST_CASE("What the server refuses ends the check-in with a row that says why") {
    const std::pair<int, errors::Id> table[] = {{401, errors::agent(AgentCode::manager_auth_refused)},
                                                {403, errors::agent(AgentCode::manager_auth_refused)},
                                                {404, errors::agent(AgentCode::manager_unknown_device)},
                                                {429, errors::agent(AgentCode::manager_throttled)},
                                                {500, errors::http(500)},
                                                {503, errors::http(503)},
                                                {204, errors::http(204)}};
    for (const auto& [status, id] : table) {
        Server s;
        s.answers["GET "] = answer(status);
        CHECK(s.check_in().error().id == id);
        CHECK_FALSE(s.dialect.next().has_value());
    }
    Server s;
    s.answers["GET "] = answer(503);
    s.answers["GET "].retry_after = Seconds{10};
    CHECK(s.check_in().error().is(AgentCode::manager_throttled));
}

TEST_CASE("No answer at all ends the check-in with the network's own error") {
    HawkbitDialect dialect("DEFAULT");
    dialect.begin(k_url, {"tc-1", {}, {}});
    (void)dialect.next();
    CHECK(
        dialect.answered(error(AgentCode::connect_timeout, "manager.example")).error().is(AgentCode::connect_timeout));
    CHECK_FALSE(dialect.next().has_value());
}

TEST_CASE("An answer that is no poll answer is malformed, whatever it is") {
    const std::string deep = std::string(100, '[') + std::string(100, ']');
    for (const std::string& body :
         {std::string(), std::string("<html>Welcome to the hotel</html>"), std::string("[]"), std::string("{}"),
          std::string("null"), std::string("{\"_links\":[]}"), std::string("{\"_links\":{},\"_links\":{}}"),
          std::string("{\"config\":{}"), "{\"config\":" + deep + "}", std::string("{\"config\":\"\xff\"}"),
          poll({{"deploymentBase", "https://manager.example/"}}), poll({{"deploymentBase", "/deploymentBase/"}}),
          poll({{"deploymentBase", "/cancelAction/7"}}), poll({{"deploymentBase", "/deploymentBase/a%0ab"}}),
          poll({{"deploymentBase", "https://manager.example:99999/deploymentBase/1"}}),
          poll({{"cancelAction", "nonsense://x"}})}) {
        Server s;
        s.answers["GET "] = answer(200, body);
        const auto status = s.check_in();
        INFO(body);
        REQUIRE_FALSE(status.ok());
        CHECK(status.error().is(AgentCode::manager_malformed_answer));
    }
}

TEST_CASE("Links of odd types count as absent") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(
        200,
        R"({"config":{"polling":{"sleep":7}},"_links":{"deploymentBase":"x","configData":{"href":5},"cancelAction":[]}})");
    REQUIRE(s.check_in().ok());
    CHECK(s.keys() == Keys{"GET "});
}

TEST_CASE("A link may be relative, lead to another server, but never out of an encrypted connection") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"deploymentBase", "tc-1/deploymentBase/7?c=1"}}));
    (void)s.check_in();
    CHECK(s.calls[1].url == std::string(k_base) + "/deploymentBase/7?c=1");
    s.answers["GET "] = answer(200, poll({{"deploymentBase", "https://other.example/x/deploymentBase/7"}}));
    (void)s.check_in();
    CHECK(s.calls[1].url == "https://other.example/x/deploymentBase/7");
    for (const auto* href : {"http://manager.example/x/deploymentBase/7", "ftp://manager.example/x/deploymentBase/7"}) {
        s.answers["GET "] = answer(200, poll({{"deploymentBase", href}}));
        CHECK(s.check_in().error().is(AgentCode::manager_malformed_answer));
    }
}

TEST_CASE("A confirmation is given at once, and the deployment it sets free is taken in the same check-in") {
    Server s;
    s.settle();
    s.dialect.begin(k_url, s.identity);
    REQUIRE(s.dialect.next().has_value());
    REQUIRE(s.dialect.answered(answer(200, poll({{"confirmationBase", "/confirmationBase/7?c=1"}}))).ok());
    const auto confirm = s.dialect.next().value();
    CHECK(Server::key(confirm) == "POST /confirmationBase/7/feedback");
    CHECK(json::parse(confirm.body)["confirmation"] == "confirmed");
    REQUIRE(s.dialect.answered(answer(200)).ok());
    CHECK(Server::key(s.dialect.next().value()) == "GET ");
    REQUIRE(s.dialect.answered(answer(200, poll({{"deploymentBase", "/deploymentBase/7"}}))).ok());
    CHECK(Server::key(s.dialect.next().value()) == "GET /deploymentBase/7");
    REQUIRE(s.dialect.answered(answer(200, script_deployment().dump())).ok());
    CHECK_FALSE(s.dialect.next().has_value());
    CHECK(std::holds_alternative<JobOffered>(s.dialect.take_events().at(0)));
}

TEST_CASE("A server that asks for confirmation without end is polled three times and no more") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"confirmationBase", "/confirmationBase/7"}}));
    s.answers["POST /confirmationBase/7/feedback"] = answer(200);
    REQUIRE(s.check_in().ok());
    CHECK(s.calls.size() == 6);
}

TEST_CASE("A confirmation that is not wanted any more is no failure") {
    for (const int status : {404, 410}) {
        Server s;
        s.settle();
        s.answers["GET "] = answer(200, poll({{"confirmationBase", "/confirmationBase/7"}}));
        s.answers["POST /confirmationBase/7/feedback"] = answer(status);
        REQUIRE(s.check_in().ok());
        CHECK(s.dialect.take_events().empty());
    }
}

TEST_CASE("A cancel link is looked up before anything is stopped") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"cancelAction", "/cancelAction/7"}}));
    REQUIRE(s.check_in().ok());  // 404: the action is not being cancelled any more
    CHECK(s.dialect.take_events().empty());
    s.answers["GET /cancelAction/7"] = answer(200, R"({"id":"7","cancelAction":{"stopId":"7"}})");
    REQUIRE(s.check_in().ok());
    const auto events = s.dialect.take_events();
    REQUIRE(events.size() == 1);
    CHECK(std::get<CancelAsked>(events[0]).job_id == "7");
    s.answers["GET /cancelAction/7"] = answer(500);
    CHECK(s.check_in().error().id == errors::http(500));
}

TEST_CASE("What is installed already is no news") {
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"installedBase", "/installedBase/6"}}));
    REQUIRE(s.check_in().ok());
    CHECK(s.keys() == Keys{"GET "});
    CHECK(std::holds_alternative<NothingOffered>(s.dialect.take_events().at(0)));
}
