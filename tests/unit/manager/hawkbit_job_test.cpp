// SPDX-License-Identifier: Apache-2.0
// Owns the tests of hawkBit deployments: from JSON to a job, or to a refusal.
#include "tests/fakes/job_source.h"
#include "tests/unit/manager/hawkbit_fixture.h"

using namespace hagent;
using namespace hagent::manager;
using namespace hagent::manager::fixture;
using errors::AgentCode;

TEST_CASE("A deployment becomes a job with everything the session needs") {
    Server s;
    s.settle();
    const auto job = s.job(script_deployment());
    CHECK(job.id == "7");
    CHECK(job.kind == JobKind::script);
    CHECK(job.name == "demo");
    CHECK(job.version == "1.2.0.0");
    CHECK(job.execute);
    CHECK(job.forced);
    CHECK(session::signed_package(job).base_url.empty());
    REQUIRE(session::signed_package(job).artifacts.size() == 2);
    CHECK(session::signed_package(job).artifacts[1].path == "demo.rsp");
    CHECK(session::signed_package(job).artifacts[1].url == "http://files.example/demo.rsp");
    CHECK(session::signed_package(job).artifacts[1].bytes == 5);
    CHECK(session::signed_package(job).artifacts[1].sha256 == std::string(64, 'c'));
    CHECK(session::signed_package(job).artifacts[1].sha1 == std::string(40, 'a'));
}

TEST_CASE("The deployment's link is followed as given, with its query") {
    Server s;
    s.settle();
    (void)s.job(script_deployment());
    CHECK(s.calls[1].url == std::string(k_base) + "/deploymentBase/7?c=-1234");
}

TEST_CASE("Trap 5: an action id is the whole last part of the link, not its digits and not a number") {
    for (const auto* id : {"7", "007", "7a8", "18446744073709551616", "a-1.b_2", "%37%20x"}) {
        Server s;
        s.settle();
        s.answers["GET "] = answer(200, poll({{"deploymentBase", std::string("/deploymentBase/") + id + "?c=99"}}));
        s.answers[std::string("GET /deploymentBase/") + id] = answer(200, script_deployment().dump());
        const auto status = s.check_in();
        if (std::string(id) == "%37%20x") {
            CHECK(status.error().is(AgentCode::manager_malformed_answer));
            continue;
        }
        REQUIRE(status.ok());
        CHECK(std::get<JobOffered>(s.dialect.take_events().at(0)).job.id == id);
    }
}

