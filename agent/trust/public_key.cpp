// SPDX-License-Identifier: Apache-2.0
// Owns reading keys and refusing weak ones.
#include "agent/trust/public_key.h"

#include <array>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"
#include "agent/trust/generator.h"

namespace hagent::trust {
namespace {

constexpr std::size_t k_rsa_min_bits = 2048;
constexpr std::size_t k_rsa_max_bits = 8192;

Failure unreadable(std::string_view why, std::int64_t native = 0) {
    return {errors::agent(errors::AgentCode::key_unreadable), native, why};
}

/// NIST SP 800-57 and what verify() is tested with: no small keys, no curves that nobody here has looked at.
Status check_strength(const Pk& key) {
    if (mbedtls_pk_can_do(key.get(), MBEDTLS_PK_ECDSA) != 0) {
        const auto group = mbedtls_pk_ec(*key.get())->MBEDTLS_PRIVATE(grp).id;
        return group == MBEDTLS_ECP_DP_SECP256R1 || group == MBEDTLS_ECP_DP_SECP384R1
                   ? Status()
                   : unreadable("use the curve P-256");
    }
    if (mbedtls_pk_get_type(key.get()) == MBEDTLS_PK_RSA) {
        const std::size_t bits = mbedtls_pk_get_bitlen(key.get());
        return bits >= k_rsa_min_bits && bits <= k_rsa_max_bits ? Status()
                                                                : unreadable("an RSA key must have 2048 to 8192 bits");
    }
    return unreadable("the key is neither EC nor RSA");
}

/// The library wants the terminating zero of PEM text counted.
Result<std::string> bounded(std::string_view pem) {
    if (pem.size() > limits::k_key_bytes) {
        return unreadable("the file is too long for a key");
    }
    if (pem.find("-----BEGIN ") == std::string_view::npos) {
        return unreadable("there is no PEM block");
    }
    return std::string(pem);
}

const unsigned char* bytes_of(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.c_str()); }

}  // namespace

Pk::Pk() : key_(new mbedtls_pk_context) { mbedtls_pk_init(key_.get()); }

void Pk::Free::operator()(mbedtls_pk_context* key) const {
    mbedtls_pk_free(key);
    delete key;
}

Result<Pk> parse_public_key(std::string_view pem) {
    const std::string text = TRY(bounded(pem));
    Pk key;
    if (const int code = mbedtls_pk_parse_public_key(key.get(), bytes_of(text), text.size() + 1); code != 0) {
        return unreadable("not a public key in PEM form", code);
    }
    TRY(check_strength(key));
    return key;
}

Result<Pk> parse_private_key(std::string_view pem) {
    const std::string text = TRY(bounded(pem));
    Generator generator = TRY(Generator::create());
    Pk key;
    if (const int code =
            mbedtls_pk_parse_key(key.get(), bytes_of(text), text.size() + 1, nullptr, 0, Generator::next, &generator);
        code != 0) {
        return unreadable(text.find("ENCRYPTED") != std::string::npos
                              ? "the private key is encrypted; sign with openssl, or decrypt it"
                              : "not a private key in PEM form",
                          code);
    }
    TRY(check_strength(key));
    return key;
}

Sort sort_of(const Pk& key) { return mbedtls_pk_get_type(key.get()) == MBEDTLS_PK_RSA ? Sort::rsa : Sort::ec; }

Result<std::string> fingerprint_of(const Pk& key) {
    std::array<unsigned char, 2048> der{};  // an RSA key of 8192 bits takes about 1060
    const int length = mbedtls_pk_write_pubkey_der(key.get(), der.data(), der.size());
    if (length <= 0) {
        return unreadable("the public key cannot be written", length);
    }
    // The library writes at the end of the buffer.
    const auto size = narrow<std::size_t>(length);
    return sha256_hex({reinterpret_cast<const char*>(der.data()) + der.size() - size, size});
}

}  // namespace hagent::trust
