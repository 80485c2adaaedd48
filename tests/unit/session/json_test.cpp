// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the JSON shapes that outsiders build on. Source: spec 11 "JSON shapes".
#include "agent/session/json.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "agent/errors/catalogue.h"

namespace hagent::session {
namespace {

using errors::AgentCode;
using nlohmann::json;

/// "b" boolean, "i" unsigned integer, "s" string, "a" array, "o" object, "n" null.
std::string type_of(const json& value) {
    return value.is_boolean()           ? "b"
           : value.is_number_unsigned() ? "i"
           : value.is_string()          ? "s"
           : value.is_array()           ? "a"
           : value.is_object()          ? "o"
           : value.is_null()            ? "n"
                                        : "?";
}

/// Members and their types, nothing more and nothing less.
void check_shape(const json& value, const std::map<std::string, std::string>& shape) {
    REQUIRE(value.is_object());
    std::map<std::string, std::string> found;
    for (const auto& [key, member] : value.items()) {
        found[key] = type_of(member);
    }
    CHECK(found == shape);
}

json parsed(const std::string& text) {
    CAPTURE(text);
    const json value = json::parse(text, nullptr, false);
    REQUIRE_FALSE(value.is_discarded());
    CHECK(text.find('\n') == std::string::npos);
    return value;
}

const std::map<std::string, std::string> k_result = {{"code", "i"},   {"name", "s"},        {"protocol", "s"},
                                                     {"status", "i"}, {"status_name", "s"}, {"info", "i"},
                                                     {"text", "s"},   {"next", "s"}};

TaskResult failed_result() {
    return {errors::agent(AgentCode::no_source), errors::Severity::error, 3, "fw/kernel", errors::ftp(550)};
}

SessionRecord record() {
    SessionRecord out;
    out.id = "000007";
    out.job.id = "9007199254740993";
    out.job.name = "Demo";
    out.package = "demo";
    out.version = "1.0";
    out.serial = UINT64_MAX;
    out.signer = "release";
    out.phase = Phase::executing_files;
    out.started = WallTime{Millis{1'796'083'200'999}};
    out.steps = {{1, 4, "SF", "fetch", work::StepState::done, {}, {}},
                 {2, 5, "EX", "run", work::StepState::failed, {failed_result()}, "said"}};
    out.progress = {10, 20, 5, 2};
    TransferView view;
    view.file = "fw/kernel";
    view.url = "ftp://h/fw/kernel";
    view.resumed_at = {4096};
    view.decisions.push_back({2, "ftp://h/fw/kernel", errors::ftp(426), transfer::Stage::retr, "",
                              transfer::Decide::resume, errors::ftp(426), 500, 4096});
    view.transcript = {"> RETR x"};
    out.transfers = {view};
    out.downloads = {{"fw/kernel", 20, ""}};
    out.disk = {{"/", platform::VolumeType::normal, work::VolumeState::used, 100, 80, 90}};
    out.reboots = 1;
    return out;
}

TEST_CASE("a result") {
    json value = parsed(result_json(failed_result()));
    auto shape = k_result;
    shape["native"] = "o";
    check_shape(value, shape);
    CHECK(value["code"] == 1303);
    CHECK(value["name"] == "no_source");
    CHECK(value["status"] == 4);
    CHECK(value["status_name"] == "SW_ERROR");
    CHECK(value["info"] == 3);
    CHECK(value["native"] == json{{"protocol", "ftp"}, {"number", 550}});
    CHECK(value["text"].get<std::string>().find("fw/kernel") != std::string::npos);
    CHECK(value["next"] == errors::describe(errors::ftp(550)).next.text());

    const TaskResult note{errors::xdsa(errors::Xdsa::same_revision_installed), errors::Severity::note, 1, "", {}};
    value = parsed(result_json(note));
    check_shape(value, k_result);
    CHECK(value["code"] == 77);
    CHECK(value["name"] == "SW_SAME_REVISION_INSTALLED");
    CHECK(value["status"] == 1);
    CHECK(value["status_name"] == "SW_NOTE");
}

TEST_CASE("an error of a command") {
    const json value = parsed(error_json(Error{errors::agent(AgentCode::timed_out), 0, "x"}));
    check_shape(
        value,
        {{"id", "s"}, {"name", "s"}, {"number", "i"}, {"protocol", "s"}, {"text", "s"}, {"next", "s"}, {"retry", "s"}});
    CHECK(value["number"] == 1006);
    CHECK(value["protocol"] == "agent");
    CHECK(value["retry"] == "transient");
}

TEST_CASE("a decision of a download") {
    const json value = parsed(decision_json(record().transfers[0].decisions[0]));
    check_shape(value, {{"attempt", "i"},
                        {"source", "s"},
                        {"reply", "i"},
                        {"protocol", "s"},
                        {"stage", "s"},
                        {"decision", "s"},
                        {"because", "s"},
                        {"wait_ms", "i"},
                        {"at_bytes", "i"}});
    CHECK(value["attempt"] == 2);
    CHECK(value["reply"] == 426);
    CHECK(value["decision"] == "resume");
    CHECK(value["wait_ms"] == 500);
    CHECK(value["at_bytes"] == 4096);
}

TEST_CASE("a session in work, and one that has ended") {
    SessionRecord shown = record();
    json value = parsed(session_json(shown));
    std::map<std::string, std::string> shape = {
        {"id", "s"},        {"kind", "s"},        {"job", "o"},     {"task_type", "i"},
        {"phase", "i"},     {"phase_name", "s"},  {"doing", "s"},   {"started", "s"},
        {"ended", "n"},     {"resumptions", "i"}, {"steps", "a"},   {"progress", "o"},
        {"transfers", "a"}, {"analysis", "o"},    {"results", "a"}, {"summary_status", "i"}};
    check_shape(value, shape);
    CHECK(value["kind"] == "script");
    CHECK(value["phase"] == 14);
    CHECK(value["phase_name"] == "SW_EXECUTING_FILES_PHASE");
    CHECK(value["started"] == "2026-12-01T00:00:00Z");
    CHECK(value["summary_status"] == 4);
    check_shape(value["job"],
                {{"id", "s"}, {"name", "s"}, {"package", "s"}, {"version", "s"}, {"serial", "i"}, {"signer", "s"}});
    CHECK(value["job"]["id"] == "9007199254740993");
    CHECK(value["job"]["serial"] == UINT64_MAX);
    check_shape(value["progress"], {{"bytes", "i"}, {"total", "i"}, {"rate_bps", "i"}, {"eta_s", "i"}});
    check_shape(value["steps"][0],
                {{"n", "i"}, {"op", "s"}, {"line", "i"}, {"effect", "s"}, {"state", "s"}, {"results", "a"}});
    check_shape(
        value["steps"][1],
        {{"n", "i"}, {"op", "s"}, {"line", "i"}, {"effect", "s"}, {"state", "s"}, {"results", "a"}, {"output", "s"}});
    CHECK(value["steps"][0]["state"] == "done");
    CHECK(value["steps"][1]["state"] == "failed");
    check_shape(value["transfers"][0], {{"file", "s"},
                                        {"url", "s"},
                                        {"bytes", "i"},
                                        {"total", "i"},
                                        {"rate_bps", "i"},
                                        {"attempts", "i"},
                                        {"resumed_at", "a"},
                                        {"state", "s"},
                                        {"decisions", "a"},
                                        {"transcript", "a"}});
    check_shape(value["analysis"], {{"plan", "a"}, {"downloads", "a"}, {"disk", "a"}, {"reboots", "i"}});
    check_shape(value["analysis"]["disk"][0],
                {{"volume", "s"}, {"type", "i"}, {"state", "i"}, {"before_bytes", "i"}, {"after_bytes", "i"}});
    check_shape(value["analysis"]["downloads"][0], {{"file", "s"}, {"bytes", "i"}});

    shown.ended = shown.started;
    shown.progress.eta_s.reset();
    value = parsed(session_json(shown));
    shape["ended"] = "s";
    check_shape(value, shape);
    CHECK(value["progress"]["eta_s"].is_null());
}

TEST_CASE("text from outside that is no UTF-8 or would end a string stays one string") {
    SessionRecord shown = record();
    shown.job.name = "\"}],\n\xff\xfe<script>";
    const json value = parsed(session_json(shown));
    CHECK(value["job"]["name"].get<std::string>().starts_with("\"}],\n"));
    CHECK(parsed(quoted("a\"b\\\n\xc3")).is_string());
}

}  // namespace
}  // namespace hagent::session
