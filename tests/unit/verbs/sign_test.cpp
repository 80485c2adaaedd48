// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `sign` and `verify`.
#include <string>

#include "agent/trust/digest.h"
#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {
namespace {

const std::string k_jobs = R"({"format":1,"serial":12,"expires":null,"all":{"jobs":[]}})";

struct Builder : CommandLine {
    Builder() {
        files.put("/package/demo.rsp", "[Version]\n");
        files.put("/package/sub/data", "12345");
        files.put("/build.key", trust::keys::k_ec_a_private, 0600);
        files.put("/stranger.key", trust::keys::k_ec_b_private, 0600);
        files.put("/site/jobs.json", k_jobs);
    }
    int sign(const Words& more = {}) {
        Words words = {"sign",     "/package",  "--key", "/build.key", "--kind", "script",   "--entry",
                       "demo.rsp", "--package", "demo",  "--version",  "1.2",    "--serial", "7"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }
};

TEST_CASE("a folder is signed and its signature is good") {
    Builder builder;
    CHECK(builder.sign({"--repository", "http://host/demo/", "--file-source", "sub/data=http://host/d", "--os", "SLX",
                        "--device", "tc-7", "--expires", "2099-01-31T00:00:00Z"}) == k_done);
    CHECK(builder.output.out == "signed demo 1.2, serial 7, 2 files\n");
    const auto manifest = json::parse(*builder.files.content("/package/manifest.json"));
    CHECK(manifest["repositories"][0] == "http://host/demo/");
    CHECK(manifest["files"][1]["sources"][0] == "http://host/d");
    CHECK(manifest["targets"]["os"][0] == "SLX");
    CHECK(manifest["targets"]["devices"][0] == "tc-7");
    CHECK(manifest["expires"] == "2099-01-31T00:00:00Z");
    CHECK(builder.run({"verify", "/package"}) == k_done);
    CHECK(builder.output.out == "good: demo 1.2, serial 7, 2 files, signed by release\n");
    CHECK(builder.output.err.empty());
}

TEST_CASE("sign and verify answer in JSON") {
    Builder builder;
    CHECK(builder.sign({"--json"}) == k_done);
    auto document = builder.document();
    CHECK(document["package"] == "demo");
    CHECK(document["serial"] == 7);
    CHECK(document["files"] == 2);
    CHECK(document["error"].is_null());
    CHECK(builder.run({"verify", "/package", "--keys", "/etc/hagent/keys", "--json"}) == k_done);
    CHECK(builder.document()["signer"] == "release");
}

TEST_CASE("what a signature cannot be made of is a usage error, and nothing is written") {
    Builder builder;
    for (const Words& wrong : {Words{"--kind", "tar"}, {"--expires", "soon"}, {"--file-source", "data"}}) {
        CAPTURE(wrong[0]);
        CHECK(builder.sign(wrong) == k_usage);
        CHECK(builder.complained(wrong[0]));
    }
    CHECK(builder.sign({"--serial", "-1"}) == k_usage);
    CHECK_FALSE(builder.files.exists("/package/manifest.json"));
}

TEST_CASE("what cannot be signed is told") {
    Builder builder;
    const auto fails = [&](int code, const std::string& name) {
        CHECK(builder.sign() == code);
        CHECK_MESSAGE(builder.complained(name), builder.output.err);
        CHECK(builder.sign({"--json"}) == code);
        CHECK(builder.error_name() == name);
    };
    SUBCASE("no key") {
        CHECK(builder.files.remove(rooted("/build.key")).ok());
        fails(k_not_found, "file_not_found");
    }
    SUBCASE("a key that is none") {
        builder.files.put("/build.key", "no key");
        fails(k_refused, "key_unreadable");
    }
    SUBCASE("no folder") {
        CHECK(builder.files.remove_tree(rooted("/package")).ok());
        fails(k_not_found, "file_not_found");
    }
    SUBCASE("no entry") {
        CHECK(builder.files.remove(rooted("/package/demo.rsp")).ok());
        fails(k_refused, "manifest_malformed");
    }
    SUBCASE("a link") {
        builder.files.put_symlink("/package/link", rooted("/etc/passwd"));
        fails(k_refused, "manifest_malformed");
    }
    SUBCASE("write-protected") {
        builder.files.set_read_only(true);
        fails(k_failed, "read_only");
    }
}

TEST_CASE("whatever is wrong with a package, verify refuses it") {
    Builder builder;
    CHECK(builder.sign() == k_done);
    SUBCASE("a changed file") { builder.files.put("/package/sub/data", "12346"); }
    SUBCASE("a missing file") { CHECK(builder.files.remove(rooted("/package/sub/data")).ok()); }
    SUBCASE("a changed manifest") {
        builder.files.put("/package/manifest.json", *builder.files.content("/package/manifest.json") + " ");
    }
    SUBCASE("no signature") { CHECK(builder.files.remove(rooted("/package/manifest.sig")).ok()); }
    SUBCASE("no manifest") { CHECK(builder.files.remove(rooted("/package/manifest.json")).ok()); }
    SUBCASE("an unknown key") { builder.files.put("/etc/hagent/keys/release.pem", trust::keys::k_ec_b_public); }
    SUBCASE("no keys at all") { CHECK(builder.files.remove_tree(rooted("/etc/hagent/keys")).ok()); }
    SUBCASE("a key that is none") { builder.files.put("/etc/hagent/keys/release.pem", "no key"); }
    SUBCASE("a key that may not sign scripts") { builder.files.put("/etc/hagent/keys/release.roles", "jobs\n"); }
    CHECK(builder.run({"verify", "/package"}) == k_refused);
    CHECK(builder.output.out.empty());
    CHECK(builder.complained("what to do"));
    CHECK(builder.run({"verify", "/package", "--json"}) == k_refused);
    CHECK(builder.document().contains("error"));
}

TEST_CASE("a key that is none costs itself alone, and verify names it") {
    Builder builder;
    CHECK(builder.sign() == k_done);
    builder.files.put("/etc/hagent/keys/other.pem", "no key");
    CHECK(builder.run({"verify", "/package"}) == k_done);
    CHECK(builder.complained("other.pem"));
}

TEST_CASE("a file that is not in the manifest is named, without steering the terminal") {
    Builder builder;
    CHECK(builder.sign() == k_done);
    builder.files.put("/package/\x1b[2Jmore\xc2\x9b", "");
    CHECK(builder.run({"verify", "/package"}) == k_done);
    CHECK(builder.complained("more? is not in the manifest"));
    CHECK(is_tame(builder.output.err));
    CHECK(builder.run({"verify", "/package", "--json"}) == k_done);
    CHECK(builder.document()["error"].is_null());
}

TEST_CASE("a job list is signed and verified by its name") {
    Builder builder;
    CHECK(builder.run({"sign", "/site/jobs.json", "--key", "/build.key"}) == k_done);
    CHECK(builder.output.out == "signed jobs.json, serial 12\n");
    CHECK(builder.run({"verify", "/site/jobs.json"}) == k_done);
    CHECK(builder.output.out == "good: jobs.json, serial 12, signed by release\n");
    CHECK(builder.run({"verify", "/site/jobs.json", "--json"}) == k_done);
    CHECK(builder.document()["serial"] == 12);
    CHECK(builder.document()["signer"] == "release");
    builder.files.put("/site/jobs.json", k_jobs + " ");
    CHECK(builder.run({"verify", "/site/jobs.json"}) == k_refused);
    CHECK(builder.run({"sign", "/site/jobs.json", "--key", "/stranger.key", "--json"}) == k_done);
    CHECK(builder.run({"verify", "/site/jobs.json"}) == k_refused);
    CHECK(builder.files.remove(rooted("/site/jobs.sig")).ok());
    CHECK(builder.run({"verify", "/site/jobs.json"}) == k_refused);
}

TEST_CASE("a job list gets the digest of each package beside it, at its first signing and at every later one") {
    Builder builder;
    const Words sign_list = {"sign", "/site/jobs.json", "--key", "/build.key"};
    const auto package = [&](const std::string& version) {
        builder.files.put("/site/demo/demo.rsp", "[Version]\n");
        CHECK(builder.run({"sign", "/site/demo", "--key", "/build.key", "--kind", "script", "--entry", "demo.rsp",
                           "--package", "demo", "--version", version, "--serial", "1"}) == k_done);
        return trust::sha256_hex(*builder.files.content("/site/demo/manifest.json"));
    };
    const auto listed = [&] { return json::parse(*builder.files.content("/site/jobs.json")); };
    const auto first = package("1");
    builder.files.put("/site/jobs.json",
                      R"({"format":1,"serial":12,"expires":null,"all":{"jobs":[{"id":"a","package":"demo/"}]},
        "groups":{"g":{"jobs":[{"id":"b","kind":"script","package":"demo"}]}}, "devices":{"tc-7":{"groups":["g"],"jobs":[]}}})");
    CHECK(builder.run(sign_list) == k_done);
    CHECK(builder.complained("note: manifest_sha256 of demo/ is filled in"));
    CHECK(listed()["all"]["jobs"][0]["manifest_sha256"] == first);
    CHECK(listed()["groups"]["g"]["jobs"][0]["manifest_sha256"] == first);
    CHECK(listed()["devices"]["tc-7"]["groups"] == json{"g"});
    CHECK(builder.run({"verify", "/site/jobs.json"}) == k_done);
    const auto text = *builder.files.content("/site/jobs.json");
    CHECK(builder.run(sign_list) == k_done);  // nothing has changed: nor does a byte
    CHECK(builder.files.content("/site/jobs.json") == text);
    CHECK(builder.output.err.empty());
    const auto second = package("2");
    CHECK(builder.run(sign_list) == k_done);  // a digest of an older package is brought up to date
    CHECK(builder.complained("note: manifest_sha256 of demo/ is filled in"));
    CHECK(listed()["all"]["jobs"][0]["manifest_sha256"] == second);
    CHECK(listed()["all"]["jobs"][0].size() == 3);
}

TEST_CASE("a job list whose packages lie elsewhere needs their digests by hand") {
    Builder builder;
    const Words sign_list = {"sign", "/site/jobs.json", "--key", "/build.key", "--json"};
    const auto list = [](const std::string& more) {
        return R"({"format":1,"serial":12,"all":{"jobs":[{"id":"a","package":"else/where/")" + more + "}]}}";
    };
    builder.files.put("/site/jobs.json", list(""));
    CHECK(builder.run(sign_list) == k_refused);
    CHECK(builder.error_name() == "package_not_bound");
    CHECK(builder.output.out.find("'else/where/' does not lie beside it") != std::string::npos);
    builder.files.put("/site/else/where/manifest.json", "{}");  // what is no manifest binds nothing
    CHECK(builder.run(sign_list) == k_refused);
    CHECK(builder.error_name() == "manifest_malformed");
    CHECK_FALSE(builder.files.exists("/site/jobs.sig"));
    CHECK(builder.files.remove_tree(rooted("/site/else")).ok());
    const auto by_hand = list(",\"manifest_sha256\":\"" + std::string(64, 'a') + "\"");
    builder.files.put("/site/jobs.json", by_hand);
    CHECK(builder.run(sign_list) == k_done);
    CHECK(builder.files.content("/site/jobs.json") == by_hand);
}

TEST_CASE("signatures of different things are not taken for each other: who may sign packages only signs no job list") {
    Builder builder;
    CHECK(builder.run({"sign", "/site/jobs.json", "--key", "/build.key"}) == k_done);
    builder.files.put("/etc/hagent/keys/release.roles", "script software image agent\n");
    CHECK(builder.run({"verify", "/site/jobs.json", "--json"}) == k_refused);
    CHECK(builder.error_name() == "role_not_allowed");
    builder.files.put("/etc/hagent/keys/release.roles", "script jobs\n");
    CHECK(builder.run({"verify", "/site/jobs.json"}) == k_done);
    builder.files.put("/site/demo/manifest.json", *builder.files.content("/site/jobs.json"));
    builder.files.put("/site/demo/manifest.sig", *builder.files.content("/site/jobs.sig"));
    CHECK(builder.run({"verify", "/site/demo", "--json"}) == k_refused);
    CHECK(builder.error_name() == "manifest_malformed");
}

TEST_CASE("a job list that no device would take is not signed") {
    Builder builder;
    const Words words = {"sign", "/site/jobs.json", "--key", "/build.key", "--json"};
    builder.files.put("/site/jobs.json", R"({"format":1,"serial":12,"extra":true})");
    CHECK(builder.run(words) == k_refused);
    CHECK(builder.error_name() == "manager_malformed_answer");
    CHECK(builder.files.remove(rooted("/site/jobs.json")).ok());
    CHECK(builder.run(words) == k_not_found);
    builder.files.put("/site/jobs.json", k_jobs);
    builder.files.put("/build.key", "no key");
    CHECK(builder.run(words) == k_refused);
    CHECK_FALSE(builder.files.exists("/site/jobs.sig"));
}

}  // namespace
}  // namespace hagent::verbs
