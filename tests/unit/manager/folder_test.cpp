// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the dialect without a manager program: what is believed, what is refused with which reason, what is
// told.
#include "agent/manager/folder.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "agent/errors/catalogue.h"
#include "agent/trust/sign.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/job_source.h"
#include "tests/unit/trust/keys.h"

using namespace hagent;
using namespace hagent::manager;
using errors::AgentCode;
using nlohmann::json;
using session::Report;
using session::ReportStage;

namespace {

constexpr auto k_folder = "http://files.example/site/";
const std::string k_digest(64, 'a');

json jobs_of(int serial, const json& more = json::object()) {
    json value = {{"format", 1},
                  {"serial", serial},
                  {"all", {{"jobs", {{{"id", "j1"}, {"package", "demo/"}, {"manifest_sha256", k_digest}}}}}}};
    value.update(more);
    return value;
}

/// A folder on a server, and a device that looks at it.
struct Site {
    Site() {
        files.put("/keys/site.pem", trust::keys::k_ec_a_public);
        files.put_directory("/state");
        clock.set_wall(*parse_rfc3339("2027-03-01T00:00:00Z"));
    }

    static Answer answer(int status, std::string body = {}) {
        return {static_cast<std::uint16_t>(status), std::move(body), {}, {}};
    }

    void publish(const json& jobs, std::string_view key = trust::keys::k_ec_a_private) {
        publish_text(jobs.dump(), key);
    }
    void publish_text(const std::string& text, std::string_view key = trust::keys::k_ec_a_private) {
        answers["GET jobs.json"] = answer(200, text);
        answers["GET jobs.sig"] = answer(200, trust::sign(text, key).value());
    }

    Status check_in() {
        calls.clear();
        dialect.begin(k_folder, identity);
        while (auto call = dialect.next()) {
            REQUIRE(calls.size() < 10);
            const std::string key = (call->method == transfer::Method::put ? "PUT " : "GET ") +
                                    call->url.substr(std::string(k_folder).size());
            calls.push_back(key);
            bodies[key] = call->body;
            const auto found = answers.find(key);
            const Reply reply =
                failing == key ? Reply(failure) : Reply(found == answers.end() ? answer(404) : found->second);
            if (auto status = dialect.answered(reply); !status.ok()) {
                return status;
            }
        }
        return {};
    }
    Error refused() {
        const auto status = check_in();
        REQUIRE_FALSE(status.ok());
        CHECK(dialect.take_events().empty());
        return status.error();
    }
    std::vector<std::string> offered() {
        std::vector<std::string> ids;
        for (const auto& event : dialect.take_events()) {
            if (const auto* offer = std::get_if<JobOffered>(&event)) {
                CHECK(offer->standing);
                ids.push_back(offer->job.id);
            }
        }
        return ids;
    }

    fakes::FakeClock clock;
    fakes::FakeFiles files;
    log::Log log{clock};
    std::map<std::string, Report> ended;
    Identity identity{"tc-7", {{"hostname", "thin"}}, "digest 1"};
    trust::TrustedTime time{files, "/state/trusted-time"};
    FolderDialect dialect{{files, clock, log, "/keys", "/state/jobs-serials",
                           [this](const std::string& id) {
                               const auto found = ended.find(id);
                               return found == ended.end() ? std::nullopt : std::optional(found->second);
                           },
                           &time}};
    std::map<std::string, Answer> answers;
    std::map<std::string, std::string> bodies;
    std::vector<std::string> calls;
    std::string failing;
    Error failure = error(errors::winsock(10061));
};

}  // namespace

TEST_CASE("A signed jobs.json offers its jobs, each as a package below the folder") {
    Site s;
    s.publish(jobs_of(1));
    REQUIRE(s.check_in().ok());
    CHECK(s.calls == std::vector<std::string>{"GET jobs.json", "GET jobs.sig"});
    const auto events = s.dialect.take_events();
    REQUIRE(events.size() == 2);
    const auto& job = std::get<JobOffered>(events[0]).job;
    CHECK(job.id == "j1");
    CHECK(job.name == "demo");
    CHECK(session::signed_package(job).base_url == "http://files.example/site/demo/");
    CHECK(session::signed_package(job).manifest_sha256 == k_digest);
    CHECK(job.kind_of_manifest);
    CHECK(job.execute);
    CHECK(std::get<NothingOffered>(events[1]).but == std::vector<std::string>{"j1"});
}

