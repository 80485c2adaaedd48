// SPDX-License-Identifier: Apache-2.0
// Owns Pk, an mbedTLS key as a move-only value. Private to this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/result.h"

struct mbedtls_pk_context;

namespace hagent::trust {

/// Always holds a context; one that nothing was parsed into is empty.
class Pk {
public:
    Pk();
    Pk(Pk&&) noexcept = default;
    Pk& operator=(Pk&&) noexcept = default;

    /// The library's functions take non-const pointers even where they only read.
    [[nodiscard]] mbedtls_pk_context* get() const { return key_.get(); }

private:
    struct Free {
        void operator()(mbedtls_pk_context* key) const;
    };
    std::unique_ptr<mbedtls_pk_context, Free> key_;
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
