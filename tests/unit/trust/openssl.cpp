// SPDX-License-Identifier: Apache-2.0
// Owns running the openssl program.
#include "tests/unit/trust/openssl.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "agent/trust/random.h"

namespace hagent::trust {

OpenSsl::OpenSsl() {
    const auto name = Random::create().value().hex(8).value();
    folder_ = (std::filesystem::temp_directory_path() / ("hagent-trust-" + name)).string();
    REQUIRE(std::filesystem::create_directory(folder_));
}

OpenSsl::~OpenSsl() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

bool OpenSsl::here() {
    const bool found = std::system("openssl version > /dev/null 2>&1") == 0;
    if (!found) {
        MESSAGE("there is no openssl program here; this test needs it");
    }
    return found;
}

bool OpenSsl::run(const std::string& arguments) const {
    return std::system(("cd '" + folder_ + "' && openssl " + arguments + " > /dev/null 2>&1").c_str()) == 0;
}

void OpenSsl::put(const std::string& name, std::string_view bytes) const {
    std::ofstream out(folder_ + "/" + name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(out.good());
}

std::string OpenSsl::get(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name, std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

void OpenSsl::make_key(const std::string& name, std::string_view sort) const {
    const std::map<std::string_view, std::string> options = {
        {"ec", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"},
        {"p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"},
        {"rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"},
        {"rsa3072", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072"},
        {"rsa1024", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024"},
        {"k1", "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1"},
        {"ed25519", "-algorithm ED25519"}};
    REQUIRE(run("genpkey " + options.at(sort) + " -out " + name + ".key"));
    REQUIRE(run("pkey -in " + name + ".key -pubout -out " + name + ".pem"));
}

}  // namespace hagent::trust