TEST_CASE("The folder's address needs no slash at its end") {
    Site s;
    s.dialect.begin("file:///srv/site", s.identity);
    CHECK(s.dialect.next().value().url == "file:///srv/site/jobs.json");
}

TEST_CASE("An unsigned jobs.json is refused as unsigned, however the server says that a file is not there") {
    Site s;
    s.publish(jobs_of(1));
    s.answers.erase("GET jobs.sig");
    CHECK(s.refused().is(AgentCode::signature_missing));
    s.failing = "GET jobs.sig";
    s.failure = error(errors::ftp(550));
    CHECK(s.refused().is(AgentCode::signature_missing));
    s.failure = error(AgentCode::file_not_found, "/srv/jobs.sig");
    CHECK(s.refused().is(AgentCode::signature_missing));
}

TEST_CASE("A changed jobs.json, a strange key and garbage for a signature are refused") {
    Site s;
    s.publish(jobs_of(1));
    s.answers["GET jobs.json"].body += " ";
    CHECK(s.refused().is(AgentCode::signature_invalid));
    CHECK(s.calls.size() == 4);  // got once more: somebody might just have been replacing the two
    s.publish(jobs_of(1), trust::keys::k_ec_b_private);
    CHECK(s.refused().is(AgentCode::signature_invalid));
    s.publish(jobs_of(1), trust::keys::k_rsa_private);
    CHECK(s.refused().is(AgentCode::unknown_key));
    s.publish(jobs_of(1));
    s.answers["GET jobs.sig"].body = std::string(5000, 'x');
    CHECK(s.refused().is(AgentCode::signature_invalid));
}

TEST_CASE("A folder that is being replaced is read again and then taken") {
    Site s;
    s.publish(jobs_of(2));
    const auto fresh = s.answers["GET jobs.json"];
    s.dialect.begin(k_folder, s.identity);
    for (const auto& body :
         {std::string("{}"), s.answers["GET jobs.sig"].body, fresh.body, s.answers["GET jobs.sig"].body}) {
        REQUIRE(s.dialect.next());
        REQUIRE(s.dialect.answered(Site::answer(200, body)).ok());
    }
    CHECK_FALSE(s.dialect.next());
    CHECK(s.offered() == std::vector<std::string>{"j1"});
}

TEST_CASE("Signatures of different things are not taken for each other: a job list needs the role jobs") {
    Site s;
    s.publish(jobs_of(1));
    s.files.put("/keys/site.roles", "image");
    const auto why = s.refused();
    CHECK(why.is(AgentCode::role_not_allowed));
    CHECK(why.context.find("site may not sign job lists: its .roles file lacks 'jobs'") != std::string::npos);
    s.files.put("/keys/site.roles", "script software image agent");
    CHECK(s.refused().is(AgentCode::role_not_allowed));
    s.files.put("/keys/site.roles", "jobs");
    CHECK(s.check_in().ok());
}

TEST_CASE("Signatures of different things are not taken for each other: a signed manifest is no job list") {
    Site s;
    trust::Manifest manifest;
    manifest.package = "demo";
    manifest.version = "1";
    manifest.serial = 99;
    manifest.entry = "a.rsp";
    manifest.files = {{"a.rsp", 1, k_digest, {}}};
    s.publish_text(trust::write_manifest(manifest));
    CHECK(s.refused().is(AgentCode::manager_malformed_answer));
    s.publish(jobs_of(1));
    CHECK(s.check_in().ok());  // and its serial was not noted
}

TEST_CASE("A job list that does not bind its packages is refused with what to do, and its serial is not noted") {
    Site s;
    auto jobs = jobs_of(99);
    jobs["all"]["jobs"][0].erase("manifest_sha256");
    s.publish(jobs);
    const auto why = s.refused();
    CHECK(why.is(AgentCode::package_not_bound));
    CHECK(why.context == "jobs.json: all.jobs: job 'j1' has no manifest_sha256");
    CHECK(errors::describe(why.id).next.text().find("hagent sign jobs.json") != std::string::npos);
    s.publish(jobs_of(1));
    CHECK(s.check_in().ok());
}

