// SPDX-License-Identifier: Apache-2.0
// Owns the tests of jobs whose script the manager itself sends, as legacy managers do: unsigned, with files on its
// servers.
#include "tests/fakes/job_source.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const std::string k_password = "canary/pw@1:2";

/// '"' stands for the quote of the wire.
Job wire_job(std::string commands) {
    commands = fakes::rooted_script(commands);
    std::replace(commands.begin(), commands.end(), '"', '\x0F');
    Job job;
    job.id = "SI1-UR9";
    job.name = "update 9";
    job.options = {{"form", "wire"}};
    wire_script(job).commands = std::move(commands);
    wire_script(job).repositories = {{"ftp://remote.example/", "rapport", k_password},
                                     {"ftp://master.example:2121/", "master", "m"}};
    return job;
}

const std::string k_commands =
    R"(CO "SLX"|10|SF "demo/a b" "//data//a"|11|SF "demo/k" "/data/k"|12|SF "demo/k" "/data/k2"|13|EX "apply now" "+"|14|)";

struct Served : Device {
    Served() {
        fetcher.files["ftp://remote.example/demo/a%20b"].bytes = "content of a";
        fetcher.files["ftp://remote.example/demo/k"].bytes = std::string(20000, 'k');
        processes.on("apply", platform::Exit{0, false, "applied\n"});
    }
    bool written(const std::string& text) {
        const auto paths = files.tree();
        return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
            return files.content(path).value_or("").find(text) != std::string::npos;
        });
    }
};

TEST_CASE("a script from the wire is done step by step, with the files of the manager's server") {
    Served device;
    REQUIRE(device.run(wire_job(k_commands)).ok());
    CHECK(device.listener.last.phase == Phase::completed);
    CHECK_FALSE(device.listener.last.failed());
    CHECK(device.listener.last.signer == "network");
    CHECK(device.files.content("/data/a") == "content of a");
    CHECK(device.files.content("/data/k") == std::string(20000, 'k'));
    CHECK(device.files.content("/data/k2") == std::string(20000, 'k'));
    CHECK(device.processes.calls.at(0).argv == std::vector<std::string>{"apply", "now"});
    CHECK(device.listener.text().find("step 5 of 5, EX: done") != std::string::npos);
    CHECK(device.fetcher.asked.size() == 2);  // each file once
    CHECK(device.fetcher.asked[0].url == "ftp://rapport:canary%2Fpw%401%3A2@remote.example/demo/a%20b");
}

TEST_CASE("the login of the manager's server is written nowhere") {
    Served device;
    device.listener.on_change = [&](const SessionRecord&) {
        CHECK_FALSE(device.written("canary"));
        CHECK_FALSE(device.written("rapport"));
    };
    REQUIRE(device.run(wire_job(k_commands)).ok());
    CHECK_FALSE(device.written("canary"));
    CHECK(device.listener.text().find("canary") == std::string::npos);
}

TEST_CASE("the master's server has what the first one has not") {
    Served device;
    device.fetcher.files["ftp://master.example:2121/demo/k"] = device.fetcher.files["ftp://remote.example/demo/k"];
    device.fetcher.files.erase("ftp://remote.example/demo/k");
    REQUIRE(device.run(wire_job(k_commands)).ok());
    CHECK_FALSE(device.listener.last.failed());
    CHECK(device.files.content("/data/k") == std::string(20000, 'k'));
}

TEST_CASE("a file that is nowhere ends the job before its first step") {
    Served device;
    device.fetcher.files.erase("ftp://remote.example/demo/k");
    REQUIRE(device.run(wire_job(k_commands)).ok());
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    CHECK_FALSE(device.files.exists("/data/a"));
    CHECK(device.processes.calls.empty());
}

TEST_CASE("a job without a server for its files is refused, one that needs none is done") {
    Served device;
    auto job = wire_job(k_commands);
    wire_script(job).repositories.clear();
    REQUIRE(device.run(job).ok());
    CHECK(has_code(device.listener.last.results, AgentCode::no_source));
    Served other;
    auto small = wire_job(R"(EX "apply" "+"|10|)");
    wire_script(small).repositories.clear();
    REQUIRE(other.run(small).ok());
    CHECK_FALSE(other.listener.last.failed());
}

