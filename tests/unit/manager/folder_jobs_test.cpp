// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the reading of jobs.json.
#include "agent/manager/folder_jobs.h"

#include <doctest/doctest.h>

using namespace hagent;
using namespace hagent::manager;

namespace {

std::string why(const std::string& text) {
    const auto jobs = parse_folder_jobs(text, "tc-7");
    REQUIRE_FALSE(jobs.ok());
    CHECK(jobs.error().is(errors::AgentCode::manager_malformed_answer));
    return jobs.error().context;
}

const std::string k_digest(64, 'b');

/// Every package is followed by its digest.
std::string bound(std::string text) {
    const std::string member = "\"package\":\"";
    for (auto at = text.find(member); at != std::string::npos; at = text.find(member, at + 1)) {
        const auto end = text.find('"', at + member.size());
        text.insert(end + 1, ",\"manifest_sha256\":\"" + k_digest + "\"");
    }
    return text;
}

std::string with(const std::string& members) { return R"({"format":1,"serial":1,)" + bound(members) + "}"; }

}  // namespace

TEST_CASE("The example of the specification is read") {
    const auto jobs = parse_folder_jobs(
        bound(R"({"format":1,"serial":12,"expires":null,"all":{"jobs":[{"id":"j1","package":"demo/"}]},
        "groups":{"lobby":{"jobs":[]}},"devices":{"tc-7":{"groups":["lobby"],"jobs":[]}},"reports":"reports/"})"),
        "tc-7");
    REQUIRE(jobs.ok());
    CHECK(jobs->serial == 12);
    CHECK_FALSE(jobs->expires);
    CHECK(jobs->reports == "reports/");
    CHECK(jobs->jobs == std::vector<FolderJob>{{"j1", "demo/", k_digest, {}}});
}

TEST_CASE("All but format and serial may be absent, and serials use all 64 bits") {
    const auto jobs = parse_folder_jobs(R"({"format":1,"serial":18446744073709551615})", "tc-7");
    REQUIRE(jobs.ok());
    CHECK(jobs->serial == UINT64_MAX);
    CHECK(jobs->jobs.empty());
    CHECK(jobs->reports.empty());
}

TEST_CASE("A kind may be named") {
    const auto jobs = parse_folder_jobs(with(R"("all":{"jobs":[{"id":"a","package":"x","kind":"image"}]})"), "");
    REQUIRE(jobs.ok());
    CHECK(jobs->jobs == std::vector<FolderJob>{{"a", "x/", k_digest, JobKind::image}});
}

TEST_CASE("One job in several places is one job, two jobs of one id are a mistake") {
    const std::string groups = R"("groups":{"g":{"jobs":[{"id":"a","package":"x/"}]}},)";
    const auto jobs = parse_folder_jobs(
        with(groups + R"("devices":{"tc-7":{"groups":["g","g"],"jobs":[{"id":"a","package":"x"}]}})"), "tc-7");
    REQUIRE(jobs.ok());
    CHECK(jobs->jobs.size() == 1);
    CHECK(why(with(groups + R"("devices":{"tc-7":{"groups":["g"],"jobs":[{"id":"a","package":"y"}]}})")).find("'a'") !=
          std::string::npos);
}

TEST_CASE("A mistake in any device's part is found on every device") {
    CHECK(why(with(R"("devices":{"tc-8":{"groups":["gone"]}})")).find("devices.tc-8.groups") != std::string::npos);
    CHECK(why(with(R"("devices":{"tc-8":{"jobs":[{"id":"a"}]}})")).find("devices.tc-8.jobs.package") !=
          std::string::npos);
    CHECK(why(with(R"("groups":{"g":{"jobs":[{"id":"","package":"x"}]}})")).find("groups.g.jobs.id") !=
          std::string::npos);
}

TEST_CASE("A package and the reports lie below the folder") {
    for (const std::string path :
         {"", "/", "/etc/", "../other/", "a/../../b", "http://elsewhere/x/", "C:/x", "a\\b", "a//b", "a\nb", "./a"}) {
        std::string quoted;
        for (const char c : path) {
            quoted += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c);
        }
        CAPTURE(path);
        CHECK(why(with(R"("all":{"jobs":[{"id":"a","package":")" + quoted + R"("}]})")).find("package") !=
              std::string::npos);
        CHECK(why(with(R"("reports":")" + quoted + "\"")).find("reports") != std::string::npos);
    }
}

