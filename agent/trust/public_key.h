// SPDX-License-Identifier: Apache-2.0
// Owns Pk, an mbedTLS key as a move-only value. Private to this folder, as it shows the library's type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <mbedtls/pk.h>

#include "agent/base/result.h"

namespace hagent::trust {

class Pk {
public:
    Pk() { mbedtls_pk_init(&key_); }
    Pk(Pk&& other) noexcept : key_(other.key_) { mbedtls_pk_init(&other.key_); }
    Pk& operator=(Pk&& other) noexcept {
        std::swap(key_, other.key_);
        return *this;
    }
    Pk(const Pk&) = delete;
    Pk& operator=(const Pk&) = delete;
    ~Pk() { mbedtls_pk_free(&key_); }

    /// The library's interface takes non-const pointers even where it only reads.
    [[nodiscard]] mbedtls_pk_context* get() const { return &key_; }

private:
    mutable mbedtls_pk_context key_;
};

enum class Sort : std::uint8_t { ec, rsa };

/// A public key in PEM that is strong enough: P-256 or P-384, RSA of 2048 to 8192 bits. Errors: key_unreadable.
[[nodiscard]] Result<Pk> parse_public_key(std::string_view pem);
/// An unencrypted private key in PEM, as strong. Errors: key_unreadable.
[[nodiscard]] Result<Pk> parse_private_key(std::string_view pem);
/// Only for a key from one of the two above.
[[nodiscard]] Sort sort_of(const Pk& key);
/// SHA-256 of the SubjectPublicKeyInfo, hexadecimal.
[[nodiscard]] Result<std::string> fingerprint_of(const Pk& key);

}  // namespace hagent::trust
