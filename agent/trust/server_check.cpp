// SPDX-License-Identifier: Apache-2.0
// Owns the reading of certificates for people.
#include "agent/trust/server_check.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>  // MBEDTLS_OID_CMP
#include <vector>

#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/trust/package_check.h"
#include "agent/trust/trusted_time.h"
#include "platform/clock.h"

namespace hagent::trust {
namespace {

constexpr std::size_t k_shown_names = 6;
constexpr std::size_t k_shown_bytes = 400;
constexpr std::string_view k_begin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view k_end = "-----END CERTIFICATE-----";

std::string_view text_of(const mbedtls_asn1_buf& buffer) {
    return {reinterpret_cast<const char*>(buffer.p), buffer.len};
}

/// "CN=ours, O=Example"
std::string name_of(const mbedtls_x509_name& name) {
    std::array<char, 256> out{};
    const int length = mbedtls_x509_dn_gets(out.data(), out.size(), &name);
    return length > 0 ? std::string(out.data(), static_cast<std::size_t>(length)) : "(no name)";
}

std::vector<CertificateName> names_in(const mbedtls_x509_crt& certificate) {
    std::vector<CertificateName> names;
    const auto* name = &certificate.subject_alt_names;
    for (; name != nullptr && name->buf.p != nullptr; name = name->next) {
        const int tag = name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
        const auto kind = tag == MBEDTLS_X509_SAN_DNS_NAME     ? CertificateName::Kind::dns
                          : tag == MBEDTLS_X509_SAN_IP_ADDRESS ? CertificateName::Kind::address
                                                               : CertificateName::Kind::other;
        names.push_back({kind, text_of(name->buf)});
    }
    return names;
}

/// 4 or 16 bytes; empty when the host is a name.
std::string address_of(const std::string& host) {
    std::array<char, 16> bytes{};
    const auto plain = host.substr(0, host.find('%'));  // an IPv6 zone belongs to this device alone
    return {bytes.data(), mbedtls_x509_crt_parse_cn_inet_pton(plain.c_str(), bytes.data())};
}

bool dns_matches(std::string_view pattern, std::string_view host) {
    if (pattern.starts_with("*.")) {
        const auto dot = host.find('.');
        return dot != std::string_view::npos && dot > 0 && equal_ignoring_case(pattern.substr(1), host.substr(dot));
    }
    return equal_ignoring_case(pattern, host);
}

std::string shown(const CertificateName& name) {
    if (name.kind == CertificateName::Kind::dns) {
        return std::string(name.value);
    }
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(name.value[at]); };
    std::string out;
    if (name.value.size() == 4) {
        for (std::size_t i = 0; i < 4; ++i) {
            out += (i == 0 ? "" : ".") + std::to_string(byte(i));
        }
    } else {
        for (std::size_t i = 0; i + 1 < name.value.size(); i += 2) {
            std::array<char, 8> group{};
            std::snprintf(group.data(), group.size(), "%s%x", i == 0 ? "" : ":", (byte(i) << 8U) | byte(i + 1));
            out += group.data();
        }
    }
    return out;
}

std::string names_words(const std::vector<CertificateName>& names, const std::string& host) {
    std::string list;
    std::size_t count = 0;
    for (const auto& name : names) {
        if (name.kind != CertificateName::Kind::other && ++count <= k_shown_names) {
            list += (list.empty() ? "" : ", ") + shown(name);
        }
    }
    if (list.empty()) {
        return concat(
            {"the certificate names no host (subject alternative names are needed, a common name does not "
             "count), asked for was ",
             host});
    }
    return concat({"the certificate is for ", list, count > k_shown_names ? ", ..." : "", ", asked for was ", host});
}

std::string date(const mbedtls_x509_time& time) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "%04d-%02d-%02d %02d:%02d UTC", time.year, time.mon, time.day, time.hour,
                  time.min);
    return out.data();
}

WallTime wall_time(const mbedtls_x509_time& time) {
    const std::chrono::year_month_day day{std::chrono::year{time.year},
                                          std::chrono::month{static_cast<unsigned>(time.mon)},
                                          std::chrono::day{static_cast<unsigned>(time.day)}};
    return WallTime{Seconds{std::chrono::sys_days{day}.time_since_epoch()} +
                    Seconds{time.hour * 3600 + time.min * 60 + time.sec}};
}

/// mbedTLS has asked a clock that is wrong.
void judge_dates(const mbedtls_x509_crt& certificate, WallTime now, std::uint32_t& flags) {
    flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    flags |= wall_time(certificate.valid_to) < now ? MBEDTLS_X509_BADCERT_EXPIRED : 0U;
    flags |= now < wall_time(certificate.valid_from) ? MBEDTLS_X509_BADCERT_FUTURE : 0U;
}

