// SPDX-License-Identifier: Apache-2.0
// Owns the tests of signing folders.
#include <doctest/doctest.h>

#include "agent/trust/digest.h"
#include "agent/trust/sign.h"
#include "agent/trust/verify.h"
#include "tests/fakes/fake_files.h"
#include "tests/unit/trust/keys.h"

using namespace hagent;
using namespace hagent::trust;
using errors::AgentCode;

namespace {

struct Fixture {
    fakes::FakeFiles files;
    Manifest request;
    Fixture() {
        files.put("/pkg/demo.rsp", "script");
        files.put("/pkg/fw/kernel", std::string(200000, 'k'));
        files.put("/pkg/fw/a-b", "");
        request.package = "demo";
        request.version = "1.2.0.0";
        request.serial = 7;
        request.entry = "demo.rsp";
        request.targets.os = {"SLX"};
        request.repositories = {"http://host/demo/"};
    }
    [[nodiscard]] Error refused() { return build_manifest(files, "/pkg", request).error(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a folder becomes a manifest of all its files in order") {
    request.files = {{"fw/kernel", 0, "", {"ftp://mirror/kernel"}}};
    const auto m = build_manifest(files, "/pkg", request);
    REQUIRE(m.ok());
    REQUIRE(m->files.size() == 3);
    CHECK(m->files[0] == ManifestFile{"demo.rsp", 6, sha256_hex("script"), {}});
    CHECK(m->files[1] == ManifestFile{"fw/a-b", 0, sha256_hex(""), {}});
    CHECK(m->files[2] ==
          ManifestFile{"fw/kernel", 200000, sha256_hex(std::string(200000, 'k')), {"ftp://mirror/kernel"}});
    CHECK(m->serial == 7);
}

TEST_CASE_FIXTURE(Fixture, "signing again replaces both files and lists neither") {
    REQUIRE(sign_package(files, "/pkg", request, keys::k_ec_a_private).ok());
    request.serial = 8;
    const auto m = sign_package(files, "/pkg", request, keys::k_rsa_private);
    REQUIRE(m.ok());
    CHECK(m->files.size() == 3);
    CHECK(parse_manifest(*files.content("/pkg/manifest.json")).value() == *m);
    KeyRing ring;
    REQUIRE(ring.add("rosa", keys::k_rsa_public).ok());
    CHECK(verify_package(files, "/pkg", ring)->manifest.serial == 8);
}

TEST_CASE_FIXTURE(Fixture, "what a package cannot hold is refused by name") {
    SUBCASE("a name with a tilde") {
        files.put("/pkg/a~b", "");
        CHECK(refused().context.starts_with("a~b: "));
    }
    SUBCASE("a symlink") {
        files.put_symlink("/pkg/link", "/etc/passwd");
        CHECK(refused().context.starts_with("link: "));
    }
    SUBCASE("an entry that is not there") {
        request.entry = "other.rsp";
        CHECK(refused().context.starts_with("entry: "));
    }
    SUBCASE("a package without a name") {
        request.package.clear();
        CHECK(refused().context.starts_with("package: "));
    }
    CHECK(refused().is(AgentCode::manifest_malformed));
}

TEST_CASE_FIXTURE(Fixture, "an empty folder and a missing one are refused") {
    files.put_directory("/empty");
    CHECK(build_manifest(files, "/empty", request).error().is(AgentCode::manifest_malformed));
    CHECK(build_manifest(files, "/none", request).error().is(AgentCode::file_not_found));
}

TEST_CASE_FIXTURE(Fixture, "a key that cannot sign leaves the folder as it was") {
    const auto before = files.tree();
    CHECK(sign_package(files, "/pkg", request, "nonsense").error().is(AgentCode::key_unreadable));
    CHECK(sign_package(files, "/pkg", request, keys::k_ec_a_public).error().is(AgentCode::key_unreadable));
    CHECK(files.tree() == before);
}
