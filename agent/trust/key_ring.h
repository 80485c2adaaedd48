// SPDX-License-Identifier: Apache-2.0
// Owns KeyRing: the public keys this device trusts, what each may sign, and the check of a detached signature.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/trust/manifest.h"
#include "platform/files.h"

namespace hagent::trust {

/// Who made a good signature.
struct Signer {
    std::string name;         // the key file's name without ".pem"
    std::string fingerprint;  // SHA-256 of the public key (SubjectPublicKeyInfo), 64 hexadecimal digits
    friend bool operator==(const Signer&, const Signer&) = default;
};

/// What a signature is for. The kinds of packages stand in the order of JobKind.
enum class Role : std::uint8_t { script, software, image, agent, jobs };
[[nodiscard]] constexpr Role role_of(JobKind kind) { return static_cast<Role>(kind); }

/// ECDSA on P-256 (or P-384) and RSA of 2048 to 8192 bits, all over SHA-256. RSA signatures may be PKCS#1 v1.5 or PSS.
class KeyRing {
public:
    /// No keys: verifies nothing.
    KeyRing();
    KeyRing(KeyRing&&) noexcept;
    KeyRing& operator=(KeyRing&&) noexcept;
    ~KeyRing();

    /// Every NAME.pem of the directory with its NAME.roles, in the order of names; other files are ignored. A directory
    /// that does not exist gives no keys. A key that cannot be used costs itself alone: left_out() says why. Errors:
    /// config_insecure_permissions (others may change the directory, or put another in its place), those of Files.
    [[nodiscard]] static Result<KeyRing> load(platform::Files& files, const std::string& directory);

    /// Adds one key; roles empty: all. Errors: key_unreadable.
    [[nodiscard]] Status add(std::string name, std::string_view pem, std::vector<Role> roles = {});

    /// Who signed exactly these bytes, and may do so for this role. Errors: role_not_allowed (a trusted key made it but
    /// has not the role), those of made_by().
    [[nodiscard]] Result<Signer> verify(std::string_view bytes, std::string_view signature, Role role) const;
    /// Success when any trusted key made it, whatever its roles: only good for reading on to what the role must be.
    /// Errors: unknown_key (no key, or none of this sort, or `hint` names a key that is not here), signature_invalid
    /// (anything else).
    [[nodiscard]] Status made_by(std::string_view bytes, std::string_view signature, std::string_view hint = {}) const;

    [[nodiscard]] std::vector<Signer> signers() const;
    [[nodiscard]] bool empty() const { return keys_.empty(); }
    /// One for each NAME.pem that load() left out. config_insecure_permissions: others may change it or its NAME.roles,
    /// or what leads there; key_unreadable: not a public key, too weak, a role that does not exist; those of Files.
    [[nodiscard]] const std::vector<Error>& left_out() const { return left_out_; }

private:
    struct Key;
    [[nodiscard]] Status load_key(platform::Files& files, const std::string& stem);
    [[nodiscard]] std::vector<const Key*> makers(std::string_view bytes, std::string_view signature) const;
    [[nodiscard]] Failure no_maker(std::string_view signature, std::string_view hint) const;

    std::vector<Error> left_out_;
    std::vector<std::unique_ptr<Key>> keys_;
};

struct SignedManifest {
    Manifest manifest;
    Signer signer;
};

/// The signature is checked before the content is looked at. Errors: those of verify() and parse_manifest(),
/// limit_exceeded for a manifest or signature that is too long.
[[nodiscard]] Result<SignedManifest> open_manifest(const KeyRing& keys, std::string_view manifest,
                                                   std::string_view signature);

}  // namespace hagent::trust
