// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the manifest's JSON form.
#include <doctest/doctest.h>

#include "agent/base/text.h"
#include "agent/trust/manifest.h"

using namespace hagent;
using namespace hagent::trust;
using errors::AgentCode;

namespace {

const std::string k_digest(64, 'a');

/// The interface's own example, with `from` replaced.
std::string example(std::string_view from = "", std::string_view to = "") {
    const std::string text =
        R"({"format":1,"kind":"script","package":"demo","version":"1.2.0.0","serial":7,"entry":"demo.rsp",
"targets":{"os":["SLX"],"platforms":[],"devices":[]},"expires":null,"repositories":["ftp://host/demo/","http://host/demo/"],
"files":[{"path":"demo.rsp","bytes":812,"sha256":"DIGEST"},{"path":"fw/kernel","bytes":5242880,"sha256":"DIGEST","sources":[]}]})";
    REQUIRE(text.find(from) != std::string::npos);
    return replace_all(replace_all(text, from, to), "DIGEST", k_digest);
}

/// The context of the refusal.
std::string refusal(const std::string& json) {
    const auto manifest = parse_manifest(json);
    CAPTURE(json);
    REQUIRE_FALSE(manifest.ok());
    CHECK(manifest.error().is(AgentCode::manifest_malformed));
    return manifest.error().context;
}

}  // namespace

TEST_CASE("the example of the interface is understood") {
    const auto m = parse_manifest(example());
    REQUIRE(m.ok());
    CHECK(m->kind == JobKind::script);
    CHECK(m->package == "demo");
    CHECK(m->version == "1.2.0.0");
    CHECK(m->serial == 7);
    CHECK(m->entry == "demo.rsp");
    CHECK(m->targets == Targets{{"SLX"}, {}, {}});
    CHECK_FALSE(m->expires);
    CHECK(m->repositories == std::vector<std::string>{"ftp://host/demo/", "http://host/demo/"});
    REQUIRE(m->files.size() == 2);
    CHECK(m->files[1] == ManifestFile{"fw/kernel", 5242880, k_digest, {}});
    CHECK(m->find("fw/kernel") == &m->files[1]);
    CHECK(m->find("kernel") == nullptr);
}

TEST_CASE("optional members may be left out") {
    const auto m = parse_manifest(
        R"({"format":1,"kind":"software","package":"p","version":"1","serial":0,"files":[{"path":"a","bytes":0,"sha256":")" +
        k_digest + "\"}]}");
    REQUIRE(m.ok());
    CHECK(m->entry.empty());
    CHECK(m->targets == Targets{});
}

TEST_CASE("numbers keep their 64 bits") {
    CHECK(parse_manifest(example("\"serial\":7", "\"serial\":18446744073709551615"))->serial == UINT64_MAX);
    CHECK(parse_manifest(example("5242880", "9223372036854775807"))->files[1].bytes == INT64_MAX);
    CHECK(refusal(example("\"serial\":7", "\"serial\":18446744073709551616")).starts_with("serial: "));
    CHECK(refusal(example("5242880", "9223372036854775808")).starts_with("files[1].bytes: "));
}

TEST_CASE("writing and reading give the same value") {
    Manifest m = parse_manifest(example("null", "\"2030-01-02T03:04:05Z\"")).value();
    m.files[0].sources = {"http://a/\"b\"", "ftp://c/"};
    m.targets.devices = {"00:80:64:aa:bb:cc", "t\xC3\xA4st"};
    m.signer = k_digest;
    m.serial = UINT64_MAX;
    CHECK(parse_manifest(write_manifest(m)).value() == m);
    m.kind = JobKind::image;
    m.entry.clear();
    m.details = R"({"chunks":[1,2.5,-3],"slot_bytes":123})";
    CHECK(parse_manifest(write_manifest(m)).value() == m);
}

TEST_CASE("a kind's own member is kept, another kind's is refused") {
    const std::string image = example(R"("kind":"script")", R"("kind":"image","image":{"slot_bytes":5})");
    CHECK(parse_manifest(image)->details == R"({"slot_bytes":5})");
    CHECK(refusal(example(R"("serial":7)", R"("serial":7,"image":{})")) == "image: unknown member");
}

TEST_CASE("unknown and repeated members are refused wherever they are") {
    CHECK(refusal(example("\"serial\":7", "\"serial\":7,\"min_agent\":\"2\"")) == "min_agent: unknown member");
    CHECK(refusal(example("\"devices\":[]", "\"devices\":[],\"groups\":[]")) == "targets.groups: unknown member");
    CHECK(refusal(example("\"bytes\":812", "\"bytes\":812,\"mode\":7")) == "files[0].mode: unknown member");
    CHECK(refusal(example("\"serial\":7", "\"serial\":7,\"serial\":8")) == "serial: is given twice");
    CHECK(refusal(example("\"bytes\":812", "\"bytes\":812,\"bytes\":1")) == "files[0].bytes: is given twice");
}

