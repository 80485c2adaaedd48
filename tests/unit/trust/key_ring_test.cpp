// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the trusted keys and of finding a signature's maker.
#include <doctest/doctest.h>

#include "agent/base/text.h"
#include "agent/trust/key_ring.h"
#include "agent/trust/sign.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/rooted.h"
#include "tests/unit/trust/keys.h"

using namespace hagent;
using namespace hagent::trust;
using errors::AgentCode;

namespace {

constexpr const char* k_dir = "/etc/hagent/keys";

struct Fixture {
    fakes::FakeFiles files;

    void key(const std::string& name, std::string_view pem, std::string_view roles = "") {
        files.put(std::string(k_dir) + "/" + name + ".pem", pem);
        if (!roles.empty()) {
            files.put(std::string(k_dir) + "/" + name + ".roles", roles);
        }
    }
    [[nodiscard]] KeyRing load() { return KeyRing::load(files, k_dir).value(); }
    /// The context with '/' on every system.
    [[nodiscard]] Error refused() {
        const auto ring = KeyRing::load(files, k_dir);
        Error found = ring.ok() ? ring->left_out().at(0) : ring.error();
        found.context = replace_all(found.context, "\\", "/");
        return found;
    }
};

std::string signed_by(std::string_view key, std::string_view bytes = "text") { return sign(bytes, key).value(); }

Manifest manifest() {
    Manifest m;
    m.package = "demo";
    m.version = "1";
    m.serial = 1;
    m.entry = "a";
    m.files = {{"a", 1, std::string(64, 'a'), {}}};
    return m;
}

bool is_refusal(const Result<Signer>& result) {
    return !result.ok() &&
           (result.error().is(AgentCode::signature_invalid) || result.error().is(AgentCode::unknown_key));
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "keys are named by their files and found whatever their order and sort") {
    key("alice", keys::k_ec_a_public);
    key("bob", keys::k_ec_b_public);
    key("rosa", keys::k_rsa_public);
    files.put(std::string(k_dir) + "/README.txt", "not a key");
    const KeyRing ring = load();
    REQUIRE(ring.signers().size() == 3);
    CHECK(ring.verify("text", signed_by(keys::k_ec_a_private), Role::script)->name == "alice");
    CHECK(ring.verify("text", signed_by(keys::k_ec_b_private), Role::image)->name == "bob");
    const auto rosa = ring.verify("text", signed_by(keys::k_rsa_private), Role::jobs);
    CHECK(rosa->name == "rosa");
    CHECK(rosa->fingerprint == fingerprint(keys::k_rsa_private).value());
    CHECK(rosa->fingerprint == fingerprint(keys::k_rsa_public).value());
}

TEST_CASE_FIXTURE(Fixture, "a directory that does not exist holds no keys, and then nothing is trusted") {
    const KeyRing ring = load();
    CHECK(ring.empty());
    CHECK(ring.verify("text", signed_by(keys::k_ec_a_private), Role::script).error().is(AgentCode::unknown_key));
    CHECK(KeyRing().verify("", "", Role::jobs).error().is(AgentCode::unknown_key));
}

TEST_CASE_FIXTURE(Fixture, "roles limit what a key may sign") {
    key("alice", keys::k_ec_a_public, "script  software\n");
    const KeyRing ring = load();
    const std::string signature = signed_by(keys::k_ec_a_private);
    CHECK(ring.verify("text", signature, Role::script).ok());
    CHECK(ring.verify("text", signature, Role::software).ok());
    CHECK(ring.verify("text", signature, Role::image).error().is(AgentCode::role_not_allowed));
    CHECK(ring.verify("text", signature, Role::agent).error().is(AgentCode::role_not_allowed));
    CHECK(ring.made_by("text", signature).ok());
    CHECK(ring.verify("text", signature, Role::jobs).error().is(AgentCode::role_not_allowed));
    CHECK(ring.verify("other", signature, Role::image).error().is(AgentCode::signature_invalid));
}

TEST_CASE_FIXTURE(Fixture, "the same key under two names has the roles of both") {
    key("a1", keys::k_ec_a_public, "script");
    key("a2", keys::k_ec_a_public, "image");
    const KeyRing ring = load();
    CHECK(ring.verify("text", signed_by(keys::k_ec_a_private), Role::script)->name == "a1");
    CHECK(ring.verify("text", signed_by(keys::k_ec_a_private), Role::image)->name == "a2");
}

TEST_CASE_FIXTURE(Fixture, "keys that others may change are refused") {
    key("alice", keys::k_ec_a_public, "script");
    for (const char* path : {"/etc/hagent/keys", "/etc/hagent/keys/alice.pem", "/etc/hagent/keys/alice.roles"}) {
        CAPTURE(path);
        const auto mode = files.info(path).value()->mode;
        REQUIRE(files.set_mode(path, mode | 0020).ok());
        CHECK(refused().is(AgentCode::config_insecure_permissions));
        CHECK(refused().context.find("trusted key") != std::string::npos);  // what it is, beside its place
        CHECK(refused().context.ends_with(path));
        REQUIRE(files.set_mode(path, mode).ok());
    }
    CHECK(load().signers().size() == 1);
}

TEST_CASE("a key that a link takes from a folder of others is left out") {
    for (const char* path : {"/data/bob", "/data/bob/mine.pem", "/etc/hagent/keys/bob.pem"}) {
        Fixture f;
        f.key("alice", keys::k_ec_a_public);
        f.files.put("/data/bob/mine.pem", keys::k_ec_b_public);
        f.files.put_symlink("/etc/hagent/keys/bob.pem", "/data/bob/mine.pem");
        CHECK(f.load().signers().size() == 2);
        f.files.give_away(path);
        CHECK(f.refused().is(AgentCode::config_insecure_permissions));
        REQUIRE(f.load().signers().size() == 1);
        CHECK(f.load().signers().front().name == "alice");
    }
}

TEST_CASE_FIXTURE(Fixture, "one bad key file costs itself alone, and is told by name") {
    key("alice", keys::k_ec_a_public);
    for (const std::string_view bad : {std::string_view(""), std::string_view("nonsense"), keys::k_ec_a_private,
                                       keys::k_ec_a_public.substr(0, 100)}) {
        key("bad", bad);
        CHECK(refused().is(AgentCode::key_unreadable));
        CHECK(fakes::plain(refused().context).starts_with("/etc/hagent/keys/bad.pem"));
    }
    key("bad", keys::k_ec_b_public, "scripts");
    CHECK(refused().context.find("unknown role scripts") != std::string::npos);
    key("bad", keys::k_ec_b_public, " \n");
    CHECK(refused().is(AgentCode::key_unreadable));
}

TEST_CASE_FIXTURE(Fixture, "no flipped bit of content or signature is accepted") {
    key("alice", keys::k_ec_a_public);
    key("rosa", keys::k_rsa_public);
    const KeyRing ring = load();
    const std::string content = R"({"format":1,"kind":"script"})";
    for (const auto private_key : {keys::k_ec_a_private, keys::k_rsa_private}) {
        const std::string signature = signed_by(private_key, content);
        REQUIRE(ring.verify(content, signature, Role::script).ok());
        for (std::size_t bit = 0; bit < content.size() * 8; ++bit) {
            std::string bad = content;
            bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
            CHECK(is_refusal(ring.verify(bad, signature, Role::script)));
        }
        for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
            std::string bad = signature;
            bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
            CAPTURE(bit);
            CHECK(is_refusal(ring.verify(content, bad, Role::script)));
        }
        for (std::size_t length = 0; length < signature.size(); ++length) {
            CHECK(is_refusal(ring.verify(content, signature.substr(0, length), Role::script)));
        }
        CHECK(is_refusal(ring.verify(content, signature + '\0', Role::script)));
        CHECK(is_refusal(ring.verify(content + " ", signature, Role::script)));
    }
}

