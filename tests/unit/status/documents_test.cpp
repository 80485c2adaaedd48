// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what is shown: documents that parse, a page that nothing from outside can break.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/unit/status/sample.h"

namespace hagent::status {
namespace {

using nlohmann::json;

const std::string k_hostile =
    "</pre></td><script>alert(1)</script><img src=x onerror=\"alert(2)\">&amp;'\x1b[31m\xff\r\n";

std::map<std::string, std::string> shape(const json& value) {
    std::map<std::string, std::string> out;
    for (const auto& [key, member] : value.items()) {
        out[key] = member.is_number() ? "number" : member.type_name();
    }
    return out;
}

json parsed(const std::string& text) {
    CAPTURE(text);
    const json value = json::parse(text, nullptr, false);
    REQUIRE_FALSE(value.is_discarded());
    return value;
}

TEST_CASE("the status document has the members that outsiders build on, with and without a session") {
    Board board;
    json value = parsed(status_json(sample_agent("x"), board));
    std::map<std::string, std::string> expected = {
        {"device", "object"}, {"agent", "object"}, {"manager", "object"},        {"session", "null"},
        {"recent", "array"},  {"slots", "array"},  {"volumes", "array"},         {"software", "array"},
        {"trust", "object"},  {"parked", "array"}, {"reports_queued", "number"}, {"image", "object"},
        {"upgrade", "object"}};
    CHECK(shape(value) == expected);
    CHECK(shape(value["agent"]) == std::map<std::string, std::string>{{"version", "string"},
                                                                      {"pid", "number"},
                                                                      {"uptime_s", "number"},
                                                                      {"pss_bytes", "number"},
                                                                      {"listener", "string"}});
    CHECK(shape(value["manager"]) == std::map<std::string, std::string>{{"dialect", "string"},
                                                                        {"url", "string"},
                                                                        {"last_check_in", "string"},
                                                                        {"last_result", "string"},
                                                                        {"next_check_in", "null"}});
    CHECK(value["manager"]["last_check_in"] == "2026-12-01T00:00:00Z");
    board.publish(sample_session("000001", "x"));
    expected["session"] = "object";
    value = parsed(status_json(sample_agent("x"), board));
    CHECK(shape(value) == expected);
    CHECK(value["session"]["id"] == "000001");
}

TEST_CASE("status and page show the slot and the agent that are on trial, and what is staged") {
    const auto agent = sample_agent("x");
    const json value = parsed(status_json(agent, Board()));
    CHECK(value["image"] == json::parse(R"({"boot":"","running":"","last":null,
        "trial":{"slot":"x","version":"x","tries":2,"deadline":null}})"));
    CHECK(value["upgrade"] == json::parse(R"({"running":{"version":"1.3.0.0","path":"x","preinstalled":true},
        "preinstalled":{"version":"0.1.0.0","path":"x"},
        "staged":[{"version":"1.3.0.0","state":"trial"},{"version":"1.2.0.0","state":"confirmed"}],
        "trial":{"version":"1.3.0.0","starts":1,"deadline":"2026-12-01T00:00:00Z"},
        "last":{"from":"0.1.0.0","to":"1.2.0.0","result":"confirmed","reason":"x","at":"1970-01-01T00:00:00Z"}})"));
    for (const auto& text : {page_html(agent, Board(), {}), status_text(agent, Board())}) {
        for (const auto* part : {"1.3.0.0, 1 of 3 starts, until 2026-12-01T00:00:00Z", "1.2.0.0, confirmed",
                                 "slot x, version x, 2 starts left"}) {
            CHECK(text.find(part) != std::string::npos);
        }
    }
}

TEST_CASE("every document is well-formed, whatever text it holds") {
    for (const std::string& text :
         {std::string("plain"), k_hostile, std::string("\0nul", 4), std::string(10000, '<')}) {
        Board board;
        board.publish(sample_session("000002", text));
        auto ended = sample_session("000001", text);
        ended.phase = session::Phase::completed;
        ended.ended = ended.started;
        board.publish(ended);
        CHECK(parsed(status_json(sample_agent(text), board)).is_object());
        CHECK(parsed(sessions_json(board))["sessions"].size() == 2);
        const json results = parsed(results_json(board));
        CHECK(results["results"].size() == 4);
        CHECK(results["results"][0]["session"] == "000002");
        const json log = parsed(log_json(sample_log(text)));
        CHECK(log["log"][0]["seq"] == 7);
        CHECK(log["log"][0]["fields"].contains("key"));
    }
}

TEST_CASE("explain gives each row with its advice") {
    const json value = parsed(explain_json(errors::explain("550")));
    REQUIRE_FALSE(value.empty());
    for (const auto& row : value) {
        for (const char* member : {"protocol", "name", "severity", "retry", "cause", "next"}) {
            CHECK(row[member].is_string());
        }
        CHECK(row["number"] == 550);
    }
    CHECK(parsed(explain_json({})).empty());
    CHECK(explain_text("550", errors::explain("550")).find("what to do: ") != std::string::npos);
    CHECK(explain_text("nonsense", {}).find("no such code") != std::string::npos);
}

TEST_CASE("text from outside is shown on the page, never understood by the browser") {
    Board board;
    board.publish(sample_session("000002", k_hostile));
    auto ended = sample_session("000001", k_hostile);
    ended.phase = session::Phase::completed;
    ended.ended = ended.started;
    board.publish(ended);
    const std::string page = page_html(sample_agent(k_hostile), board, sample_log(k_hostile));
    CHECK(page.find("<script>alert") == std::string::npos);
    CHECK(page.find("<img") == std::string::npos);
    CHECK(page.find("onerror=\"") == std::string::npos);
    CHECK(page.find("&lt;script&gt;alert(1)&lt;/script&gt;") != std::string::npos);
    CHECK(page.find("&amp;amp;") != std::string::npos);
    CHECK(page.find('\x1b') == std::string::npos);
    CHECK(page.find('\xff') == std::string::npos);
}

TEST_CASE("the page is one document that asks nobody for anything and says how it stands") {
    Board board;
    const std::string quiet = page_html(sample_agent("x"), board, {});
    CHECK(quiet.starts_with("<!doctype html>"));
    CHECK(quiet.ends_with("</html>\n"));
    CHECK(quiet.find("content=\"15\"") != std::string::npos);
    board.publish(sample_session("000002", "Demo"));
    const std::string page = page_html(sample_agent("x"), board, sample_log("hello"));
    CHECK(page.find("content=\"2\"") != std::string::npos);
    for (const char* part : {"src=", "href=", "url(", "@import", "<link", "<iframe"}) {
        CAPTURE(part);
        CHECK(page.find(part) == std::string::npos);
    }
    for (const char* part : {"lang=\"en\"", "<progress max=\"100\" value=\"50\">", "command_failed",
                             "resumed at byte 4096", "hello", "running steps"}) {
        CAPTURE(part);
        CHECK(page.find(part) != std::string::npos);
    }
    for (const std::string tag :
         {"table", "details", "summary", "pre", "td", "th", "tr", "p", "span", "em", "h2", "main"}) {
        CAPTURE(tag);
        std::size_t opened = 0, closed = 0;
        for (std::size_t at = 0; (at = page.find("<" + tag, at)) != std::string::npos; ++at) {
            const char next = page[at + 1 + tag.size()];
            opened += next == '>' || next == ' ' ? 1U : 0U;
        }
        for (std::size_t at = 0; (at = page.find("</" + tag + ">", at)) != std::string::npos; ++at) {
            ++closed;
        }
        CHECK(opened == closed);
    }
}

TEST_CASE("text for a terminal controls no terminal") {
    Board board;
    board.publish(sample_session("000002", k_hostile));
    for (const std::string& text :
         {status_text(sample_agent(k_hostile), board), session_text(sample_session("000001", k_hostile)),
          sessions_text(board), log_text(sample_log(k_hostile))}) {
        CHECK(text.find('\x1b') == std::string::npos);
        CHECK(text.find('\r') == std::string::npos);
        CHECK(text.ends_with("\n"));
    }
    AgentView stopped = sample_agent("x");
    stopped.pid = 0;
    CHECK(status_text(stopped, board).find("not running") != std::string::npos);
}

}  // namespace
}  // namespace hagent::status