/// Empty when the certificate may be a server's.
std::string_view use_words(const mbedtls_x509_crt& certificate) {
    if (mbedtls_x509_crt_check_extended_key_usage(&certificate, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0) {
        return "its extended key usage does not include servers (serverAuth)";
    }
    // what TLS 1.3 and key agreement need; a key that may only encrypt is of no use in either
    return mbedtls_x509_crt_check_key_usage(&certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0
               ? "its key usage does not include digitalSignature"
               : "";
}

struct Named {
    int number;
    std::string_view name;
};
// clang-format off
// RFC 8446, 6
constexpr std::array k_alerts = {
    Named{10, "unexpected_message"},   Named{20, "bad_record_mac"},        Named{40, "handshake_failure"},
    Named{42, "bad_certificate"},      Named{43, "unsupported_certificate"}, Named{44, "certificate_revoked"},
    Named{45, "certificate_expired"},  Named{46, "certificate_unknown"},   Named{47, "illegal_parameter"},
    Named{48, "unknown_ca"},           Named{49, "access_denied"},         Named{50, "decode_error"},
    Named{51, "decrypt_error"},        Named{70, "protocol_version"},      Named{71, "insufficient_security"},
    Named{80, "internal_error"},       Named{86, "inappropriate_fallback"}, Named{112, "unrecognized_name"},
    Named{116, "certificate_required"}, Named{120, "no_application_protocol"},
};
// clang-format on

/// Of mbedTLS's error for a certificate or key that it cannot read.
std::string_view unreadable_words(int code) {
    const int high = code & 0x7F80;  // the low bits say where the fault was noticed
    if (high == -MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE) {
        return "its key is on a curve that is not taken (P-256, P-384 and P-521 are)";
    }
    if (high == -MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || high == -MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE) {
        return "its key is of a kind that is not taken (RSA and EC are)";
    }
    if (high == -MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG || high == -MBEDTLS_ERR_X509_UNKNOWN_OID) {
        return "its signature is of a kind that is not taken (RSA and ECDSA with SHA-256, SHA-384 or SHA-512 are)";
    }
    return "it is damaged, or no certificate";
}

constexpr bool about_a_certificate(int code) {
    return (code >= 0x2080 && code <= 0x3000) || (code >= 0x3880 && code <= 0x3F80);
}

std::string version_name(int version) {
    switch (version) {
        case 0x0300: return "SSL 3.0";
        case 0x0301: return "TLS 1.0";
        case 0x0302: return "TLS 1.1";
        default: return concat({"version ", std::to_string(version >> 8), ".", std::to_string(version & 0xFF)});
    }
}

std::string alert_words(int number) {
    const auto* known =
        std::find_if(k_alerts.begin(), k_alerts.end(), [&](const Named& n) { return n.number == number; });
    return concat({"the server refused with alert ", std::to_string(number), known == k_alerts.end() ? "" : " ",
                   known == k_alerts.end() ? "" : known->name});
}

std::string end_words(const HandshakeEnd& end) {
    constexpr int k_alert = 21, k_handshake = 22;
    if (end.code == -MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE && end.record == k_alert) {
        return alert_words(end.alert);
    }
    if (end.code == -MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION) {
        return end.record == k_handshake ? concat({"the server chose ", version_name(end.version)})
                                         : std::string("the server's records have another version of TLS");
    }
    if (end.code == -MBEDTLS_ERR_SSL_INVALID_RECORD) {
        return "what the server answered is no TLS";
    }
    if (end.code == -MBEDTLS_ERR_SSL_CONN_EOF) {
        return "the server closed the connection";
    }
    if (about_a_certificate(end.code)) {
        return concat({"the server's certificate cannot be used: ", unreadable_words(end.code)});
    }
    std::array<char, 16> code{};
    std::snprintf(code.data(), code.size(), "-0x%04X", static_cast<unsigned>(end.code));
    return concat({"mbedTLS ", code.data()});
}

/// The subject of a certificate whose key or signature cannot be read: its common name, straight from the bytes. The
/// issuer stands before it, so the last one counts.
std::string common_name_in(std::string_view der) {
    constexpr std::string_view k_oid("\x06\x03\x55\x04\x03", 5);
    std::string name;
    for (auto at = der.find(k_oid); at != std::string_view::npos; at = der.find(k_oid, at + 1)) {
        const auto value = at + k_oid.size() + 2;  // tag and length
        if (value <= der.size()) {
            name = der.substr(value, static_cast<unsigned char>(der[value - 1]));
        }
    }
    return name.empty() ? std::string("(no common name)") : "CN=" + name;
}

/// Of one PEM block.
std::string der_of(const std::string& block) {
    mbedtls_pem_context pem;
    mbedtls_pem_init(&pem);
    std::size_t used = 0;
    std::string der;
    if (mbedtls_pem_read_buffer(&pem, k_begin.data(), k_end.data(),
                                reinterpret_cast<const unsigned char*>(block.c_str()), nullptr, 0, &used) == 0) {
        std::size_t length = 0;
        const auto* bytes = mbedtls_pem_get_buffer(&pem, &length);
        der.assign(reinterpret_cast<const char*>(bytes), length);
    }
    mbedtls_pem_free(&pem);
    return der;
}

Status check_block(const std::string& block, std::size_t number) {
    mbedtls_x509_crt certificate;
    mbedtls_x509_crt_init(&certificate);
    const int code =
        mbedtls_x509_crt_parse(&certificate, reinterpret_cast<const unsigned char*>(block.c_str()), block.size() + 1);
    mbedtls_x509_crt_free(&certificate);
    if (code == 0) {
        return {};
    }
    const auto der = der_of(block);
    const auto who = der.empty() ? std::string() : concat({" (", printable(clip(common_name_in(der), 128)), ")"});
    return error(errors::AgentCode::config_bad_value,
                 {"certificate ", std::to_string(number), who, " cannot be used: ", unreadable_words(-code)});
}

}  // namespace

bool names_host(std::span<const CertificateName> names, const std::string& host) {
    const auto address = address_of(host);
    const auto name = std::string_view(host).substr(0, host.size() - (host.ends_with('.') ? 1 : 0));
    return std::any_of(names.begin(), names.end(), [&](const CertificateName& candidate) {
        switch (candidate.kind) {
            case CertificateName::Kind::dns: return address.empty() && dns_matches(candidate.value, name);
            case CertificateName::Kind::address: return !address.empty() && candidate.value == address;
            case CertificateName::Kind::other: return false;
        }
        return false;
    });
}

void ServerCheck::install(void* ssl_config, std::string host, TrustedTime* time) {
    auto& config = *static_cast<mbedtls_ssl_config*>(ssl_config);
    host_ = std::move(host);
    at_least_ = time != nullptr ? time->latest(platform::SystemClock().wall()) : release_date();
    words_.clear();
    next_ = config.MBEDTLS_PRIVATE(f_vrfy);
    next_context_ = config.MBEDTLS_PRIVATE(p_vrfy);
    mbedtls_ssl_conf_verify(&config, &ServerCheck::verify, this);
}

void ServerCheck::add(std::string_view words) {
    words_ = clip(concat({words_, words_.empty() ? "" : "; ", words}), k_shown_bytes);
}

/// From the authority down to the server's own certificate. mbedTLS's opinion of the name is replaced by ours.
int ServerCheck::verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
    auto& me = *static_cast<ServerCheck*>(self);
    if (depth == 0) {
        const auto names = names_in(*certificate);
        *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_CN_MISMATCH);
        if (!names_host(names, me.host_)) {
            *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
            me.add(printable(names_words(names, me.host_)));
        }
        if (const auto use = use_words(*certificate); !use.empty()) {
            me.add(use);
        }
    }
    if (platform::SystemClock().wall() < me.at_least_) {
        judge_dates(*certificate, me.at_least_, *flags);
    }
    const auto said = *flags;
    const auto who = printable(name_of(certificate->subject));
    if ((said & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0) {
        me.add(concat({who, " is valid from ", date(certificate->valid_from), " to ", date(certificate->valid_to)}));
    }
    if ((said & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        me.add(
            concat({who, " was issued by ", printable(name_of(certificate->issuer)), ", which is not trusted here"}));
    }
    if ((said & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY)) != 0) {
        me.add(concat({who, " has a key or a digest that is too weak"}));
    }
    return me.next_ != nullptr ? me.next_(me.next_context_, certificate, depth, flags) : 0;
}

std::string handshake_words(const HandshakeEnd& end) {
    return concat({end_words(end),
                   "; taken are TLS 1.2 and 1.3, ECDHE on x25519, P-256, P-384 or P-521, AES-GCM or ChaCha20-Poly1305, "
                   "certificates with RSA or these P curves"});
}

Status check_authorities(const std::string& pem) {
    std::size_t number = 0;
    for (auto at = pem.find(k_begin); at != std::string::npos; at = pem.find(k_begin, at + k_begin.size())) {
        const auto end = pem.find(k_end, at);
        TRY(check_block(pem.substr(at, end == std::string::npos ? end : end + k_end.size() - at) + "\n", ++number));
    }
    return number > 0 ? Status() : error(errors::AgentCode::config_bad_value, "there is no certificate in it (PEM)");
}

}  // namespace hagent::trust
