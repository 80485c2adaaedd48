// SPDX-License-Identifier: Apache-2.0
// Owns what the tests of the hawkBit dialect share: answers as a server gives them, and a check-in played by hand.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/manager/hawkbit.h"
#include "agent/transfer/url.h"

namespace hagent::manager::fixture {

using nlohmann::json;

inline constexpr auto k_url = "https://manager.example";
inline constexpr auto k_base = "https://manager.example/DEFAULT/controller/v1/tc-1";

inline Answer answer(int status, std::string body = {}, std::string etag = {}) {
    return {static_cast<std::uint16_t>(status), std::move(body), std::move(etag), {}};
}

/// A poll answer with these links below the device's base: {"deploymentBase", "/deploymentBase/7?c=1"}.
inline std::string poll(const std::vector<std::pair<std::string, std::string>>& links,
                        const std::string& sleep = "00:05:00") {
    json value = {{"config", {{"polling", {{"sleep", sleep}}}}}, {"_links", json::object()}};
    for (const auto& [rel, path] : links) {
        value["_links"][rel]["href"] = path.starts_with('/') ? k_base + path : path;
    }
    return value.dump();
}

inline json artifact(const std::string& name, const json& size = 5) {
    const std::string in_link = transfer::encode_path(name);
    return {
        {"filename", name},
        {"size", size},
        {"hashes", {{"sha1", std::string(40, 'a')}, {"md5", std::string(32, 'b')}, {"sha256", std::string(64, 'c')}}},
        {"_links",
         {{"download-http", {{"href", "http://files.example/" + in_link}}},
          {"md5sum-http", {{"href", "http://files.example/" + in_link + ".MD5SUM"}}}}}};
}

inline json chunk(std::vector<json> artifacts) {
    return {{"part", "os"}, {"version", "1.2.0.0"}, {"name", "demo"}, {"artifacts", std::move(artifacts)}};
}

inline json deployment(std::vector<json> chunks, const std::string& download = "forced",
                       const std::string& update = "forced") {
    return {{"id", "7"}, {"deployment", {{"download", download}, {"update", update}, {"chunks", std::move(chunks)}}}};
}

/// One package script with its manifest.
inline json script_deployment() { return deployment({chunk({artifact("manifest.json"), artifact("demo.rsp")})}); }

/// A dialect and the calls that it made. Answers are found by "METHOD path" below the device's base, without the query;
/// what is not there is answered 404.
struct Server {
    HawkbitDialect dialect{"DEFAULT"};
    Identity identity{"tc-1", {{"hostname", "thin"}}, "digest 1"};
    std::map<std::string, Answer> answers;
    std::vector<Call> calls;

    static std::string key(const Call& call) {
        const std::string method = call.method == transfer::Method::get   ? "GET "
                                   : call.method == transfer::Method::put ? "PUT "
                                                                          : "POST ";
        std::string path = call.url.starts_with(k_base) ? call.url.substr(std::string(k_base).size()) : call.url;
        return method + path.substr(0, path.find('?'));
    }

    /// The whole check-in.
    Status check_in() {
        calls.clear();
        dialect.begin(k_url, identity);
        while (auto call = dialect.next()) {
            REQUIRE(calls.size() < 20);
            calls.push_back(*call);
            const auto found = answers.find(key(*call));
            if (auto status = dialect.answered(found == answers.end() ? answer(404) : found->second); !status.ok()) {
                return status;
            }
        }
        return {};
    }

    /// Attributes were sent before: what follows is about something else.
    void settle() {
        answers["GET "] = answer(200, poll({}));
        answers["PUT /configData"] = answer(200);
        REQUIRE(check_in().ok());
        (void)dialect.take_events();
    }

    std::vector<std::string> keys() const {
        std::vector<std::string> out;
        for (const auto& call : calls) {
            out.push_back(key(call));
        }
        return out;
    }

    /// Checks in with one deployment and gives what came of it.
    std::vector<Event> offer(const json& body) {
        answers["GET "] = answer(200, poll({{"deploymentBase", "/deploymentBase/7?c=-1234"}}));
        answers["GET /deploymentBase/7"] = answer(200, body.dump());
        REQUIRE(check_in().ok());
        return dialect.take_events();
    }
    session::Job job(const json& body) {
        auto events = offer(body);
        REQUIRE(events.size() == 1);
        auto* offered = std::get_if<JobOffered>(&events[0]);
        REQUIRE(offered != nullptr);
        return offered->job;
    }
    Error refusal(const json& body) {
        auto events = offer(body);
        REQUIRE(events.size() == 1);
        auto* refused = std::get_if<JobRefused>(&events[0]);
        REQUIRE(refused != nullptr);
        CHECK(refused->job_id == "7");
        return refused->why;
    }

    /// The body of the report, and the address below the base.
    std::pair<std::string, json> report(const session::Report& report) {
        const auto call = dialect.report(k_url, identity, report);
        CHECK(call.method == transfer::Method::post);
        return {key(call).substr(5), json::parse(call.body)};
    }
};

inline bool has_header(const Call& call, const std::string& name, const std::string& value) {
    for (const auto& header : call.headers) {
        if (header.first == name && header.second == value) {
            return true;
        }
    }
    return false;
}

}  // namespace hagent::manager::fixture
