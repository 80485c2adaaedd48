// SPDX-License-Identifier: Apache-2.0
// Owns the situations of hawkBit's device API, one row each: what is asked, what the server answers, what comes of it.
#include "tests/unit/manager/check_in_fixture.h"
#include "tests/unit/manager/hawkbit_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using errors::AgentCode;
using session::CancelOutcome;
using session::Offer;
using session::ReportStage;
using Links = std::vector<std::pair<std::string, std::string>>;

namespace {

const Links k_idle{};
const Links k_job = {{"deploymentBase", "/deploymentBase/7?c=1"}};
const Links k_cancel = {{"cancelAction", "/cancelAction/7"}};
const Links k_wanted = {{"configData", "/configData"}};
constexpr auto k_cancel_body = R"({"id":"7","cancelAction":{"stopId":"7"}})";
constexpr int k_no_answer = 0;

/// The agent's side as it is; the row is the server, the sessions and the clock.
struct Play : FixtureOf<HawkbitDialect> {
    Play() : FixtureOf({k_url}, {Seconds{300}, Seconds{60}}, 0, HawkbitDialect("DEFAULT")) {}

    void asks(const std::string& key) {
        if (!caller.waits()) {
            timers.advance(Seconds{1});  // two check-ins never begin within a second
        }
        REQUIRE(caller.waits());
        REQUIRE(Server::key(caller.latest) == key);
    }
    void answers(const std::string& key, int status, std::string body = {}, std::string etag = {}) {
        asks(key);
        if (status == k_no_answer) {
            no_answer();
        } else {
            caller.answer(fixture::answer(status, std::move(body), std::move(etag)));
        }
    }

