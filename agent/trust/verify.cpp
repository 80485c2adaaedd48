// SPDX-License-Identifier: Apache-2.0
// Owns the comparison of a folder with its manifest.
#include "agent/trust/verify.h"

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"

namespace hagent::trust {
namespace {

using errors::AgentCode;
using platform::FileKind;

constexpr std::size_t k_chunk_bytes = 64U << 10U;
constexpr std::size_t k_unlisted = 100;  // enough for a message

/// A missing manifest or signature has a row of its own: the folder is no package.
Result<std::string> read_part(platform::Files& files, const std::string& path, std::size_t limit, AgentCode absent) {
    auto content = files.read(path, limit);
    if (!content.ok() && content.error().is(AgentCode::file_not_found)) {
        return error(absent, path);
    }
    return content;
}

/// Size first: it needs no reading, and it is what differs in most damaged packages.
Status check_file(platform::Files& files, const std::string& directory, const ManifestFile& file) {
    const std::string path = concat({directory, "/", file.path});
    const auto info = TRY(files.info(path));
    if (!info) {
        return error(AgentCode::file_not_found, file.path);
    }
    if (info->kind != FileKind::regular || info->bytes != file.bytes) {
        return error(AgentCode::size_mismatch,
                     {file.path, ": ", std::to_string(info->bytes), " bytes, signed are ", std::to_string(file.bytes)});
    }
    const FileDigest digest = TRY(digest_file(files, path));
    if (digest.bytes != file.bytes || digest.sha256 != file.sha256) {
        return error(AgentCode::digest_mismatch, file.path);
    }
    return {};
}

/// All files below the folder that the manifest does not name, up to a number that a message can hold.
Status find_unlisted(platform::Files& files, const std::string& directory, const std::string& below,
                     const Manifest& manifest, std::vector<std::string>& out) {
    for (const std::string& name : TRY(files.list(directory + (below.empty() ? "" : "/" + below)))) {
        const std::string path = below.empty() ? name : concat({below, "/", name});
        const auto info = TRY(files.info(concat({directory, "/", path})));
        if (info && info->kind == FileKind::directory && path.size() < limits::k_path_bytes) {
            TRY(find_unlisted(files, directory, path, manifest, out));
        } else if (path != k_manifest_name && path != k_signature_name && manifest.find(path) == nullptr &&
                   out.size() < k_unlisted) {
            out.push_back(path);
        }
    }
    return {};
}

}  // namespace

Result<FileDigest> digest_file(platform::Files& files, const std::string& path) {
    const auto file = TRY(files.open(path, platform::OpenMode::read));
    std::vector<char> chunk(k_chunk_bytes);
    Sha256 sha;
    for (;;) {
        const std::size_t got = TRY(file->read_at(sha.bytes(), chunk));
        if (got == 0) {
            return FileDigest{sha.bytes(), to_hex(sha.finish())};
        }
        sha.update({chunk.data(), got});
    }
}

Result<SignedManifest> read_manifest(platform::Files& files, const std::string& directory, const KeyRing& keys) {
    const std::string manifest = TRY(read_part(files, concat({directory, "/", k_manifest_name}),
                                               limits::k_manifest_bytes, AgentCode::manifest_missing));
    const std::string signature = TRY(read_part(files, concat({directory, "/", k_signature_name}),
                                                limits::k_signature_bytes, AgentCode::signature_missing));
    return open_manifest(keys, manifest, signature);
}

Result<VerifiedPackage> verify_package(platform::Files& files, const std::string& directory, const KeyRing& keys) {
    SignedManifest opened = TRY(read_manifest(files, directory, keys));
    for (const ManifestFile& file : opened.manifest.files) {
        TRY(check_file(files, directory, file));
    }
    VerifiedPackage package{std::move(opened.manifest), std::move(opened.signer), {}};
    TRY(find_unlisted(files, directory, "", package.manifest, package.unlisted));
    return package;
}

}  // namespace hagent::trust
