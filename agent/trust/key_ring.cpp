// SPDX-License-Identifier: Apache-2.0
// Owns loading the trusted keys and finding the one that made a signature.
#include "agent/trust/key_ring.h"

#include <algorithm>

#include <mbedtls/pk.h>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"
#include "agent/trust/public_key.h"
#include "platform/permissions.h"

namespace hagent::trust {

struct KeyRing::Key {
    Signer signer;
    Pk key;
    std::vector<Role> roles;  // empty: all

    [[nodiscard]] bool has(Role role) const {
        return roles.empty() || std::find(roles.begin(), roles.end(), role) != roles.end();
    }
};

namespace {

using errors::AgentCode;

constexpr std::string_view k_key_suffix = ".pem";
constexpr std::size_t k_roles_bytes = 1024;
constexpr std::string_view k_jobs_role = "jobs";  // the others are called as the kinds of packages

std::optional<Role> role_named(std::string_view word) {
    const auto kind = package_kind(word);
    return kind ? std::optional(role_of(*kind)) : word == k_jobs_role ? std::optional(Role::jobs) : std::nullopt;
}

std::string what_it_signs(Role role) {
    return role == Role::jobs ? "job lists: its .roles file lacks 'jobs'"
                              : concat({package_kind_name(static_cast<JobKind>(role)), " packages"});
}

/// By PKCS#1 v1.5 or ECDSA first, which is what openssl writes; PSS is tried for RSA keys only.
bool verifies(const Pk& key, const std::array<std::uint8_t, 32>& digest, std::string_view signature) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(signature.data());
    if (mbedtls_pk_verify(key.get(), MBEDTLS_MD_SHA256, digest.data(), digest.size(), bytes, signature.size()) == 0) {
        return true;
    }
    if (sort_of(key) != Sort::rsa) {
        return false;
    }
    mbedtls_pk_rsassa_pss_options options{};
    options.mgf1_hash_id = MBEDTLS_MD_SHA256;
    options.expected_salt_len = MBEDTLS_RSA_SALT_LEN_ANY;
    return mbedtls_pk_verify_ext(MBEDTLS_PK_RSASSA_PSS, &options, key.get(), MBEDTLS_MD_SHA256, digest.data(),
                                 digest.size(), bytes, signature.size()) == 0;
}

/// What could have made these bytes: EC signatures are a DER sequence with its exact length, RSA ones as long as a key.
std::optional<Sort> sort_of_signature(std::string_view signature) {
    constexpr std::size_t k_der_header = 2, k_shortest = 8, k_longest_short_form = 127;
    if (signature.size() >= k_shortest && signature.size() <= k_der_header + k_longest_short_form &&
        signature[0] == '\x30' && static_cast<unsigned char>(signature[1]) == signature.size() - k_der_header) {
        return Sort::ec;
    }
    const bool whole_key = signature.size() >= 256 && signature.size() <= 1024 && signature.size() % 64 == 0;
    return whole_key ? std::optional(Sort::rsa) : std::nullopt;
}

/// Whoever can change a trusted key, or put another in its place, decides what is trusted.
Status check_closed(platform::Files& files, const std::string& path, std::string_view what) {
    const auto weak = TRY(platform::weak_place(files, path));
    if (!weak) {
        return {};
    }
    return error(AgentCode::config_insecure_permissions,
                 {(weak->path == path ? concat({"others can change the ", what, " "})
                                      : concat({weak->path, " ", weak->remedy, "; it leads to the ", what, " "})),
                  path});
}

/// The content of a regular file that only its owner may change; empty when it is absent.
Result<std::optional<std::string>> read_closed(platform::Files& files, const std::string& path, std::size_t limit) {
    const std::string real = TRY(files.resolve(path));
    if (!TRY(files.info(real))) {
        return std::optional<std::string>();
    }
    TRY(check_closed(files, path, "trusted key"));
    return std::optional(TRY(files.read(real, limit)));
}

/// An empty file would mean "all" as an absent one does, though its author wanted to restrict: it is refused.
Result<std::vector<Role>> parse_roles(const std::string& text, const std::string& path) {
    std::vector<Role> roles;
    for (const auto word : words(text)) {
        const auto role = role_named(word);
        if (!role) {
            return error(AgentCode::key_unreadable, {path, ": unknown role ", printable(clip(word, 32))});
        }
        roles.push_back(*role);
    }
    if (roles.empty()) {
        return error(AgentCode::key_unreadable, {path, ": names no role; remove the file to allow all"});
    }
    return roles;
}

}  // namespace

KeyRing::KeyRing() = default;
KeyRing::KeyRing(KeyRing&&) noexcept = default;
KeyRing& KeyRing::operator=(KeyRing&&) noexcept = default;
KeyRing::~KeyRing() = default;