    std::size_t taken = 0;
};

using Step = std::function<void(Play&)>;

struct Situation {
    const char* name;
    std::vector<Step> steps;
};

void play(const std::vector<Situation>& situations) {
    for (const auto& situation : situations) {
        INFO(std::string(situation.name));
        Play p;
        for (const auto& step : situation.steps) {
            step(p);
        }
        CHECK_FALSE(p.caller.waits());
        CHECK(p.jobs.offered.size() == p.taken);
    }
}

// ---- what happens

Step check_in() {
    return [](Play& p) { p.check_in->check_in_now(); };
}
Step after(int seconds) {
    return [=](Play& p) { p.timers.advance(Seconds{seconds}); };
}
/// A session tells this.
Step session_says(const std::string& id, ReportStage stage) {
    return [=](Play& p) {
        p.add(id, stage);
        p.check_in->reports_changed();
    };
}
/// What the jobs say to the next cancel.
Step cancels_end(CancelOutcome outcome) {
    return [=](Play& p) { p.jobs.cancel_result = outcome; };
}

// ---- what is asked, and the answer

Step polls(const Links& links, const std::string& sleep = "00:05:00") {
    return [=](Play& p) { p.answers("GET ", 200, poll(links, sleep)); };
}
/// A poll that is conditional on `tag`, or not when that is empty.
Step polls_if(const std::string& tag, const Answer& with) {
    return [=](Play& p) {
        p.asks("GET ");
        CHECK(p.caller.latest.headers.size() == (tag.empty() ? 1U : 2U));
        CHECK((tag.empty() || has_header(p.caller.latest, "If-None-Match", tag)));
        p.caller.answer(with);
    };
}
Step asks(const std::string& key, int status, const std::string& body = {}) {
    return [=](Play& p) { p.answers(key, status, body); };
}
Step sends_attributes(int status = 200) { return asks("PUT /configData", status); }
Step fetches(const json& body, const std::string& id = "7") {
    return asks("GET /deploymentBase/" + id, 200, body.dump());
}
Step looks_at_cancel() { return asks("GET /cancelAction/7", 200, k_cancel_body); }
/// A report with these words.
Step tells(const std::string& path, const std::string& execution, const std::string& finished, int status = 200) {
    return [=](Play& p) {
        p.asks("POST " + path + "/feedback");
        const auto said = json::parse(p.caller.latest.body)["status"];
        CHECK(said["execution"] == execution);
        CHECK(said["result"]["finished"] == finished);
        p.answers("POST " + path + "/feedback", status);
    };
}
Step tells_end(const std::string& finished, int status = 200) {
    return tells("/deploymentBase/7", "closed", finished, status);
}
Step tells_cancelled(int status = 200) { return tells("/cancelAction/7", "closed", "success", status); }
Step refuses_cancel(int status = 200) { return tells("/cancelAction/7", "rejected", "none", status); }

// ---- what comes of it

/// The jobs were offered one more, with permission to execute or without.
Step takes(const std::string& id, bool execute = true) {
    return [=](Play& p) {
        REQUIRE(p.jobs.offered.size() == ++p.taken);
        CHECK(p.jobs.offered.back().id == id);
        CHECK(p.jobs.offered.back().execute == execute);
    };
}
Step cancels(const std::vector<std::string>& ids) {
    return [=](Play& p) { CHECK(p.jobs.cancelled == ids); };
}
/// Nothing is asked before this time has passed.
Step rests(int seconds) {
    return [=](Play& p) {
        CHECK_FALSE(p.caller.waits());
        CHECK(p.timers.next() == Seconds{seconds});
    };
}
Step fails(errors::Id id) {
    return [=](Play& p) {
        REQUIRE(p.check_in->view().last_error.has_value());
        CHECK(p.check_in->view().last_error->id == id);
    };
}
Step is_well() {
    return [](Play& p) { CHECK(p.check_in->view().last_result == "ok"); };
}
Step owes(std::size_t reports) {
    return [=](Play& p) { CHECK(p.reports->size() == reports); };
}

/// A device that the server knows with its attributes, some time after its last check-in.
Step known() {
    return [](Play& p) {
        for (const auto& step : {check_in(), polls(k_idle), sends_attributes(), after(5)}) {
            step(p);
        }
    };
}
/// The usual beginning: the job is offered and taken.
Step has_job(const json& body = script_deployment(), bool execute = true) {
    return [=](Play& p) {
        for (const auto& step : {known(), check_in(), polls(k_job), fetches(body), takes("7", execute), after(5)}) {
            step(p);
        }
    };
}

json closed_window() {
    auto body = deployment({chunk({artifact("a.rsp")})}, "forced", "skip");
    body["deployment"]["maintenanceWindow"] = "unavailable";
    return body;
}

json with_strange_members() {
    auto body = script_deployment();
    body["actionHistory"] = {{"status", "RUNNING"}, {"messages", {"step 1", "step 0"}}};
    body["deployment"]["chunks"][0]["encrypted"] = true;
    body["deployment"]["chunks"][0]["part"] = "bApp";
    body["deployment"]["chunks"][0]["metadata"] = {{{"key", "colour"}, {"value", "red"}}};
    return body;
}

}  // namespace

