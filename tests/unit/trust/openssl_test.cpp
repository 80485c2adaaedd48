// SPDX-License-Identifier: Apache-2.0
// Owns the tests that openssl accepts our signatures and we accept its own.
#include <doctest/doctest.h>

#include <mbedtls/x509_crt.h>

#include "agent/trust/key_ring.h"
#include "agent/trust/manifest.h"
#include "agent/trust/sign.h"
#include "tests/unit/trust/openssl.h"

using namespace hagent;
using namespace hagent::trust;
using errors::AgentCode;

namespace {

KeyRing ring_of(const OpenSsl& openssl) {
    KeyRing ring;
    REQUIRE(ring.add("key", openssl.get("key.pem")).ok());
    return ring;
}

}  // namespace

TEST_CASE("signatures are good in both directions") {
    if (!OpenSsl::here()) {
        return;
    }
    for (const char* sort : {"ec", "p384", "rsa"}) {
        CAPTURE(sort);
        const OpenSsl openssl;
        openssl.make_key("key", sort);
        openssl.put("text", "signed bytes");
        openssl.put("ours.sig", sign("signed bytes", openssl.get("key.key")).value());
        CHECK(openssl.run("dgst -sha256 -verify key.pem -signature ours.sig text"));
        REQUIRE(openssl.run("dgst -sha256 -sign key.key -out theirs.sig text"));
        const KeyRing ring = ring_of(openssl);
        CHECK(ring.verify("signed bytes", openssl.get("theirs.sig"), Role::script).ok());
        CHECK_FALSE(ring.verify("signed byteS", openssl.get("theirs.sig"), Role::script).ok());
        openssl.put("text", "other bytes");
        CHECK_FALSE(openssl.run("dgst -sha256 -verify key.pem -signature ours.sig text"));
    }
}

TEST_CASE("every form of private key that openssl writes can sign") {
    if (!OpenSsl::here()) {
        return;
    }
    const OpenSsl openssl;
    openssl.put("text", "x");
    const auto signs = [&](const std::string& name) {
        const auto signature = sign("x", openssl.get(name));
        CAPTURE(name);
        REQUIRE(signature.ok());
        openssl.put("sig", *signature);
        CHECK(openssl.run("dgst -sha256 -verify key.pem -signature sig text"));
    };
    openssl.make_key("key", "ec");
    signs("key.key");
    REQUIRE(openssl.run("ec -in key.key -out sec1.key"));
    CHECK(openssl.get("sec1.key").find("BEGIN EC PRIVATE KEY") != std::string::npos);
    signs("sec1.key");
    REQUIRE(openssl.run("ecparam -name prime256v1 -genkey -out params.key"));
    REQUIRE(openssl.run("pkey -in params.key -pubout -out key.pem"));
    CHECK(openssl.get("params.key").find("BEGIN EC PARAMETERS") != std::string::npos);
    signs("params.key");
    openssl.make_key("key", "rsa");
    REQUIRE(openssl.run("rsa -in key.key -traditional -out pkcs1.key"));
    CHECK(openssl.get("pkcs1.key").find("BEGIN RSA PRIVATE KEY") != std::string::npos);
    signs("pkcs1.key");
}

TEST_CASE("PSS signatures with any salt length are accepted") {
    if (!OpenSsl::here()) {
        return;
    }
    const OpenSsl openssl;
    openssl.make_key("key", "rsa");
    openssl.put("text", "x");
    const KeyRing ring = ring_of(openssl);
    for (const char* salt : {"0", "32", "max"}) {
        CAPTURE(salt);
        REQUIRE(openssl.run(std::string("dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:") + salt +
                            " -sign key.key -out sig text"));
        CHECK(ring.verify("x", openssl.get("sig"), Role::script).ok());
        CHECK_FALSE(ring.verify("y", openssl.get("sig"), Role::script).ok());
    }
}