TEST_CASE("another OS than the script demands is found before the first step") {
    Served device;
    REQUIRE(device.run(wire_job(R"(EX "apply now" "+"|9|CO "XP"|10|)")).ok());
    CHECK(has_code(device.listener.last.results, AgentCode::os_mismatch));
    CHECK(device.processes.calls.empty());
}

TEST_CASE("paths, wildcards and trees that the server cannot be asked for are refused by the plan") {
    for (const auto* commands :
         {R"(SF "../etc/passwd" "/data/a"|10|)", R"(SF "demo/*" "/data/"|10|)", R"(XC "demo" "/data"|10|)"}) {
        CAPTURE(commands);
        Served device;
        REQUIRE(device.run(wire_job(commands)).ok());
        CHECK(device.listener.last.failed());
        CHECK(device.fetcher.asked.empty());
        CHECK_FALSE(device.files.exists("/data"));
    }
}

TEST_CASE("QU asks as long as the manager says where the script does not say it") {
    Served device;
    auto job = wire_job(R"(QU "Now?"|10|QU "Again?" "30"|11|)");
    job.options.insert(job.options.end(), {{"question_s", "120"}, {"postponements", "1"}});
    REQUIRE(device.run(job).ok());
    CHECK(device.stored().record.job.options == job.options);
    REQUIRE(device.listener.last.steps.size() == 2);
    CHECK(device.listener.last.steps[0].effect.find("for 120 s") != std::string::npos);
    CHECK(device.listener.last.steps[0].effect.find("at most 1 postponements") != std::string::npos);
    CHECK(device.listener.last.steps[1].effect.find("for 30 s") != std::string::npos);
}

TEST_CASE("after a restart in the middle of the downloads the job waits for the login and then goes on") {
    Served device;
    auto session = Session::begin(device.context, wire_job(k_commands));
    REQUIRE(session.ok());
    device.id = (*session)->record().id;
    Stop shutdown;
    REQUIRE(shutdown.request(StopReason::shutdown));
    CHECK((*session)->run(shutdown).value() == SessionEnd::interrupted);
    CHECK(device.resume().value() == SessionEnd::interrupted);
    CHECK(device.listener.finals().empty());
    CHECK(device.resume(wire_job(k_commands)).value() == SessionEnd::finished);
    CHECK_FALSE(device.listener.last.failed());
    CHECK(device.files.content("/data/a") == "content of a");
}

TEST_CASE("after a restart in the middle of the steps neither login nor server is needed") {
    for (std::uint64_t call = 1;; ++call) {
        CAPTURE(call);
        Served device;
        auto session = Session::begin(device.context, wire_job(k_commands));
        REQUIRE(session.ok());
        device.id = (*session)->record().id;
        device.files.forget_calls();
        bool staged = false;
        device.listener.on_change = [&](const SessionRecord& record) {
            if (!staged && record.phase == Phase::analyzing) {
                staged = true;
                device.files.forget_calls();
                device.files.cut_power_at(call);
            }
        };
        const bool done = (*session)->run(device.stop).ok();
        if (!device.files.power_is_off()) {
            CHECK(done);
            break;
        }
        device.files.restart(fakes::Unsynced::lost);
        device.listener.on_change = nullptr;
        device.fetcher.files.clear();
        Stop fresh;
        auto again = Session::resume(device.context, device.id, std::nullopt);
        REQUIRE(again.ok());
        REQUIRE((*again)->run(fresh).ok());
        const bool once = device.processes.calls.size() <= 1;
        CHECK(once);
        if (device.listener.finals().back().stage == ReportStage::success) {
            CHECK(device.files.content("/data/k2") == std::string(20000, 'k'));
        } else {  // the program was under way when the power went: it must not be run twice
            CHECK(has_code(device.listener.last.all_results(), AgentCode::step_interrupted));
        }
    }
}

}  // namespace
}  // namespace hagent::session
