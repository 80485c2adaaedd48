// SPDX-License-Identifier: Apache-2.0
// Owns the making of a device's own key and of the request for its certificate (PKCS #10, RFC 2986).
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hagent::trust {

/// A new private key on P-256 in PEM. It never leaves the device.
[[nodiscard]] Result<std::string> make_device_key();

struct Enrolment {
    std::string request;      // PEM, to be signed by the manager's authority; its common name is the device's id
    std::string fingerprint;  // SHA-256 of the public key in DER, hexadecimal: to be compared over another way
};

/// Errors: key_unreadable for a key that is none or too weak, config_bad_value for an id that no certificate can hold.
[[nodiscard]] Result<Enrolment> request_certificate(std::string_view private_key, std::string_view device_id);

}  // namespace hagent::trust