TEST_CASE("An older serial is refused, the same one and a higher one are taken, also after a restart") {
    Site s;
    s.publish(jobs_of(12));
    REQUIRE(s.check_in().ok());
    REQUIRE(s.check_in().ok());
    (void)s.dialect.take_events();
    s.publish(jobs_of(11));
    CHECK(s.refused().is(AgentCode::package_replayed));
    Site again;
    again.files.put("/state/jobs-serials", *s.files.content("/state/jobs-serials"));
    again.publish(jobs_of(11));
    const auto why = again.refused();
    CHECK(why.is(AgentCode::package_replayed));
    CHECK(why.context == "jobs.json: serial 11, accepted before: 12");
    again.publish(jobs_of(13));
    CHECK(again.check_in().ok());
}

TEST_CASE("A serial that cannot be noted lets nothing begin") {
    Site s;
    s.publish(jobs_of(1));
    s.files.set_capacity(0);
    CHECK(s.refused().is(AgentCode::disk_full));
    s.files.set_read_only(true);  // the folder is to hear of that, so it is no failure
    CHECK(s.check_in().ok());
    CHECK(s.dialect.take_events().empty());
}

TEST_CASE("An expired jobs.json is refused, but only by a clock that can be trusted") {
    Site s;
    s.publish(jobs_of(1, {{"expires", "2027-02-28T23:59:59Z"}}));
    const WallTime now = s.clock.wall();
    s.clock.set_wall(*parse_rfc3339("2000-01-01T00:00:00Z"));
    CHECK(s.check_in().ok());
    s.clock.set_wall(*parse_rfc3339("2027-02-28T23:59:58Z"));
    CHECK(s.check_in().ok());
    s.clock.set_wall(now);
    CHECK(s.refused().is(AgentCode::package_expired));
    for (const char* earlier : {"2000-01-01T00:00:00Z", "2027-02-28T23:59:58Z"}) {  // a clock that is set back
        s.clock.set_wall(*parse_rfc3339(earlier));
        const auto why = s.refused();
        CHECK(why.is(AgentCode::package_expired));
        CHECK(why.context.find("here before") != std::string::npos);
    }
}

TEST_CASE("What is signed but no jobs.json is refused as malformed, and its serial is not noted") {
    Site s;
    for (const std::string text :
         {"garbage", "[]", "{}", R"({"format":2,"serial":99})", R"({"format":1,"serial":99,"surprise":1})"}) {
        CAPTURE(text);
        s.publish_text(text);
        CHECK(s.refused().is(AgentCode::manager_malformed_answer));
    }
    s.publish(jobs_of(1));
    CHECK(s.check_in().ok());
}

TEST_CASE("Jobs of other devices are not ours, those of our groups are") {
    Site s;
    s.publish(jobs_of(
        1, {{"groups",
             {{"lobby", {{"jobs", {{{"id", "g1"}, {"package", "g"}, {"manifest_sha256", k_digest}}}}}},
              {"lab", {{"jobs", {{{"id", "g2"}, {"package", "g"}, {"manifest_sha256", k_digest}}}}}}}},
            {"devices",
             {{"TC-7",
               {{"groups", {"lobby"}}, {"jobs", {{{"id", "d1"}, {"package", "d/"}, {"manifest_sha256", k_digest}}}}}},
              {"tc-8", {{"jobs", {{{"id", "d2"}, {"package", "d/"}, {"manifest_sha256", k_digest}}}}}}}}}));
    REQUIRE(s.check_in().ok());
    CHECK(s.offered() == std::vector<std::string>{"j1", "g1", "d1"});
}

TEST_CASE("A server that refuses, throttles or is not there fails the check-in with its own reason") {
    Site s;
    s.publish(jobs_of(1));
    s.answers["GET jobs.json"] = Site::answer(404);
    CHECK(s.refused().id == errors::http(404));
    s.answers["GET jobs.json"] = Site::answer(401);
    CHECK(s.refused().is(AgentCode::manager_auth_refused));
    s.answers["GET jobs.json"] = Site::answer(429);
    CHECK(s.refused().is(AgentCode::manager_throttled));
    s.failing = "GET jobs.json";
    CHECK(s.refused().id == errors::winsock(10061));
}

TEST_CASE("Reports wait for the first accepted jobs.json, and go nowhere when it names no place for them") {
    Site s;
    CHECK(s.dialect.reporting() == Reporting::later);
    s.publish(jobs_of(1));
    REQUIRE(s.check_in().ok());
    CHECK(s.dialect.reporting() == Reporting::unwanted);
    s.publish(jobs_of(2, {{"reports", "reports/"}}));
    REQUIRE(s.check_in().ok());
    CHECK(s.dialect.reporting() == Reporting::wanted);
}

