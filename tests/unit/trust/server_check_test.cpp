// SPDX-License-Identifier: Apache-2.0
// Owns the tests of names in certificates, of the words for handshakes and of CA files.
#include "agent/trust/server_check.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace hagent;
using namespace hagent::trust;
using Kind = CertificateName::Kind;

namespace {

bool dns(std::string_view pattern, const std::string& host) {
    const std::array names = {CertificateName{Kind::dns, pattern}};
    return names_host(names, host);
}

bool address(std::string_view bytes, const std::string& host) {
    const std::array names = {CertificateName{Kind::address, bytes}};
    return names_host(names, host);
}

}  // namespace

TEST_CASE("a DNS name stands for itself, whatever its case") {
    CHECK(dns("server.example", "server.example"));
    CHECK(dns("Server.EXAMPLE", "server.example"));
    CHECK(dns("server.example", "server.example."));
    CHECK_FALSE(dns("server.example", "other.example"));
    CHECK_FALSE(dns("server.example", "www.server.example"));
    CHECK_FALSE(dns("", "server.example"));
    CHECK_FALSE(dns(std::string_view("server.example\0.evil.example", 28), "server.example"));
}

TEST_CASE("a star stands for the whole first label and for no other one") {
    CHECK(dns("*.example", "a.example"));
    CHECK(dns("*.b.example", "a.b.example"));
    CHECK_FALSE(dns("*.example", "a.b.example"));
    CHECK_FALSE(dns("*.example", "example"));
    CHECK_FALSE(dns("*.example", ".example"));
    CHECK_FALSE(dns("s*.example", "server.example"));
    CHECK_FALSE(dns("*r.example", "server.example"));
    CHECK_FALSE(dns("a.*.example", "a.b.example"));
    CHECK_FALSE(dns("*", "server"));
    CHECK_FALSE(dns("*.*.example", "a.b.example"));
}

TEST_CASE("an address needs an address, and a name needs a name") {
    const std::string v4("\x7F\0\0\x01", 4), v6 = std::string(15, '\0') + '\x01';
    CHECK(address(v4, "127.0.0.1"));
    CHECK_FALSE(address(v4, "127.0.0.2"));
    CHECK(address(v6, "::1"));
    CHECK(address(v6, "0:0:0:0:0:0:0:1"));
    CHECK_FALSE(address(v6, "::2"));
    CHECK_FALSE(dns("127.0.0.1", "127.0.0.1"));
    CHECK_FALSE(dns("*.0.0.1", "127.0.0.1"));
    CHECK_FALSE(dns("::1", "::1"));
    const std::array other = {CertificateName{Kind::other, "https://127.0.0.1/"},
                              CertificateName{Kind::other, "a.example"}};
    CHECK_FALSE(names_host(other, "127.0.0.1"));
    CHECK_FALSE(names_host(other, "a.example"));
    CHECK_FALSE(names_host({}, "a.example"));
}

TEST_CASE("a handshake that failed says what the server said, and what is taken") {
    CHECK(handshake_words({0x7780, 21, 40, 0})
              .starts_with("the server refused with alert 40 handshake_failure; taken are TLS 1.2 and 1.3"));
    CHECK(handshake_words({0x7780, 21, 99, 0}).starts_with("the server refused with alert 99; "));
    CHECK(handshake_words({0x6E80, 22, 0, 0x0301}).starts_with("the server chose TLS 1.0; "));
    CHECK(handshake_words({0x7200, 0, 0, 0}).starts_with("what the server answered is no TLS; "));
    CHECK(handshake_words({0x3A00, 22, 0, 0}).find("curve that is not taken") != std::string::npos);
    CHECK(handshake_words({0x6C80, 22, 0, 0}).starts_with("mbedTLS -0x6C80; "));
}

TEST_CASE("a CA file names the certificate in it that cannot be used") {
    CHECK(check_authorities("").error().context == "there is no certificate in it (PEM)");
    CHECK(check_authorities("-----BEGIN PUBLIC KEY-----\n").error().context == "there is no certificate in it (PEM)");
    const auto damaged = check_authorities("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    REQUIRE_FALSE(damaged.ok());
    CHECK(damaged.error().context.starts_with("certificate 1"));
    CHECK(damaged.error().context.find("damaged, or no certificate") != std::string::npos);
    CHECK_FALSE(check_authorities("-----BEGIN CERTIFICATE-----").ok());
}
