// SPDX-License-Identifier: Apache-2.0
// Owns making signatures, and the walk over a folder that becomes a package.
#include "agent/trust/sign.h"

#include <algorithm>
#include <array>
#include <map>

#include <mbedtls/pk.h>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/sort.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"
#include "agent/trust/generator.h"
#include "agent/trust/public_key.h"
#include "agent/trust/verify.h"

namespace hagent::trust {
namespace {

using errors::AgentCode;
using platform::FileKind;

Status collect(platform::Files& files, const std::string& root, const std::string& below,
               std::vector<std::string>& out) {
    for (const std::string& name : TRY(files.list(root + (below.empty() ? "" : "/" + below)))) {
        const std::string path = below.empty() ? name : concat({below, "/", name});
        if (path == k_manifest_name || path == k_signature_name) {
            continue;
        }
        if (!valid_path(path)) {
            return error(AgentCode::manifest_malformed,
                         {printable(clip(path, 256)), ": a package cannot hold this name"});
        }
        const auto info = TRY(files.info(concat({root, "/", path})));
        if (info && info->kind == FileKind::directory) {
            TRY(collect(files, root, path, out));
        } else if (info && info->kind == FileKind::regular) {
            out.push_back(path);
        } else if (info) {
            return error(AgentCode::manifest_malformed, {path, ": only files and folders can be signed"});
        }
        if (out.size() > limits::k_manifest_files) {
            return error(AgentCode::limit_exceeded, {"more than ", std::to_string(limits::k_manifest_files), " files"});
        }
    }
    return {};
}

}  // namespace

Result<std::string> sign(std::string_view bytes, std::string_view key_pem) {
    const Pk key = TRY(parse_private_key(key_pem));
    Generator generator = TRY(Generator::create());
    Sha256 sha;
    sha.update(bytes);
    const auto digest = sha.finish();
    std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> out{};
    std::size_t length = 0;
    if (const int code = mbedtls_pk_sign(key.get(), MBEDTLS_MD_SHA256, digest.data(), digest.size(), out.data(),
                                         out.size(), &length, Generator::next, &generator);
        code != 0) {
        return Failure{errors::agent(AgentCode::internal), code, "signing"};
    }
    return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(length));
}

Result<std::string> fingerprint(std::string_view key_pem) {
    if (const auto key = parse_public_key(key_pem); key.ok()) {
        return fingerprint_of(*key);
    }
    return fingerprint_of(TRY(parse_private_key(key_pem)));
}

// Signing reads the package with the rules of those who will read it: what passes here passes there.
Result<Manifest> build_manifest(platform::Files& files, const std::string& directory, Manifest request) {
    std::vector<std::string> paths;
    TRY(collect(files, directory, "", paths));
    if (request.kind == JobKind::image) {
        std::erase(paths, k_image_json_name);
    }
    sort_all(paths);
    std::map<std::string, std::vector<std::string>> sources;
    for (ManifestFile& file : request.files) {
        sources[file.path] = std::move(file.sources);
    }
    request.files.clear();
    for (const std::string& path : paths) {
        FileDigest digest = TRY(digest_file(files, concat({directory, "/", path})));
        request.files.push_back({path, digest.bytes, std::move(digest.sha256), std::move(sources[path])});
    }
    // One rule for what is well-formed: what is written here must be readable there.
    return parse_manifest(write_manifest(request));
}

Result<Manifest> sign_package(platform::Files& files, const std::string& directory, Manifest request,
                              std::string_view key_pem) {
    constexpr std::uint32_t k_mode = 0644;
    request.signer = TRY(fingerprint_of(TRY(parse_private_key(key_pem))));
    Manifest manifest = TRY(build_manifest(files, directory, std::move(request)));
    const std::string bytes = write_manifest(manifest);
    const std::string signature = TRY(sign(bytes, key_pem));
    TRY(files.write_durable(concat({directory, "/", k_manifest_name}), bytes, k_mode));
    TRY(files.write_durable(concat({directory, "/", k_signature_name}), signature, k_mode));
    return manifest;
}

}  // namespace hagent::trust
