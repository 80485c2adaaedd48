// SPDX-License-Identifier: Apache-2.0
// Owns the check of a server's certificate against the name that was asked for, and the words for what is wrong with it
// or with the handshake.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

struct mbedtls_x509_crt;

namespace hagent::trust {

/// One DNS name or address in a certificate, as its subject alternative names have it (RFC 5280, 4.2.1.6).
struct CertificateName {
    enum class Kind : std::uint8_t { dns, address, other };
    Kind kind = Kind::other;
    std::string_view value;  // of an address 4 or 16 bytes
};

/// Whether the certificate was issued for this host. Source: RFC 9525, 6: only subject alternative names count; an
/// address needs an address; "*" stands for the whole first label, and for no other one.
[[nodiscard]] bool names_host(std::span<const CertificateName> names, const std::string& host);

class TrustedTime;

/// Watches the certificates of one handshake. Lives as long as the connection.
class ServerCheck {
public:
    /// For the next handshake, of a TLS configuration (mbedtls_ssl_config) whose own check stays in force.
    /// Dates are judged by TrustedTime::latest(); null: by the clock, or this release's date where that is later.
    void install(void* ssl_config, std::string host, TrustedTime* time);
    /// What is wrong with the certificates, in a few words: the names in it, its dates, its issuer, its use. Empty when
    /// nothing is.
    [[nodiscard]] const std::string& words() const { return words_; }

private:
    static int verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);
    void add(std::string_view words);

    std::string host_, words_;
    WallTime at_least_;
    int (*next_)(void*, mbedtls_x509_crt*, int, std::uint32_t*) = nullptr;
    void* next_context_ = nullptr;
};

/// Why a handshake failed: mbedTLS's error, the kind of the last record, the number in it where that was an alert (RFC
/// 8446, 6), and the version that the server chose; and what was offered to it.
struct HandshakeEnd {
    int code = 0;  // without its sign
    int record = 0;
    int alert = 0;
    int version = 0;
};
[[nodiscard]] std::string handshake_words(const HandshakeEnd& end);

/// Whether all certificates of a PEM text can be used as authorities. Error: config_bad_value, which names the one that
/// cannot by its place and subject, and says why.
[[nodiscard]] Status check_authorities(const std::string& pem);

}  // namespace hagent::trust
