// SPDX-License-Identifier: Apache-2.0
// Owns signing: a folder becomes a package with manifest.json and manifest.sig.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/trust/manifest.h"
#include "platform/files.h"

namespace hagent::trust {

/// A detached signature over SHA-256 of `bytes`, as `openssl dgst -sha256 -sign` writes it: DER for EC keys, PKCS#1
/// v1.5 for RSA. `key_pem` is an unencrypted private key (PKCS#8, SEC1 or PKCS#1). Errors: key_unreadable, internal.
[[nodiscard]] Result<std::string> sign(std::string_view bytes, std::string_view key_pem);

/// Fingerprint (see Signer) of a private or public key. Errors: key_unreadable.
[[nodiscard]] Result<std::string> fingerprint(std::string_view key_pem);

/// `request` with `files` filled from the folder: every regular file below it, in the order of paths, with size and
/// digest, read as a stream; `sources` given in the request for a path are kept. manifest.json and manifest.sig are
/// left out, for an image also image.json. Errors: manifest_malformed (a name that valid_path() refuses, a symlink or
/// device, an entry that is not there, no files, too many), those of Files.
[[nodiscard]] Result<Manifest> build_manifest(platform::Files& files, const std::string& directory, Manifest request);

/// build_manifest(), sign() and both files written durably; returns what was signed.
[[nodiscard]] Result<Manifest> sign_package(platform::Files& files, const std::string& directory, Manifest request,
                                            std::string_view key_pem);

}  // namespace hagent::trust
