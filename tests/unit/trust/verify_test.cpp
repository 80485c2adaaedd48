// SPDX-License-Identifier: Apache-2.0
// Owns the tests of checking package folders.
#include <doctest/doctest.h>

#include <iterator>

#include "agent/trust/digest.h"
#include "agent/trust/package_check.h"
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
    KeyRing ring;
    Fixture() {
        files.put("/pkg/demo.rsp", "script");
        files.put("/pkg/fw/kernel", "kernel");
        Manifest request;
        request.package = "demo";
        request.version = "1";
        request.serial = 7;
        request.entry = "demo.rsp";
        REQUIRE(sign_package(files, "/pkg", request, keys::k_ec_a_private).ok());
        REQUIRE(ring.add("alice", keys::k_ec_a_public).ok());
    }
    [[nodiscard]] Error refused() { return verify_package(files, "/pkg", ring).error(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an untouched package is verified") {
    const auto package = verify_package(files, "/pkg", ring);
    REQUIRE(package.ok());
    CHECK(package->signer.name == "alice");
    CHECK(package->manifest.files.size() == 2);
    CHECK(package->unlisted.empty());
}

TEST_CASE_FIXTURE(Fixture, "each way to tamper has its own reason") {
    SUBCASE("changed content") {
        files.put("/pkg/fw/kernel", "Kernel");
        CHECK(refused().is(AgentCode::digest_mismatch));
        CHECK(refused().context == "fw/kernel");
    }
    SUBCASE("changed size") {
        files.put("/pkg/fw/kernel", "kernel!");
        CHECK(refused().is(AgentCode::size_mismatch));
    }
    SUBCASE("missing file") {
        REQUIRE(files.remove("/pkg/fw/kernel").ok());
        CHECK(refused().is(AgentCode::file_not_found));
    }
    SUBCASE("a symlink in a file's place") {
        REQUIRE(files.remove("/pkg/fw/kernel").ok());
        files.put("/elsewhere", "kernel");
        files.put_symlink("/pkg/fw/kernel", "/elsewhere");
        CHECK(refused().is(AgentCode::size_mismatch));
    }
    SUBCASE("changed manifest") {
        files.put("/pkg/manifest.json", *files.content("/pkg/manifest.json") + " ");
        CHECK(refused().is(AgentCode::signature_invalid));
    }
    SUBCASE("cut manifest") {
        const std::string whole = *files.content("/pkg/manifest.json");
        files.put("/pkg/manifest.json", whole.substr(0, whole.size() / 2));
        CHECK(refused().is(AgentCode::signature_invalid));
    }
    SUBCASE("cut signature") {
        files.put("/pkg/manifest.sig", files.content("/pkg/manifest.sig")->substr(0, 30));
        CHECK(refused().is(AgentCode::signature_invalid));
    }
    SUBCASE("missing manifest") {
        REQUIRE(files.remove("/pkg/manifest.json").ok());
        CHECK(refused().is(AgentCode::manifest_missing));
    }
    SUBCASE("missing signature") {
        REQUIRE(files.remove("/pkg/manifest.sig").ok());
        CHECK(refused().is(AgentCode::signature_missing));
    }
    SUBCASE("a key that is not trusted") {
        ring = KeyRing();
        REQUIRE(ring.add("bob", keys::k_ec_b_public).ok());
        CHECK(refused().is(AgentCode::unknown_key));
    }
    SUBCASE("a key without the role") {
        ring = KeyRing();
        REQUIRE(ring.add("alice", keys::k_ec_a_public, {Role::image, Role::agent}).ok());
        CHECK(refused().is(AgentCode::role_not_allowed));
    }
}

TEST_CASE_FIXTURE(Fixture, "what can be wrong with a package has a result of its own each") {
    const auto manifest = parse_manifest(*files.content("/pkg/manifest.json")).value();
    const auto put_signed = [&](const Manifest& changed) {
        files.put("/pkg/manifest.json", write_manifest(changed));
        files.put("/pkg/manifest.sig", sign(write_manifest(changed), keys::k_ec_a_private).value());
    };
    const auto checked = [&](const Manifest& changed, std::optional<std::uint64_t> highest) {
        return check_package(changed, {{"SLX"}, {}, {"tc-7"}}, WallTime{Millis{1'796'083'200'000}}, true, highest)
            .error();
    };
    std::vector<Error> results;
    auto changed = manifest;
    changed.expires = WallTime{Millis{1'796'083'199'999}};
    results.push_back(checked(changed, std::nullopt));
    results.push_back(checked(manifest, manifest.serial + 1));
    changed = manifest;
    changed.targets.devices = {"tc-8"};
    results.push_back(checked(changed, std::nullopt));
    changed = manifest;
    changed.files.back().bytes = (std::uint64_t{5} << 30U) + changed.files.back().bytes;  // more than 32 bits can count
    put_signed(changed);
    results.push_back(refused());
    CHECK(results.back().context.find(std::to_string(changed.files.back().bytes)) != std::string::npos);
    put_signed(manifest);
    REQUIRE(verify_package(files, "/pkg", ring).ok());
    files.put("/pkg/manifest.sig", files.content("/pkg/manifest.sig")->substr(0, 40));
    results.push_back(refused());
    put_signed(manifest);
    ring = KeyRing();
    REQUIRE(ring.add("bob", keys::k_ec_b_public).ok());
    results.push_back(refused());
    REQUIRE(ring.add("alice", keys::k_ec_a_public, {Role::image}).ok());
    results.push_back(refused());
    const AgentCode wanted[] = {AgentCode::package_expired, AgentCode::package_replayed,  AgentCode::wrong_device,
                                AgentCode::size_mismatch,   AgentCode::signature_invalid, AgentCode::unknown_key,
                                AgentCode::role_not_allowed};
    REQUIRE(results.size() == std::size(wanted));
    for (std::size_t i = 0; i < results.size(); ++i) {
        CAPTURE(i);
        CHECK(results[i].is(wanted[i]));
    }
}

TEST_CASE_FIXTURE(Fixture, "files that are not listed are named") {
    files.put("/pkg/fw/extra", "x");
    files.put("/pkg/notes.txt", "x");
    const auto package = verify_package(files, "/pkg", ring);
    REQUIRE(package.ok());
    CHECK(package->unlisted == std::vector<std::string>{"fw/extra", "notes.txt"});
}

TEST_CASE_FIXTURE(Fixture, "a file is digested in pieces of any number") {
    for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 200000U}) {
        const std::string content(size, 'z');
        files.put("/f", content);
        const auto digest = digest_file(files, "/f");
        REQUIRE(digest.ok());
        CHECK(digest->bytes == size);
        CHECK(digest->sha256 == sha256_hex(content));
    }
}