TEST_CASE(
    "every flipped bit of a small manifest and of its signature by openssl is refused: P-256, PSS with RSA 3072") {
    if (!OpenSsl::here()) {
        return;
    }
    struct Row {
        const char* sort;
        const char* options;
    };
    for (const auto& [sort, options] : {Row{"ec", ""}, Row{"rsa3072", "-sigopt rsa_padding_mode:pss "}}) {
        const OpenSsl openssl;
        openssl.make_key("key", sort);
        std::string manifest =
            R"({"format":1,"kind":"script","package":"p","version":"1","serial":1,"entry":"a","files":[{"path":"a","bytes":1,"sha256":")" +
            std::string(64, 'a') + R"("}]})";
        openssl.put("text", manifest);
        REQUIRE(openssl.run(std::string("dgst -sha256 ") + options + "-sign key.key -out sig text"));
        std::string signature = openssl.get("sig");
        const KeyRing ring = ring_of(openssl);
        REQUIRE(open_manifest(ring, manifest, signature).ok());
        std::size_t accepted = 0, tried = 0;
        for (std::string* part : {&manifest, &signature}) {
            for (std::size_t bit = 0; bit < part->size() * 8; ++bit, ++tried) {
                const auto flip = [&] { (*part)[bit / 8] = static_cast<char>((*part)[bit / 8] ^ (1 << (bit % 8))); };
                flip();
                accepted += ring.verify(manifest, signature, Role::script).ok() ? 1U : 0U;
                flip();
            }
        }
        MESSAGE(std::string(sort) << ": " << tried << " flipped bits, " << accepted << " accepted");
        CHECK(accepted == 0);
        CHECK(tried == (manifest.size() + signature.size()) * 8);
        CHECK(open_manifest(ring, manifest, signature).ok());
    }
}

TEST_CASE("other digests than SHA-256 are not accepted") {
    if (!OpenSsl::here()) {
        return;
    }
    for (const char* sort : {"ec", "rsa"}) {
        const OpenSsl openssl;
        openssl.make_key("key", sort);
        openssl.put("text", "x");
        for (const char* digest : {"sha1", "sha384", "sha512"}) {
            REQUIRE(openssl.run(std::string("dgst -") + digest + " -sign key.key -out sig text"));
            CHECK_FALSE(ring_of(openssl).verify("x", openssl.get("sig"), Role::script).ok());
        }
    }
}

TEST_CASE("a root that signed itself with SHA-1 can be read, as many public ones are") {
    if (!OpenSsl::here()) {
        return;
    }
    const OpenSsl openssl;
    REQUIRE(
        openssl.run("req -x509 -newkey rsa:2048 -nodes -sha1 -subj /CN=root -days 1 -keyout root.key -out root.pem"));
    const std::string text = openssl.get("root.pem");
    mbedtls_x509_crt root;
    mbedtls_x509_crt_init(&root);
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.c_str());
    CHECK(mbedtls_x509_crt_parse(&root, bytes, text.size() + 1) == 0);
    mbedtls_x509_crt_free(&root);
}

TEST_CASE("weak and odd keys are refused") {
    if (!OpenSsl::here()) {
        return;
    }
    for (const char* sort : {"rsa1024", "k1", "ed25519"}) {
        CAPTURE(sort);
        const OpenSsl openssl;
        openssl.make_key("key", sort);
        KeyRing ring;
        CHECK(ring.add("key", openssl.get("key.pem")).error().is(AgentCode::key_unreadable));
        CHECK(sign("x", openssl.get("key.key")).error().is(AgentCode::key_unreadable));
    }
}

TEST_CASE("an encrypted private key is refused with the reason") {
    if (!OpenSsl::here()) {
        return;
    }
    const OpenSsl openssl;
    openssl.make_key("key", "ec");
    REQUIRE(openssl.run("pkcs8 -topk8 -in key.key -passout pass:x -out locked.key"));
    const auto refused = sign("x", openssl.get("locked.key"));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().context.find("encrypted") != std::string::npos);
}

TEST_CASE("the fingerprint is the SHA-256 of the public key in DER") {
    if (!OpenSsl::here()) {
        return;
    }
    for (const char* sort : {"ec", "rsa"}) {
        const OpenSsl openssl;
        openssl.make_key("key", sort);
        REQUIRE(openssl.run("pkey -pubin -in key.pem -outform DER -out key.der"));
        REQUIRE(openssl.run("dgst -sha256 -r -out digest key.der"));
        CHECK(fingerprint(openssl.get("key.key")).value() == openssl.get("digest").substr(0, 64));
    }
}
