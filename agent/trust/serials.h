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
    /// Reads `path`; absent is empty. A file that cannot be understood is corrupt_journal: nothing is trusted then.
    [[nodiscard]] static Result<Serials> load(platform::Files& files, std::string path);

    /// `fingerprint` is Signer::fingerprint.
    [[nodiscard]] std::optional<std::uint64_t> highest(std::string_view fingerprint, std::string_view package) const;

    /// Remembers an accepted serial durably before anything is done with the package; a lower one changes nothing.
    /// Errors: limit_exceeded (more than k_serials packages), those of Files.
    [[nodiscard]] Status accept(std::string_view fingerprint, std::string_view package, std::uint64_t serial);

    static constexpr std::size_t k_serials = 10000;

private:
    using Key = std::pair<std::string, std::string>;  // fingerprint, package
    Serials(platform::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}

    platform::Files* files_;  // borrowed, never null
    std::string path_;
    std::map<Key, std::uint64_t> highest_;
};

}  // namespace hagent::trust