TEST_CASE("missing and wrong members are refused by name") {
    CHECK(refusal(example("\"format\":1,", "")).starts_with("format: "));
    CHECK(refusal(example("\"format\":1", "\"format\":2")).starts_with("format: is not 1"));
    CHECK(refusal(example("\"format\":1", "\"format\":1.0")).starts_with("format: "));
    CHECK(refusal(example("\"script\"", "\"scripts\"")).starts_with("kind: "));
    CHECK(refusal(example("\"package\":\"demo\",", "")).starts_with("package: "));
    CHECK(refusal(example("\"package\":\"demo\"", "\"package\":\"a/b\"")).starts_with("package: "));
    CHECK(refusal(example("\"package\":\"demo\"", "\"package\":\"\"")).starts_with("package: "));
    CHECK(refusal(example("\"package\":\"demo\"", "\"package\":\"a\\n\"")).starts_with("package: "));
    CHECK(refusal(example("\"version\":\"1.2.0.0\"", "\"version\":1")).starts_with("version: "));
    CHECK(refusal(example("\"serial\":7", "\"serial\":-7")).starts_with("serial: "));
    CHECK(refusal(example("\"serial\":7", "\"serial\":\"7\"")).starts_with("serial: "));
    CHECK(refusal(example("\"serial\":7", "\"serial\":7.0")).starts_with("serial: "));
    CHECK(refusal(example("\"entry\":\"demo.rsp\",", "")).starts_with("entry: "));
    CHECK(refusal(example("\"entry\":\"demo.rsp\"", "\"entry\":\"other.rsp\"")).starts_with("entry: "));
    CHECK(refusal(example("[\"SLX\"]", "\"SLX\"")).starts_with("targets.os: "));
    CHECK(refusal(example("[\"SLX\"]", "[5]")).starts_with("targets.os[0]: "));
    CHECK(refusal(example("null", "\"tomorrow\"")).starts_with("expires: "));
    CHECK(refusal(example("null", "0")).starts_with("expires: "));
    CHECK(refusal(example("\"bytes\":812", "\"bytes\":-1")).starts_with("files[0].bytes: "));
    CHECK(refusal(example("\"bytes\":812,", "")).starts_with("files[0].bytes: "));
    CHECK(refusal(example("\"sources\":[]", "\"sources\":{}")).starts_with("files[1].sources: "));
    CHECK(refusal(replace_all(example(), k_digest, "abc")).starts_with("files[0].sha256: "));
    CHECK(refusal(replace_all(example(), k_digest, std::string(64, 'g'))).starts_with("files[0].sha256: "));
    CHECK(refusal(R"({"format":1,"kind":"image","package":"p","version":"1","serial":1,"files":[]})")
              .starts_with("files: "));
}

TEST_CASE("paths that lead out of the package are refused") {
    for (const char* path : {"", "/etc/passwd", "../x", "a/../b", "a/..", "./a", "a/.", "a//b", "a/", "a\\\\b", "C:/x",
                             "a~b", "a\\u0000b", "a\\nb", "manifest.json", "manifest.sig", "a\\tb"}) {
        CAPTURE(path);
        CHECK(refusal(example("fw/kernel", path)).starts_with("files[1].path: "));
    }
    for (const char* path : {"a", "a/b/c", "...", "a..b", ".hidden", "with blank", "t\xC3\xA4st", "x/manifest.json"}) {
        CAPTURE(path);
        CHECK(parse_manifest(example("fw/kernel", path)).ok());
    }
    CHECK_FALSE(valid_path(std::string(1025, 'a')));
    CHECK(valid_path(std::string(1024, 'a')));
    CHECK_FALSE(valid_path("\xFF"));
}

TEST_CASE("a path is listed once and is not a folder of another") {
    CHECK(refusal(example("fw/kernel", "demo.rsp")) == "files: demo.rsp is listed twice");
    CHECK(refusal(example("fw/kernel", "demo.rsp/x")) == "files: demo.rsp is a file and a folder");
    CHECK(refusal(example("fw/kernel", "demo.rsp/x/y")) == "files: demo.rsp is a file and a folder");
    CHECK(parse_manifest(example("fw/kernel", "demo.rsp-x/y")).ok());
}

TEST_CASE("text that is no JSON object is refused") {
    for (const char* text : {"", "{", "[]", "null", "7", "{} {}", "// c\n{}"}) {
        CHECK_FALSE(parse_manifest(text).ok());
    }
    CHECK(refusal(std::string((1U << 20U) + 1, ' ')).find("longer than") != std::string::npos);
    CHECK(refusal(std::string(100000, '[')).find("nested too deep") != std::string::npos);
}

TEST_CASE("digits of a digest may be of either case") {
    CHECK(parse_manifest(replace_all(example(), k_digest, std::string(64, 'A')))->files[0].sha256 == k_digest);
}
