// SPDX-License-Identifier: Apache-2.0
// Owns Serials: the highest serial accepted so far, per key and package, so that an old package cannot come back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/result.h"
#include "platform/files.h"

namespace hagent::trust {

/// One owner per state directory. Format: FORMAT.md.
class Serials {
public:
    /// Reads `path`; absent is empty. A file of which no copy can be understood is corrupt_journal: nothing is trusted
    /// then. Where one copy can be, both are made good again, and damage() tells.
    [[nodiscard]] static Result<Serials> load(platform::Files& files, std::string path);

    /// `fingerprint` is Signer::fingerprint.
    [[nodiscard]] std::optional<std::uint64_t> highest(std::string_view fingerprint, std::string_view package) const;

    /// Remembers an accepted serial durably before anything is done with the package; a lower one changes nothing.
    /// Errors: limit_exceeded (more than k_serials packages), those of Files.
    [[nodiscard]] Status accept(std::string_view fingerprint, std::string_view package, std::uint64_t serial);

    /// corrupt_journal with the file in its context.
    [[nodiscard]] const std::optional<Error>& damage() const { return damage_; }

    static constexpr std::size_t k_serials = 10000;

private:
    using Key = std::pair<std::string, std::string>;  // fingerprint, package
    Serials(platform::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}

    [[nodiscard]] Status take(std::string_view body);
    [[nodiscard]] static std::string to_text(const std::map<Key, std::uint64_t>& highest);

    platform::Files* files_;  // borrowed, never null
    std::string path_;
    std::optional<Error> damage_;
    std::map<Key, std::uint64_t> highest_;
};

}  // namespace hagent::trust
