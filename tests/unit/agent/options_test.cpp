// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the command line.
#include "agent/options.h"

#include <doctest/doctest.h>

#include <deque>

namespace hagent {
namespace {

using Words = std::vector<std::string>;

std::variant<Options, UsageError> parse(Words words) {
    words.insert(words.begin(), "hagent");
    std::vector<char*> argv;
    for (auto& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    return parse_options(static_cast<int>(words.size()), argv.data());
}

Options good(const Words& words) {
    auto parsed = parse(words);
    const auto* wrong = std::get_if<UsageError>(&parsed);
    CAPTURE((wrong != nullptr ? wrong->message : ""));
    REQUIRE(wrong == nullptr);
    return std::get<Options>(parsed);
}

UsageError wrong(const Words& words) {
    auto parsed = parse(words);
    REQUIRE(std::holds_alternative<UsageError>(parsed));
    return std::get<UsageError>(parsed);
}

std::string complaint(const Words& words) { return wrong(words).message; }

const Words k_verbs = {"run",   "check-in", "status", "sessions", "log",    "explain",
                       "fetch", "script",   "image",  "sign",     "verify", "version"};
const std::string k_digest(64, 'A');

TEST_CASE("every verb is known, alone and with the options that all of them take") {
    for (const auto& verb : k_verbs) {
        CAPTURE(verb);
        CHECK(good({verb}).verb == verb);
        const auto options = good({verb, "--json", "--config", "c", "--state=s", "-h", "one", "two"});
        CHECK(options.json);
        CHECK(options.help);
        CHECK(options.config_file == "c");
        CHECK(options.state_dir == "s");
        CHECK(options.arguments == Words{"one", "two"});
    }
}

TEST_CASE("options may stand before the verb, between and after its arguments, and -- ends them") {
    const auto options = good({"-c", "c", "fetch", "http://a/", "-o", "f", "http://b/", "--attempts=3"});
    CHECK(options.config_file == "c");
    CHECK(options.output == "f");
    CHECK(options.attempts == 3);
    CHECK(options.arguments == Words{"http://a/", "http://b/"});
    CHECK(good({"explain", "--", "-1"}).arguments == Words{"-1"});
}

TEST_CASE("every option of a verb lands where it belongs") {
    auto o = good({"fetch", "u", "--sha256", k_digest, "--limit-rate", "2K", "-v"});
    CHECK(o.sha256 == std::string(64, 'a'));
    CHECK(o.limit_rate == 2048);
    CHECK(o.verbose);
    CHECK(good({"run", "--check-config"}).check_config);
    CHECK(good({"check-in", "--once"}).once);
    o = good({"script", "run", "f", "--source", "s", "--root", "r", "--allow-unsigned"});
    CHECK(o.source == "s");
    CHECK(o.root == "r");
    CHECK(o.allow_unsigned);
    o = good({"sign",          "d",
              "--key",         "k",
              "--kind",        "script",
              "--entry",       "e",
              "--package",     "p",
              "--version",     "1",
              "--serial",      "18446744073709551615",
              "--repository",  "r1",
              "--repository",  "r2",
              "--file-source", "a=u",
              "--os",          "SLX",
              "--device",      "d1",
              "--expires",     "t"});
    CHECK(o.key == "k");
    CHECK(o.kind == "script");
    CHECK(o.entry == "e");
    CHECK(o.package == "p");
    CHECK(o.version == "1");
    CHECK(o.serial == UINT64_MAX);
    CHECK(o.repositories == Words{"r1", "r2"});
    CHECK(o.file_sources == Words{"a=u"});
    CHECK(o.os == Words{"SLX"});
    CHECK(o.devices == Words{"d1"});
    CHECK(o.expires == "t");
    CHECK(good({"verify", "d", "--keys", "k"}).keys == "k");
}

TEST_CASE("a wrong command line still says whether JSON was asked for") {
    for (const Words& words : {Words{"--json"},
                               {"dance", "--json"},
                               {"--colour", "--json"},
                               {"--json", "status", "--once"},
                               {"fetch", "--json", "-o"}}) {
        CHECK(wrong(words).json);
    }
    CHECK_FALSE(wrong({"dance"}).json);
    CHECK_FALSE(wrong({"dance", "--", "--json"}).json);
}

TEST_CASE("what is wrong is named") {
    CHECK(complaint({}).find("no verb") != std::string::npos);
    CHECK(complaint({"dance"}).find("dance") != std::string::npos);
    CHECK(complaint({"RUN"}).find("RUN") != std::string::npos);
    CHECK(complaint({"status", "--colour"}).find("--colour") != std::string::npos);
    CHECK(complaint({"status", "-x"}).find("-x") != std::string::npos);
    CHECK(complaint({"fetch", "u", "-o"}).find("needs a value") != std::string::npos);
    CHECK(complaint({"fetch", "u", "--output"}).find("--output") != std::string::npos);
    CHECK(complaint({"status", "--once"}).find("status has no option --once") != std::string::npos);
    CHECK(complaint({"fetch", "u", "--serial", "1"}).find("fetch has no option --serial") != std::string::npos);
    for (const Words& bad : {Words{"--sha256", "12"},
                             {"--sha256", std::string(64, 'g')},
                             {"--sha256", std::string(66, 'a')},
                             {"--limit-rate", "0"},
                             {"--limit-rate", "-1"},
                             {"--limit-rate", "fast"},
                             {"--attempts", "0"},
                             {"--attempts", "1001"},
                             {"--attempts", "x"}}) {
        CAPTURE(bad[1]);
        CHECK(complaint({"fetch", "u", bad[0], bad[1]}).find(bad[0]) != std::string::npos);
    }
    CHECK(complaint({"sign", "d", "--serial", "x"}).find("--serial") != std::string::npos);
    CHECK(complaint({"sign", "d", "--serial", "18446744073709551616"}).find("--serial") != std::string::npos);
    CHECK(complaint({"status", "--json=yes"}).find("--json") != std::string::npos);
}

TEST_CASE("one faulty command line leaves nothing behind for the next") {
    (void)parse({"fetch", "-xyz", "-o"});
    CHECK(good({"fetch", "u", "-o", "f"}).output == "f");
}

TEST_CASE("help needs no verb, and tells every verb and every option that a verb takes") {
    CHECK(good({"--help"}).help);
    const auto all = help_text("");
    for (const auto& verb : k_verbs) {
        CAPTURE(verb);
        CHECK(all.find("\n  " + verb + " ") != std::string::npos);
        const auto own = help_text(verb);
        CHECK(own.find("Usage: hagent [--config FILE] [--state DIR] " + verb) == 0);
        for (const char* common : {"--config FILE", "--state DIR", "--json", "--help"}) {
            CHECK(own.find(common) != std::string::npos);
        }
    }
    CHECK(all.find("Exit codes") != std::string::npos);
    CHECK(help_text("dance") == all);
    const std::vector<std::pair<std::string, Words>> own = {
        {"run", {"--check-config", "--verbose"}},
        {"check-in", {"--once", "--verbose"}},
        {"fetch", {"-o, --output FILE", "--sha256 HEX", "--limit-rate BYTES", "--attempts N"}},
        {"script", {"--source PLACE", "--root DIR", "--allow-unsigned"}},
        {"image",
         {"-o, --output FILE", "--part NAME", "--compression FORMAT", "--chunk-bytes N", "--level N",
          "--after-write FILE", "--min-version V", "--platform NAME", "--allow-downgrade"}},
        {"sign",
         {"--key FILE", "--kind KIND", "--entry FILE", "--package NAME", "--version V", "--serial N",
          "--repository URL", "--file-source PATH=URL", "--os CODE", "--device ID", "--expires TIME"}},
        {"verify", {"--keys DIR"}}};
    for (const auto& [verb, options] : own) {
        for (const auto& option : options) {
            CAPTURE(option);
            CHECK(help_text(verb).find(option) != std::string::npos);
            CHECK((help_text("status").find(option) == std::string::npos));
        }
    }
}

}  // namespace
}  // namespace hagent
