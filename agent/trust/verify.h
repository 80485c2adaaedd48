// SPDX-License-Identifier: Apache-2.0
// Owns the check of a whole package folder: signature, then every listed file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/trust/key_ring.h"
#include "platform/files.h"

namespace hagent::trust {

/// A package of which every listed file is the one that was signed.
struct VerifiedPackage {
    Manifest manifest;
    Signer signer;
    std::vector<std::string> unlisted;  // files in the folder that the manifest does not name: never used, worth a word
};

/// Reads manifest.json and manifest.sig of the folder and checks the signature; files are not looked at.
/// Errors: manifest_missing, signature_missing, those of open_manifest().
[[nodiscard]] Result<SignedManifest> read_manifest(platform::Files& files, const std::string& directory,
                                                   const KeyRing& keys);

/// read_manifest(), then size and SHA-256 of every file. Errors also: file_not_found, size_mismatch, digest_mismatch.
[[nodiscard]] Result<VerifiedPackage> verify_package(platform::Files& files, const std::string& directory,
                                                     const KeyRing& keys);

/// Size and SHA-256 of a file, read as a stream.
struct FileDigest {
    std::uint64_t bytes = 0;
    std::string sha256;
};
[[nodiscard]] Result<FileDigest> digest_file(platform::Files& files, const std::string& path);

}  // namespace hagent::trust