TEST_CASE("Trap 8: sizes have 64 bits") {
    Server s;
    s.settle();
    const auto job = s.job(deployment(
        {chunk({artifact("a.rsp", 5'368'709'120), artifact("b", std::uint64_t{UINT64_MAX}), artifact("c", nullptr)})}));
    CHECK(session::signed_package(job).artifacts[0].bytes == 5'368'709'120);
    CHECK(session::signed_package(job).artifacts[1].bytes == UINT64_MAX);
    CHECK_FALSE(session::signed_package(job).artifacts[2].bytes.has_value());
    for (const json& size : {json(-1), json(1.5), json("5"), json(true)}) {
        CHECK(s.refusal(deployment({chunk({artifact("a.rsp", size)})})).is(AgentCode::manager_malformed_answer));
    }
}

TEST_CASE("Trap 8: without SHA-256 the SHA-1 is there to fall back on, and a digest that is none is refused") {
    Server s;
    s.settle();
    auto only_sha1 = artifact("a.rsp");
    only_sha1["hashes"].erase("sha256");
    auto job = s.job(deployment({chunk({only_sha1})}));
    CHECK(session::signed_package(job).artifacts[0].sha256.empty());
    CHECK(session::signed_package(job).artifacts[0].sha1 == std::string(40, 'a'));
    auto upper = artifact("a.rsp");
    upper["hashes"]["sha256"] = std::string(64, 'C');
    CHECK(session::signed_package(s.job(deployment({chunk({upper})}))).artifacts[0].sha256 == std::string(64, 'c'));
    for (const auto& bad : {std::string(63, 'c'), std::string(64, 'g'), std::string("0")}) {
        auto odd = artifact("a.rsp");
        odd["hashes"]["sha256"] = bad;
        CHECK(s.refusal(deployment({chunk({odd})})).is(AgentCode::manager_malformed_answer));
    }
}

TEST_CASE("A tilde in an artifact's name is a slash in the package's path") {
    Server s;
    s.settle();
    const auto job = s.job(deployment({chunk({artifact("demo.rsp"), artifact("fw~sub~kernel 1")})}));
    CHECK(session::signed_package(job).artifacts[1].path == "fw/sub/kernel 1");
}

TEST_CASE("An artifact's name that leads out of the package refuses the job") {
    Server s;
    s.settle();
    for (const auto* name : {"", "~etc~passwd", "..~x", "a~..~b", "a~~b", "a~", ".", "a\\b", "a\nb", "/etc/passwd"}) {
        auto odd = artifact("x");
        odd["filename"] = name;
        CHECK(s.refusal(deployment({chunk({artifact("a.rsp"), odd})})).is(AgentCode::path_refused));
    }
}

TEST_CASE("The encrypted download link is preferred, the other one is taken, none refuses the job") {
    Server s;
    s.settle();
    auto both = artifact("a.rsp");
    both["_links"]["download"]["href"] = "https://files.example/secure";
    CHECK(session::signed_package(s.job(deployment({chunk({both})}))).artifacts[0].url ==
          "https://files.example/secure");
    auto relative = artifact("a.rsp");
    relative["_links"]["download-http"]["href"] = "../softwaremodules/1/artifacts/a.rsp";
    CHECK(session::signed_package(s.job(deployment({chunk({relative})}))).artifacts[0].url ==
          std::string(k_base) + "/softwaremodules/1/artifacts/a.rsp");
    auto none = artifact("a.rsp");
    none.erase("_links");
    CHECK(s.refusal(deployment({chunk({none})})).is(AgentCode::manager_malformed_answer));
}

TEST_CASE("The kind comes from the artifacts' names") {
    const std::pair<std::vector<std::string>, JobKind> table[] = {
        {{"setup.RSP", "root.tar.gz", "a.img"}, JobKind::script},
        {{"tool.sw"}, JobKind::software},
        {{"tool.swdist"}, JobKind::software},
        {{"tool.tar"}, JobKind::software},
        {{"tool.tar.xz"}, JobKind::software},
        {{"root.img"}, JobKind::image},
        {{"sub~root.img.zst"}, JobKind::image},
        {{"hagent"}, JobKind::upgrade},
        {{"hagent-win-i686.exe"}, JobKind::upgrade}};
    for (const auto& [names, kind] : table) {
        Server s;
        s.settle();
        std::vector<json> artifacts = {artifact("manifest.json"), artifact("manifest.sig")};
        for (const auto& name : names) {
            artifacts.push_back(artifact(name));
        }
        const std::string& first = names[0];  // clang 14 captures no structured binding
        INFO(first);
        CHECK(s.job(deployment({chunk(artifacts)})).kind == kind);
    }
}

TEST_CASE("The module's metadata hagent.kind decides when it is there") {
    Server s;
    s.settle();
    for (const auto& [word, kind] : {std::pair("script", JobKind::script), std::pair("software", JobKind::software),
                                     std::pair("image", JobKind::image), std::pair("upgrade", JobKind::upgrade),
                                     std::pair("agent", JobKind::upgrade)}) {
        auto part = chunk({artifact("x.rsp")});
        part["metadata"] = {{{"key", "other"}, {"value", "image"}}, {{"key", "hagent.kind"}, {"value", word}}};
        CHECK(s.job(deployment({part})).kind == kind);
    }
    auto part = chunk({artifact("x.rsp")});
    part["metadata"] = {{{"key", "hagent.kind"}, {"value", "coffee"}}};
    CHECK(s.refusal(deployment({part})).is(AgentCode::job_unsupported));
}

TEST_CASE("A deployment that nobody could carry out is refused instead of staying open for ever") {
    Server s;
    s.settle();
    CHECK(s.refusal(deployment({})).is(AgentCode::job_unsupported));
    CHECK(s.refusal(deployment({chunk({})})).is(AgentCode::job_unsupported));
    CHECK(s.refusal(deployment({chunk({artifact("notes.txt")})})).is(AgentCode::job_unsupported));
    CHECK(s.refusal(deployment({chunk({artifact("a.rsp")})}, "sometimes", "forced"))
              .is(AgentCode::manager_malformed_answer));
    CHECK(s.refusal(deployment({chunk({artifact("a.rsp")})}, "forced", "")).is(AgentCode::manager_malformed_answer));
}

TEST_CASE("Modules of a distribution join into one package, but two packages are not one job") {
    Server s;
    s.settle();
    auto plain = chunk({artifact("data")});
    plain["name"] = "data only";
    const auto job = s.job(deployment({plain, chunk({artifact("manifest.json"), artifact("demo.rsp")})}));
    CHECK(session::signed_package(job).artifacts.size() == 3);
    CHECK(job.name == "demo");
    const auto package = chunk({artifact("manifest.json"), artifact("demo.rsp")});
    CHECK(s.refusal(deployment({package, package})).is(AgentCode::job_unsupported));
}

TEST_CASE("Download and update say what may be done, and when") {
    struct Row {
        const char *download, *update, *window;
        bool execute, forced;
    };
    for (const auto& row :
         {Row{"forced", "forced", "", true, true}, Row{"attempt", "attempt", "", true, false},
          Row{"forced", "skip", "unavailable", false, true}, Row{"forced", "forced", "available", true, true},
          Row{"forced", "skip", "", false, true}, Row{"attempt", "skip", "unavailable", false, false},
          Row{"forced", "forced", "unavailable", false, true}}) {
        Server s;
        s.settle();
        auto body = deployment({chunk({artifact("a.rsp")})}, row.download, row.update);
        if (*row.window != 0) {
            body["deployment"]["maintenanceWindow"] = row.window;
        }
        const auto job = s.job(body);
        CHECK(job.execute == row.execute);
        CHECK(job.forced == row.forced);
    }
}

TEST_CASE("Nothing to download and nothing to do is no job, and no sign that nothing is open either") {
    Server s;
    s.settle();
    CHECK(s.offer(deployment({chunk({artifact("a.rsp")})}, "skip", "skip")).empty());
}

TEST_CASE("Trap 2: a deployment that is gone by now is no failure of the check-in") {
    for (const int status : {404, 410}) {
        Server s;
        s.settle();
        s.answers["GET "] = answer(200, poll({{"deploymentBase", "/deploymentBase/7"}}));
        s.answers["GET /deploymentBase/7"] = answer(status);
        REQUIRE(s.check_in().ok());
        CHECK(s.dialect.take_events().empty());
    }
}

TEST_CASE("An answer that is no deployment ends the check-in, so that it is tried again") {
    for (const auto* body : {"", "[]", "{}", "{\"deployment\":[]}", "{\"deployment\":{\"chunks\":{}}}", "<html>"}) {
        Server s;
        s.settle();
        s.answers["GET "] = answer(200, poll({{"deploymentBase", "/deploymentBase/7"}}));
        s.answers["GET /deploymentBase/7"] = answer(200, body);
        CHECK(s.check_in().error().is(AgentCode::manager_malformed_answer));
    }
    Server s;
    s.settle();
    s.answers["GET "] = answer(200, poll({{"deploymentBase", "/deploymentBase/7"}}));
    s.answers["GET /deploymentBase/7"] = answer(500);
    CHECK(s.check_in().error().id == errors::http(500));
}

TEST_CASE("Names from the server are cut and cannot steer a terminal") {
    Server s;
    s.settle();
    auto part = chunk({artifact("a.rsp")});
    part["name"] = "evil\x1b[2J" + std::string(500, 'n');
    const auto job = s.job(deployment({part}));
    CHECK(job.name.size() <= 128);
    CHECK(job.name.find('\x1b') == std::string::npos);
}