TEST_CASE_FIXTURE(Fixture, "an unknown key is told from a changed manifest") {
    key("alice", keys::k_ec_a_public);
    const KeyRing ring = load();
    Manifest m = manifest();
    m.signer = fingerprint(keys::k_ec_b_private).value();
    const std::string by_b = write_manifest(m);
    CHECK(open_manifest(ring, by_b, signed_by(keys::k_ec_b_private, by_b)).error().is(AgentCode::unknown_key));
    m.signer = fingerprint(keys::k_ec_a_private).value();
    const std::string by_a = write_manifest(m);
    const std::string signature = signed_by(keys::k_ec_a_private, by_a);
    REQUIRE(open_manifest(ring, by_a, signature).ok());
    m.serial = 2;
    CHECK(open_manifest(ring, write_manifest(m), signature).error().is(AgentCode::signature_invalid));
    CHECK(open_manifest(ring, by_a, signature.substr(0, 20)).error().is(AgentCode::signature_invalid));
    // A sort of key that is not here at all.
    CHECK(ring.verify("text", signed_by(keys::k_rsa_private), Role::script).error().is(AgentCode::unknown_key));
    // Made with openssl: no hint, so only the fact that nobody trusted made it.
    CHECK(ring.verify("text", signed_by(keys::k_ec_b_private), Role::script).error().is(AgentCode::signature_invalid));
}

TEST_CASE_FIXTURE(Fixture, "a hint that lies changes the message only") {
    key("alice", keys::k_ec_a_public);
    Manifest m = manifest();
    m.signer = fingerprint(keys::k_ec_b_private).value();
    const std::string text = write_manifest(m);
    CHECK(open_manifest(load(), text, signed_by(keys::k_ec_a_private, text))->signer.name == "alice");
}

TEST_CASE_FIXTURE(Fixture, "opening checks signature, then content, then role") {
    key("alice", keys::k_ec_a_public, "image");
    const KeyRing ring = load();
    const std::string text = write_manifest(manifest());
    CHECK(open_manifest(ring, text, signed_by(keys::k_ec_a_private, text)).error().is(AgentCode::role_not_allowed));
    CHECK(open_manifest(ring, "{}", signed_by(keys::k_ec_a_private, "{}")).error().is(AgentCode::manifest_malformed));
    CHECK(open_manifest(ring, "{}", signed_by(keys::k_ec_b_private, "{}")).error().is(AgentCode::signature_invalid));
    CHECK(open_manifest(ring, text, std::string(5000, 'x')).error().is(AgentCode::limit_exceeded));
    CHECK(open_manifest(ring, std::string(2U << 20U, ' '), "x").error().is(AgentCode::limit_exceeded));
}