TEST_CASE("What is not known, repeated or of another type is refused") {
    for (const std::string& text : {std::string("{"),
                                    std::string("1"),
                                    std::string(R"({"format":"1","serial":1})"),
                                    std::string(R"({"format":1})"),
                                    std::string(R"({"format":1,"serial":-1})"),
                                    std::string(R"({"format":1,"serial":1,"serial":2})"),
                                    with(R"("expires":"soon")"),
                                    with(R"("all":[])"),
                                    with(R"("all":{"jobs":{}})"),
                                    with(R"("all":{"job":[]})"),
                                    with(R"("all":{"jobs":["a"]})"),
                                    with(R"("all":{"jobs":[{"id":1,"package":"x"}]})"),
                                    with(R"("all":{"jobs":[{"id":"a b","package":"x"}]})"),
                                    with(R"("all":{"jobs":[{"id":"a","package":"x","when":"never"}]})"),
                                    with(R"("all":{"jobs":[{"id":"a","package":"x","kind":"coffee"}]})"),
                                    with(R"("groups":[])"),
                                    with(R"("groups":{"":{}})"),
                                    with(R"("groups":{"g":[]})"),
                                    with(R"("devices":{"a b":{}})"),
                                    with(R"("devices":{"tc-7":{"groups":"g"}})"),
                                    with(R"("devices":{"tc-7":{"groups":[1]}})"),
                                    with(R"("reports":1)"),
                                    with(R"("later":1)")}) {
        CAPTURE(text);
        CHECK(why(text).starts_with("jobs.json"));
    }
}

TEST_CASE("A device has at most 400 jobs, because so many can be remembered") {
    std::string list;
    for (int i = 0; i < 401; ++i) {
        list += (i == 0 ? "" : ",") + (R"({"id":")" + std::to_string(i) + R"(","package":"x"})");
    }
    CHECK(why(with(R"("all":{"jobs":[)" + list + "]}")).find("400") != std::string::npos);
    CHECK(parse_folder_jobs(with(R"("devices":{"tc-8":{"jobs":[)" + list + "]}}"), "tc-7").ok());
}

TEST_CASE("A job without the digest of its manifest, in whichever part, is refused with a code of its own") {
    for (const std::string section :
         {R"("all":{"jobs":[JOB]})", R"("groups":{"g":{"jobs":[JOB]}})", R"("devices":{"tc-8":{"jobs":[JOB]}})"}) {
        CAPTURE(section);
        const auto text = [&](const std::string& job) {
            std::string out = section;
            return R"({"format":1,"serial":1,)" + out.replace(out.find("JOB"), 3, job) + "}";
        };
        const auto jobs = parse_folder_jobs(text(R"({"id":"a","package":"x"})"), "tc-7");
        REQUIRE_FALSE(jobs.ok());
        CHECK(jobs.error().is(errors::AgentCode::package_not_bound));
        CHECK(jobs.error().context.find("job 'a'") != std::string::npos);
        for (const std::string& bad : {std::string("\"\""), std::string("\"demo\""), std::string("1"),
                                       std::string("null"), "\"" + k_digest.substr(1) + "\"", "\"" + k_digest + "b\"",
                                       "\"" + k_digest.substr(1) + "g\"", "[\"" + k_digest + "\"]"}) {
            CAPTURE(bad);
            CHECK(why(text(R"({"id":"a","package":"x","manifest_sha256":)" + bad + "}")).find("manifest_sha256") !=
                  std::string::npos);
        }
    }
}

TEST_CASE("The same job with two digests is two jobs, which is a mistake") {
    const std::string job = R"({"id":"a","package":"x","manifest_sha256":")";
    const auto text =
        R"({"format":1,"serial":1,"all":{"jobs":[)" + job + k_digest + "\"}," + job + std::string(64, 'c') + "\"}]}}";
    CHECK(why(text).find("'a'") != std::string::npos);
}
