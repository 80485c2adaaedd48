// SPDX-License-Identifier: Apache-2.0
// Owns the registry of a system without one: one registry file that is replaced as a whole. Format: FORMAT.md.
#pragma once

#include <map>
#include <string>

#include "platform/files.h"
#include "platform/registry.h"

namespace hagent::script {

/// Promises as platform::Registry; apply() is stricter. Each call reads the file anew: it is small, and nobody has to
/// ask whether memory and disk still agree. Errors: io_error for a file that is damaged, those of platform::Files.
class KeyStore final : public platform::Registry {
public:
    /// `file` need not be there yet. One process at a time may change it.
    KeyStore(platform::Files& files, std::string file) : files_(files), file_(std::move(file)) {}

    [[nodiscard]] Result<std::optional<platform::RegistryValue>> value(const std::string& key,
                                                                       const std::string& name) override;
    [[nodiscard]] Result<std::vector<platform::RegistryKeyContent>> branch(const std::string& key) override;
    /// All of them or none, also when the power fails. Errors: file_too_large beyond limits::k_key_store_bytes.
    [[nodiscard]] Status apply(const std::vector<platform::RegistryChange>& changes) override;

private:
    struct Key {
        std::string spelling;
        std::map<std::string, std::pair<std::string, platform::RegistryValue>> values;  // by lower-case name
    };
    using Keys = std::map<std::string, Key>;  // by lower-case key

    [[nodiscard]] Result<Keys> load() const;
    /// Those at and below `top`, each before those in it; empty: all.
    [[nodiscard]] static std::vector<platform::RegistryKeyContent> listed(const Keys& keys, const std::string& top);
    static void change(Keys& keys, const platform::RegistryChange& change);

    platform::Files& files_;
    std::string file_;
};

}  // namespace hagent::script
