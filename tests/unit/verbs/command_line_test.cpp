// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what all verbs share: help, wrong command lines, configurations that cannot be used, full disks.
#include <string>

#include "agent/base/limits.h"
#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {
namespace {

const Words k_verbs = {"run",   "check-in", "status", "sessions", "log",    "explain",
                       "fetch", "script",   "sign",   "enrol",    "verify", "version"};

/// Command lines that are complete, so that only the configuration can be wrong with them.
const std::vector<Words> k_need_config = {{"run", "--check-config"},
                                          {"check-in"},
                                          {"status"},
                                          {"sessions"},
                                          {"sessions", "000001"},
                                          {"log"},
                                          {"enrol"},
                                          {"verify", "/package"},
                                          {"script", "check", "/a.rsp"},
                                          {"script", "run", "/a.rsp"},
                                          {"fetch", "http://127.0.0.1:1/file"}};

TEST_CASE("--help of every verb is told on standard output and does nothing else") {
    CommandLine line;
    line.files.forget_calls();
    for (const auto& verb : k_verbs) {
        CAPTURE(verb);
        CHECK(line.run_as_given({verb, "--help"}) == k_done);
        CHECK(line.output.out == help_text(verb));
        CHECK(line.output.err.empty());
        CHECK(line.run_as_given({"-h", verb, "and", "more"}) == k_done);
        CHECK(line.said("Usage: hagent [--config FILE] [--state DIR] " + verb));
    }
    CHECK(line.run_as_given({"--help"}) == k_done);
    CHECK(line.output.out == help_text(""));
    CHECK(line.files.calls().empty());
}

TEST_CASE("a wrong command line is told from a failure, with --json in JSON") {
    const std::vector<Words> wrong = {
        {},
        {"dance"},
        {"status", "--once"},
        {"--colour"},
        {"fetch"},
        {"fetch", "http://127.0.0.1:1/"},
        {"explain"},
        {"sessions", "1", "2"},
        {"script"},
        {"script", "check"},
        {"script", "walk", "a.rsp"},
        {"script", "check", "a", "b"},
        {"enrol", "now"},
        {"verify"},
        {"verify", "a", "b"},
        {"sign"},
        {"sign", "."},
        {"sign", "jobs.json"},
        {"sign", ".", "--key", "k", "--package", "p", "--version", "1", "--kind", "none"}};
    CommandLine line;
    for (auto words : wrong) {
        CAPTURE(json(words).dump());
        CHECK(line.run(words) == k_usage);
        CHECK(line.output.out.empty());
        CHECK(line.output.err.find("hagent") == 0);
        words.insert(words.begin(), "--json");
        CHECK(line.run(words) == k_usage);
        CHECK(line.error_name() == "usage");
        CHECK(line.output.err.find("hagent") == 0);
    }
}

TEST_CASE("what a verb is given wrongly is followed by its help") {
    CommandLine line;
    CHECK(line.run({"explain"}) == k_usage);
    CHECK(line.complained("hagent explain: name a code"));
    CHECK(line.complained(help_text("explain")));
}

TEST_CASE("a command line with control characters does not steer the terminal") {
    CommandLine line;
    for (const Words& words : {Words{"\x1b[2Jstatus"},
                               {"status", "--\x1b[2J"},
                               {"fetch", "u", "--attempts", "\x1b]0;x\x07"},
                               {"explain", "\x1b[31m550"},
                               {"sessions", "\x1b[2J"},
                               {"verify", "/\x1b[2J"},
                               {"script", "run", "/\x1b[2J"},
                               {"fetch", "nothing\x1b[2J://x"}}) {
        CHECK(line.run(words) != k_done);
        CHECK_MESSAGE(is_tame(line.output.out + line.output.err), line.output.err);
    }
}

TEST_CASE("a named configuration that is missing, broken or open to others is refused by each verb") {
    CommandLine line;
    const auto refused = [&](const std::string& why) {
        for (auto words : k_need_config) {
            CAPTURE(json(words).dump());
            CHECK(line.run(words) == k_refused);
            CHECK(line.output.out.empty());
            CHECK(line.complained("the configuration cannot be used"));
            CHECK_MESSAGE(line.complained(why), line.output.err);
            words.emplace_back("--json");
            CHECK(line.run(words) == k_refused);
            CHECK(line.error_name().find("config_") == 0);
        }
    };
    SUBCASE("missing") {
        CHECK(line.files.remove(rooted(k_config)).ok());
        refused("there is no such file");
    }
    SUBCASE("unreadable") {
        line.files.fail_path(k_config, error(errors::AgentCode::permission_denied));
        refused("cannot be read");
    }
    SUBCASE("no JSON") {
        line.files.put(k_config, "{\"device\": ");
        refused("");
    }
    SUBCASE("too long") {
        line.files.put(k_config, std::string(limits::k_config_bytes + 1, ' '));
        refused("is longer than");
    }
    SUBCASE("an unknown key, whose control characters are not repeated") {
        line.files.put(k_config, R"({"manager": {"ur\u001b[2Jls": []}})");
        refused("unknown key");
        CHECK(is_tame(line.output.err));
    }
    SUBCASE("writable by others") {
        line.files.put(k_config, "{}", 0666);
        refused(rooted(k_config));
    }
    SUBCASE("in a folder that others own") {
        line.files.give_away("/etc/hagent");
        refused(rooted("/etc/hagent"));
    }
}

TEST_CASE("verbs that need no configuration do without") {
    CommandLine line;
    CHECK(line.files.remove(rooted(k_config)).ok());
    CHECK(line.run({"explain", "550"}) == k_done);
    CHECK(line.run({"version"}) == k_done);
    line.files.put("/keys/release.pem", trust::keys::k_ec_a_public);
    CHECK(line.run({"verify", "/nothing", "--keys", "/keys"}) == k_refused);
    CHECK_FALSE(line.complained("configuration"));
}

TEST_CASE("run and check-in need a manager, the others do not") {
    CommandLine line;
    CHECK(line.run({"run", "--check-config"}) == k_refused);
    CHECK(line.complained("manager"));
    CHECK(line.run({"check-in", "--once"}) == k_refused);
    CHECK(line.run({"status"}) == k_done);
    CHECK(line.run({"sessions"}) == k_done);
}

TEST_CASE("--state stands in for the configured state directory") {
    CommandLine line;
    line.files.put("/other/reports/x", "");
    CHECK(line.run({"--state", "/other", "enrol"}) == k_done);
    CHECK(line.files.exists("/other/device.key"));
    CHECK_FALSE(line.files.exists(k_state + "/device.key"));
}

TEST_CASE("a result that could not be written is no success") {
    CommandLine line;
    line.output.full = true;
    CHECK(line.run({"explain", "550"}) == k_failed);
    CHECK(line.complained("could not be written"));
    CHECK(line.run({"explain", "no such code"}) == k_not_found);
}

}  // namespace
}  // namespace hagent::verbs