TEST_CASE("DDI situations: polls and waits") {
    const auto job = fetches(script_deployment());
    play({
        {"an unknown device that may register",
         {check_in(), polls(k_wanted), sends_attributes(), is_well(), rests(300)}},
        {"a credential that is refused, then put right",
         {known(), check_in(), asks("GET ", 401), fails(errors::agent(AgentCode::manager_auth_refused)), polls(k_idle),
          is_well()}},
        {"the tenant was deleted",
         {known(), check_in(), asks("GET ", 400), fails(errors::http(400)), polls(k_idle), is_well()}},
        {"too many requests, with no time said",
         {known(), check_in(), asks("GET ", 429), fails(errors::agent(AgentCode::manager_throttled)), rests(1),
          after(1), polls(k_idle)}},
        {"the operator changes the polling time",
         {known(), check_in(), polls(k_idle, "00:02:00"), rests(120), after(120), polls(k_idle, "00:00:30"),
          rests(30)}},
        {"an answer without any links",
         {known(), check_in(), asks("GET ", 200, R"({"config":{"polling":{"sleep":"00:01:00"}}})"), rests(60)}},
        {"members and links that nobody knows",
         {known(), check_in(),
          asks("GET ", 200,
               R"({"x":[1],"config":{"polling":{"sleep":"00:01:00","y":2}},"_links":{"z":{"href":"http://z/"}}})"),
          is_well(), rests(60)}},
        {"not modified until a job comes, and again after its end",
         {known(),
          check_in(),
          polls_if("", answer(200, poll(k_idle), "\"i\"")),
          rests(300),
          after(300),
          polls_if("\"i\"", answer(304)),
          rests(300),
          after(300),
          polls_if("\"i\"", answer(200, poll(k_job), "\"j\"")),
          job,
          takes("7"),
          after(300),
          polls_if("", answer(200, poll(k_job), "\"j\"")),
          job,
          takes("7"),
          after(5),
          session_says("7", ReportStage::success),
          tells_end("success"),
          polls_if("", answer(200, poll(k_idle), "\"i\"")),
          after(300),
          polls_if("\"i\"", answer(304))}},
        {"what is installed stands beside a new job",
         {known(), check_in(), polls({{"installedBase", "/installedBase/6"}, {"deploymentBase", "/deploymentBase/7"}}),
          job, takes("7"), rests(300)}},
        {"queued jobs come one after the other without a wait",
         {has_job(), session_says("7", ReportStage::success), tells_end("success"),
          polls({{"deploymentBase", "/deploymentBase/8"}}), fetches(script_deployment(), "8"), takes("8"), rests(300)}},
        {"a heavier job comes while one is under way",
         {has_job(), check_in(), polls({{"deploymentBase", "/deploymentBase/8"}}), fetches(script_deployment(), "8"),
          takes("8"), owes(0)}},
    });
}

TEST_CASE("DDI situations: deployments") {
    const auto stays = [](Play& p) { p.jobs.offer_result = Offer::known; };
    const auto waits = [](Play& p) { p.jobs.waits = {"7"}; };
    play({
        {"soft becomes forced while the job runs: another link, the same job",
         {has_job(deployment({chunk({artifact("a.rsp")})}, "attempt", "attempt")), stays, check_in(),
          polls({{"deploymentBase", "/deploymentBase/7?c=2"}}), fetches(deployment({chunk({artifact("a.rsp")})})),
          takes("7"), owes(0), rests(300)}},
        {"a closed window, told with a shorter wait, then an open one",
         {known(), check_in(), polls(k_job, "00:00:40"), fetches(closed_window()), takes("7", false), rests(40),
          after(40), polls({{"deploymentBase", "/deploymentBase/7?c=2"}}),
          fetches(deployment({chunk({artifact("a.rsp")})})), takes("7")}},
        {"a window that is over: the server takes the job back",
         {has_job(closed_window(), false), check_in(), polls(k_cancel), looks_at_cancel(), cancels({"7"}), after(1),
          session_says("7", ReportStage::cancelled), tells_cancelled(), polls(k_idle), owes(0)}},
        {"download only: its end is the download, and nothing of it stays",
         {has_job(deployment({chunk({artifact("a.rsp")})}, "forced", "skip"), false),
          session_says("7", ReportStage::downloaded), tells("/deploymentBase/7", "downloaded", "none"), waits,
          check_in(), polls(k_wanted), sends_attributes(), cancels({"7"}), after(1),
          session_says("7", ReportStage::cancelled), tells_cancelled(405), owes(0), polls(k_idle)}},
        {"cancelled between the poll and the look at the job",
         {known(), cancels_end(CancelOutcome::unknown), check_in(), polls(k_job), asks("GET /deploymentBase/7", 404),
          is_well(), rests(300), after(300), polls(k_cancel), looks_at_cancel(), tells_cancelled(), polls(k_idle)}},
        {"members that nobody knows, and the action's history", {has_job(with_strange_members()), is_well()}},
        {"a module without artifacts is closed as failed, and the next job asked for",
         {known(), check_in(), polls(k_job), fetches(deployment({chunk({})})), tells_end("failure"), polls(k_idle),
          rests(300)}},
        {"the server stumbles over the job and recovers",
         {known(), check_in(), polls(k_job), asks("GET /deploymentBase/7", 500), fails(errors::http(500)), polls(k_job),
          fetches(script_deployment()), takes("7"), is_well()}},
        {"a job of an action that this device has finished is told again, not done again, and not in a circle",
         {has_job(), session_says("7", ReportStage::success), tells_end("success"), polls(k_job),
          fetches(script_deployment()), tells_end("success"), polls(k_job), fetches(script_deployment()),
          tells_end("success", 410), rests(300)}},
    });
}

TEST_CASE("DDI situations: reports") {
    const auto progress = [](int status) { return tells("/deploymentBase/7", "proceeding", "none", status); };
    play({
        {"a life: accepted, downloading, downloaded, executing, success; then the attributes are wanted again",
         {has_job(), session_says("7", ReportStage::accepted), progress(200),
          session_says("7", ReportStage::downloading), tells("/deploymentBase/7", "download", "none"),
          session_says("7", ReportStage::downloaded), tells("/deploymentBase/7", "downloaded", "none"),
          session_says("7", ReportStage::executing), progress(200), session_says("7", ReportStage::success),
          tells_end("success"), polls({{"installedBase", "/installedBase/7"}, {"configData", "/configData"}}),
          sends_attributes(), rests(300)}},
        {"a life that ends in failure: no attributes are wanted",
         {has_job(), session_says("7", ReportStage::failure), tells_end("failure"), polls(k_idle), rests(300)}},
        {"the action was ended at the server: progress and result are dropped",
         {has_job(), session_says("7", ReportStage::executing), progress(410), owes(0),
          session_says("7", ReportStage::success), tells_end("success", 410), owes(0), polls(k_idle)}},
        {"the action waits for a confirmation again",
         {has_job(), session_says("7", ReportStage::executing), progress(404), owes(0), rests(295)}},
        {"too many entries (429 now, 403 in older servers): the result counts all the same",
         {has_job(), session_says("7", ReportStage::executing), progress(429), owes(1),
          session_says("7", ReportStage::success), tells_end("success"), owes(0), polls(k_idle),
          session_says("8", ReportStage::executing), tells("/deploymentBase/8", "proceeding", "none", 403), owes(1),
          session_says("8", ReportStage::success), tells("/deploymentBase/8", "closed", "success"), owes(0),
          polls(k_idle)}},
        {"the result is refused as written: once more in plain words",
         {has_job(), session_says("7", ReportStage::success), tells_end("success", 400), tells_end("success"), owes(0),
          polls(k_idle)}},
        {"the server stumbles, then is away, then takes the result",
         {has_job(), session_says("7", ReportStage::success), tells_end("success", 500), owes(1),
          tells_end("success", k_no_answer), owes(1), tells_end("success"), owes(0), polls(k_idle)}},
        {"the answer to a result got lost: the server has it already",
         {has_job(), session_says("7", ReportStage::success), tells_end("success", k_no_answer),
          tells_end("success", 410), owes(0), polls(k_idle)}},
        {"the answer to progress gets lost each time: the result is not held back by it",
         {has_job(), session_says("7", ReportStage::downloading), session_says("7", ReportStage::success),
          tells("/deploymentBase/7", "download", "none", k_no_answer), owes(1), tells_end("success", k_no_answer),
          tells_end("success", 410), owes(0), polls(k_idle)}},
        {"results of an outage: oldest first",
         {known(), session_says("6", ReportStage::failure),
          tells("/deploymentBase/6", "closed", "failure", k_no_answer), session_says("7", ReportStage::success),
          tells("/deploymentBase/6", "closed", "failure"), tells_end("success"), polls(k_idle), owes(0)}},
    });
}

TEST_CASE("DDI situations: cancels") {
    play({
        {"of an action that never came here",
         {known(), cancels_end(CancelOutcome::unknown), check_in(), polls(k_cancel), looks_at_cancel(),
          tells_cancelled(), polls(k_idle), owes(0)}},
        {"during the download: the session stops and says so",
         {has_job(), check_in(), polls(k_cancel), looks_at_cancel(), cancels({"7"}), after(1),
          session_says("7", ReportStage::cancelled), tells_cancelled(), polls(k_idle), owes(0)}},
        {"too late: refused, offered again, gone on with to its end",
         {has_job(), cancels_end(CancelOutcome::too_late), check_in(), polls(k_cancel), looks_at_cancel(),
          refuses_cancel(), after(300), polls(k_job), fetches(script_deployment()), takes("7"),
          session_says("7", ReportStage::success), tells_end("success"), polls(k_idle)}},
        {"after the end that the server has not heard of: refused first, then the result",
         {has_job(), session_says("7", ReportStage::success), tells_end("success", k_no_answer), check_in(),
          polls(k_cancel), looks_at_cancel(), refuses_cancel(), tells_end("success"), owes(0), polls(k_idle)}},
        {"after the end, and the server ends it by force meanwhile",
         {has_job(), session_says("7", ReportStage::success), tells_end("success", k_no_answer), check_in(),
          polls(k_cancel), looks_at_cancel(), refuses_cancel(405), tells_end("success", 410), owes(0), polls(k_idle)}},
        {"too late, and the server stumbles over the refusal: it is refused again",
         {has_job(), cancels_end(CancelOutcome::too_late), check_in(), polls(k_cancel), looks_at_cancel(),
          refuses_cancel(500), rests(300), after(300), polls(k_cancel), looks_at_cancel(), refuses_cancel(), owes(0)}},
        {"answered, and no longer wanted (405)",
         {has_job(), check_in(), polls(k_cancel), looks_at_cancel(), after(1),
          session_says("7", ReportStage::cancelled), tells_cancelled(405), owes(0), polls(k_idle)}},
        {"answered, and refused as written: once more in plain words on the same path",
         {has_job(), check_in(), polls(k_cancel), looks_at_cancel(), after(1),
          session_says("7", ReportStage::cancelled), tells_cancelled(400), tells_cancelled(), owes(0), polls(k_idle)}},
        {"of the first of two: the second comes at once",
         {known(), cancels_end(CancelOutcome::dropped), check_in(), polls(k_cancel), looks_at_cancel(),
          tells_cancelled(), polls({{"deploymentBase", "/deploymentBase/8"}}), fetches(script_deployment(), "8"),
          takes("8")}},
    });
}

TEST_CASE("DDI situations: confirmation and attributes") {
    const auto waits = [](const std::string& id) {
        return polls({{"confirmationBase", "/confirmationBase/" + id + "?c=1"}});
    };
    const auto confirms = [](const std::string& id, int status) {
        return asks("POST /confirmationBase/" + id + "/feedback", status);
    };
    play({
        {"two wait for confirmation",
         {known(), check_in(), waits("7"), confirms("7", 200), waits("8"), confirms("8", 200), polls(k_job),
          fetches(script_deployment()), takes("7")}},
        {"somebody confirmed it meanwhile (404): the job comes with the next check-in",
         {known(), check_in(), waits("7"), confirms("7", 404), is_well(), rests(300), after(300), polls(k_job),
          fetches(script_deployment()), takes("7")}},
        {"the server stumbles over the confirmation: given again",
         {known(), check_in(), waits("7"), confirms("7", 500), fails(errors::http(500)), waits("7"), confirms("7", 200),
          polls(k_job), fetches(script_deployment()), takes("7"), is_well()}},
        {"the operator asks for the attributes again",
         {known(), check_in(), polls(k_wanted), sends_attributes(), rests(300)}},
        {"attributes and a job in one answer",
         {known(), check_in(), polls({{"configData", "/configData"}, {"deploymentBase", "/deploymentBase/7"}}),
          sends_attributes(), fetches(script_deployment()), takes("7")}},
        {"too many attributes (429): tried again next time, and the job is taken",
         {check_in(), polls(k_job), sends_attributes(429), fetches(script_deployment()), takes("7"), after(300),
          polls(k_idle), sends_attributes()}},
        {"too many attributes (403 in older servers) is no wrong credential: the job is taken, and the same is not "
         "sent again",
         {check_in(), polls(k_job), sends_attributes(403), fetches(script_deployment()), takes("7"), is_well(),
          after(300), polls(k_idle), rests(300)}},
        {"attributes that break the rules (400) are not sent again until they change",
         {check_in(), polls(k_wanted), sends_attributes(400), is_well(), after(300), polls(k_idle), rests(300)}},
    });
}