Result<KeyRing> KeyRing::load(platform::Files& files, const std::string& directory) {
    KeyRing ring;
    const std::string real = TRY(files.resolve(directory));
    if (!TRY(files.info(real))) {
        return ring;
    }
    TRY(check_closed(files, directory, "folder of trusted keys"));
    for (const std::string& file : TRY(files.list(real))) {
        if (!file.ends_with(k_key_suffix) || file.size() == k_key_suffix.size()) {
            continue;
        }
        const auto loaded =
            ring.load_key(files, concat({real, "/", file.substr(0, file.size() - k_key_suffix.size())}));
        if (!loaded.ok()) {
            ring.left_out_.push_back(loaded.error());
        }
    }
    return ring;
}

/// With its roles: a key whose roles cannot be read could sign more than its owner wants.
Status KeyRing::load_key(platform::Files& files, const std::string& stem) {
    const std::string path = concat({stem, k_key_suffix}), roles_path = concat({stem, ".roles"});
    const auto pem = TRY(read_closed(files, path, limits::k_key_bytes));
    const auto roles = TRY(read_closed(files, roles_path, k_roles_bytes));
    auto added = add(stem.substr(stem.rfind('/') + 1), pem.value_or(""),
                     roles ? TRY(parse_roles(*roles, roles_path)) : std::vector<Role>{});
    return added.ok() ? std::move(added) : Status(std::move(added).failure().with(path));
}

Status KeyRing::add(std::string name, std::string_view pem, std::vector<Role> roles) {
    Pk key = TRY(parse_public_key(pem));
    std::string print = TRY(fingerprint_of(key));
    keys_.push_back(std::make_unique<Key>(Key{{std::move(name), std::move(print)}, std::move(key), std::move(roles)}));
    return {};
}

/// More than one where the same key lies there under several names.
std::vector<const KeyRing::Key*> KeyRing::makers(std::string_view bytes, std::string_view signature) const {
    Sha256 sha;
    sha.update(bytes);
    const auto digest = sha.finish();
    std::vector<const Key*> found;
    for (const auto& key : keys_) {
        if (verifies(key->key, digest, signature)) {
            found.push_back(key.get());
        }
    }
    return found;
}

/// A missing role is told apart from an unknown key: the maker is known.
Result<Signer> KeyRing::verify(std::string_view bytes, std::string_view signature, Role role) const {
    const auto found = makers(bytes, signature);
    for (const Key* key : found) {
        if (key->has(role)) {
            return key->signer;
        }
    }
    if (!found.empty()) {
        return error(AgentCode::role_not_allowed, {found.front()->signer.name, " may not sign ", what_it_signs(role)});
    }
    return no_maker(signature, {});
}

Status KeyRing::made_by(std::string_view bytes, std::string_view signature, std::string_view hint) const {
    return makers(bytes, signature).empty() ? Status(no_maker(signature, hint)) : Status();
}

Failure KeyRing::no_maker(std::string_view signature, std::string_view hint) const {
    const auto sort = sort_of_signature(signature);
    const auto any = [this](auto holds) {
        return std::any_of(keys_.begin(), keys_.end(), [&holds](const auto& key) { return holds(*key); });
    };
    const bool sort_here = sort && any([&](const Key& key) { return sort_of(key.key) == *sort; });
    const bool hint_here = hint.empty() || any([&](const Key& key) { return key.signer.fingerprint == hint; });
    if (keys_.empty() || (sort && (!sort_here || !hint_here))) {
        return error(AgentCode::unknown_key, keys_.empty() ? "this device trusts no key" : "");
    }
    return error(AgentCode::signature_invalid, hint.empty() ? "no trusted key made this signature" : "");
}

std::vector<Signer> KeyRing::signers() const {
    std::vector<Signer> out;
    for (const auto& key : keys_) {
        out.push_back(key->signer);
    }
    return out;
}

Result<SignedManifest> open_manifest(const KeyRing& keys, std::string_view manifest, std::string_view signature) {
    if (manifest.size() > limits::k_manifest_bytes || signature.size() > limits::k_signature_bytes) {
        return error(errors::AgentCode::limit_exceeded, "manifest or signature too long");
    }
    if (auto made = keys.made_by(manifest, signature); !made.ok()) {
        // The unverified text is only asked which message fits best.
        const auto claimed = parse_manifest(manifest);
        auto better = keys.made_by(manifest, signature, claimed.ok() ? claimed->signer : std::string());
        return better.ok() ? std::move(made).error() : std::move(better).error();
    }
    Manifest content = TRY(parse_manifest(manifest));
    Signer signer = TRY(keys.verify(manifest, signature, role_of(content.kind)));
    return SignedManifest{std::move(content), std::move(signer)};
}

}  // namespace hagent::trust