TEST_CASE("The device tells about itself at first contact and when its attributes have changed") {
    Site s;
    s.answers["PUT reports/tc-7.json"] = Site::answer(201);
    s.ended["j1"] = {"j1", ReportStage::success, {"done"}, 2, 2};
    s.publish(jobs_of(1, {{"reports", "reports"}}));
    REQUIRE(s.check_in().ok());
    CHECK(s.calls.back() == "PUT reports/tc-7.json");
    const auto told = json::parse(s.bodies["PUT reports/tc-7.json"]);
    CHECK(told["device"] == "tc-7");
    CHECK(told["attributes"] == json{{"hostname", "thin"}});
    CHECK(told["jobs"] == json::parse(R"([{"id":"j1","state":"success","messages":["done"],"done":2,"of":2}])"));
    REQUIRE(s.check_in().ok());
    CHECK(s.calls.back() == "GET jobs.sig");
    s.identity.digest = "digest 2";
    REQUIRE(s.check_in().ok());
    CHECK(s.calls.back() == "PUT reports/tc-7.json");
}

TEST_CASE("A folder that takes no reports keeps no job from the device and is not asked at every check-in") {
    for (const int status : {403, 405, 507}) {
        Site s;
        s.answers["PUT reports/tc-7.json"] = Site::answer(status);
        s.publish(jobs_of(1, {{"reports", "reports"}}));
        REQUIRE(s.check_in().ok());
        CHECK(s.offered() == std::vector<std::string>{"j1"});
        REQUIRE(s.check_in().ok());
        CHECK(s.calls.size() == 2);
    }
    Site s;  // but one that could not be reached is
    s.publish(jobs_of(1, {{"reports", "reports"}}));
    s.failing = "PUT reports/tc-7.json";
    REQUIRE(s.check_in().ok());
    REQUIRE(s.check_in().ok());
    CHECK(s.calls.size() == 3);
}

TEST_CASE("A report holds what is known of all listed jobs, of the latest ones every word") {
    Site s;
    s.answers["PUT r/tc-7.json"] = Site::answer(204);
    s.publish(jobs_of(3, {{"reports", "r"},
                          {"all",
                           {{"jobs",
                             {{{"id", "j1"}, {"package", "a"}, {"manifest_sha256", k_digest}},
                              {{"id", "j2"}, {"package", "b"}, {"manifest_sha256", k_digest}},
                              {{"id", "j3"}, {"package", "c"}, {"manifest_sha256", k_digest}}}}}}}));
    REQUIRE(s.check_in().ok());
    s.ended["j1"] = {"j1", ReportStage::failure, {"no"}, 0, 0};
    const Report report{"j2", ReportStage::executing, {"step 1"}, 1, 5};
    const auto call = s.dialect.report("http://files.example/site", s.identity, report);
    CHECK(call.method == transfer::Method::put);
    CHECK(call.url == "http://files.example/site/r/tc-7.json");
    const auto body = json::parse(call.body);
    CHECK(body["serial"] == 3);
    REQUIRE(body["jobs"].size() == 2);
    CHECK(body["jobs"][0] == json::parse(R"({"id":"j2","state":"executing","messages":["step 1"],"done":1,"of":5})"));
    CHECK(body["jobs"][1]["state"] == "failure");
    s.ended["j2"] = {"j2", ReportStage::success, {"only the last words are remembered"}, 5, 5};
    (void)s.dialect.report(k_folder, s.identity, {"j2", ReportStage::success, {"one", "two"}, 5, 5});
    s.identity.digest = "digest 2";
    REQUIRE(s.check_in().ok());
    CHECK(json::parse(s.bodies["PUT r/tc-7.json"])["jobs"][0]["messages"] == json{"one", "two"});

    CHECK(s.dialect.delivered(report, Site::answer(226)) == Delivery::acknowledged);
    CHECK(s.dialect.delivered(report, Site::answer(403)) == Delivery::refused);
    CHECK(s.dialect.delivered(report, error(errors::ftp(553))) == Delivery::refused);
    CHECK(s.dialect.delivered(report, error(errors::winsock(10060))) == Delivery::again);
}
