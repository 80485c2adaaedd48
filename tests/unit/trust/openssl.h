// SPDX-License-Identifier: Apache-2.0
// Owns OpenSsl: the openssl program as an independent second opinion, in a folder of its own that goes away with it.
#pragma once

#include <string>
#include <string_view>

namespace hagent::trust {

class OpenSsl {
public:
    OpenSsl();
    ~OpenSsl();
    OpenSsl(const OpenSsl&) = delete;
    OpenSsl& operator=(const OpenSsl&) = delete;

    /// Whether there is such a program on this machine; without it the tests that need it say so and end.
    [[nodiscard]] static bool here();

    /// Runs `openssl ARGUMENTS` in the folder; whether it ended with 0.
    [[nodiscard]] bool run(const std::string& arguments) const;
    void put(const std::string& name, std::string_view bytes) const;
    [[nodiscard]] std::string get(const std::string& name) const;

    /// A new key pair NAME.key (private) and NAME.pem (public): "ec" (P-256), "p384", "rsa" (2048), "rsa1024", "k1",
    /// "ed25519".
    void make_key(const std::string& name, std::string_view sort) const;

private:
    std::string folder_;
};

}  // namespace hagent::trust
