// SPDX-License-Identifier: Apache-2.0
// Owns keys and certificate requests, made by mbedTLS.
#include "agent/trust/enrol.h"

#include <array>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_csr.h>

#include "agent/trust/generator.h"
#include "agent/trust/public_key.h"

namespace hagent::trust {
namespace {

constexpr std::size_t k_pem_bytes = 4096;  // an RSA key of 8192 bits is read, never made
constexpr std::size_t k_name_bytes = 64;   // RFC 5280 appendix A: ub-common-name

using Pem = std::array<unsigned char, 4 * k_pem_bytes>;

std::string text_of(const Pem& pem) { return reinterpret_cast<const char*>(pem.data()); }

Failure cannot(std::string_view what, int code) {
    return {errors::agent(errors::AgentCode::key_unreadable), code, what};
}

/// RFC 4514 2.4: what has a meaning in a name is escaped.
Result<std::string> common_name(std::string_view device_id) {
    if (device_id.empty() || device_id.size() > k_name_bytes) {
        return error(errors::AgentCode::config_bad_value,
                     "device.id must have 1 to 64 bytes to be the name in a certificate");
    }
    std::string out = "CN=";
    for (const char c : device_id) {
        if (static_cast<unsigned char>(c) < 0x20) {
            return error(errors::AgentCode::config_bad_value,
                         "device.id has a control byte, which no certificate can hold");
        }
        out.append(std::string_view(",\\#+<>;\"= ").find(c) == std::string_view::npos ? "" : "\\").append(1, c);
    }
    return out;
}

struct Request {
    Request() { mbedtls_x509write_csr_init(&csr); }
    ~Request() { mbedtls_x509write_csr_free(&csr); }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    mbedtls_x509write_csr csr;
};

}  // namespace

Result<std::string> make_device_key() {
    Generator generator = TRY(Generator::create());
    Pk key;
    int code = mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (code == 0) {
        code = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key.get()), Generator::next, &generator);
    }
    Pem pem{};
    if (code == 0) {
        code = mbedtls_pk_write_key_pem(key.get(), pem.data(), pem.size());
    }
    const std::string out = text_of(pem);
    // The key must not stay behind on the stack.
    pem.fill(0);
    return code == 0 ? Result<std::string>(out) : cannot("the key cannot be made", code);
}

Result<Enrolment> request_certificate(std::string_view private_key, std::string_view device_id) {
    const std::string name = TRY(common_name(device_id));
    const Pk key = TRY(parse_private_key(private_key));
    Generator generator = TRY(Generator::create());
    Request request;
    mbedtls_x509write_csr_set_md_alg(&request.csr, MBEDTLS_MD_SHA256);
    mbedtls_x509write_csr_set_key(&request.csr, key.get());
    if (const int code = mbedtls_x509write_csr_set_subject_name(&request.csr, name.c_str()); code != 0) {
        return error(errors::AgentCode::config_bad_value, "device.id cannot be the name in a certificate");
    }
    Pem pem{};
    if (const int code = mbedtls_x509write_csr_pem(&request.csr, pem.data(), pem.size(), Generator::next, &generator);
        code != 0) {
        return cannot("the request cannot be written", code);
    }
    return Enrolment{text_of(pem), TRY(fingerprint_of(key))};
}

}  // namespace hagent::trust
