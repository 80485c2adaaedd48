// SPDX-License-Identifier: Apache-2.0
// Owns Manifest: the signed description of a package, and its JSON form. Source: spec 11 "Packages and signatures".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/job_kind.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::trust {

/// One file of a package, and how its content is recognized.
struct ManifestFile {
    std::string path;  // relative, '/' between the parts: see valid_path()
    std::uint64_t bytes = 0;
    std::string sha256;                // 64 lower-case hexadecimal digits
    std::vector<std::string> sources;  // URLs, looked at before the repositories
    friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

struct Targets {  // an empty list means any
    std::vector<std::string> os;
    std::vector<std::string> platforms;
    std::vector<std::string> devices;
    friend bool operator==(const Targets&, const Targets&) = default;
};

/// A package as its maker described it. Only a value that came from open_manifest() has been checked.
struct Manifest {
    JobKind kind = JobKind::script;
    std::string package;  // name: printable, without '/' and '\\', 1 to 128 bytes
    std::string version;  // printable, without blanks, up to 64
    std::uint64_t serial = 0;
    std::string entry;  // path of one of `files`; empty where the kind allows it (all but script)
    Targets targets;
    std::optional<WallTime> expires;        // whole seconds
    std::vector<std::string> repositories;  // URLs
    std::vector<ManifestFile> files;
    std::string signer;   // fingerprint of the signing key, a hint for messages only; may be empty
    std::string details;  // JSON text of the member that is named like the kind ("image": {...}); empty: absent

    /// The file of that path, or null.
    [[nodiscard]] const ManifestFile* find(std::string_view path) const;
    friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr std::string_view k_manifest_name = "manifest.json";
inline constexpr std::string_view k_signature_name = "manifest.sig";
/// Beside the files of an image until they are signed: what becomes the member `image`, no file of the package.
inline constexpr std::string_view k_image_json_name = "image.json";

/// Strict: format 1, every member of the right type and within limits.h, unknown and repeated members refused, paths
/// unique and none a folder of another. All failures are manifest_malformed with the member's path in the context.
/// Says nothing about the signature.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view json);

/// JSON with two blanks of indentation and a line end; parse_manifest() gives back an equal value.
[[nodiscard]] std::string write_manifest(const Manifest& manifest);

/// Relative, no empty, "." or ".." part, no '\\', ':', '~' (it stands for '/' in hawkBit) or control byte, UTF-8, at
/// most k_path_bytes, not manifest.json or manifest.sig.
[[nodiscard]] bool valid_path(std::string_view path);

}  // namespace hagent::trust
