// SPDX-License-Identifier: Apache-2.0
// Owns packages with a signed manifest: nothing in one is believed before its signature was checked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/limits.h"
#include "agent/session/origin/staged_origin.h"
#include "agent/session/transfer_watch.h"
#include "agent/transfer/range_reader.h"
#include "agent/trust/key_ring.h"

namespace hagent::session {

/// Where a file of the manifest can be fetched, in order: its own sources, the repositories, beside the manifest
/// (spec 11). Credentials in them are kept; show them with transfer::shown only.
/// At most k_sources; none when neither manifest nor manager name a place.
[[nodiscard]] std::vector<transfer::Source> sources_of(const trust::ManifestFile& file, const trust::Manifest& manifest,
                                                       const SignedPackage& package);

class SignedPackageOrigin final : public StagedOrigin {
public:
    SignedPackageOrigin(Context& context, SessionRecord& record, bool executing)
        : StagedOrigin(context, record),
          begun_with_(record.package_sha256),
          accepted_(executing && !begun_with_.empty()) {}

    [[nodiscard]] Status stage(const work::PackageFile& file, const CancelToken& cancel) override;
    [[nodiscard]] Status read_range(const std::string& path, std::uint64_t offset, std::uint64_t bytes,
                                    work::RangeSink& sink, bool avoid_last_source, const CancelToken& cancel) override;
    void streams_ended(bool success) override;
    [[nodiscard]] Result<std::string> signed_text(std::string_view name) override {
        return context_.files.read(kept(name), limits::k_manifest_bytes);
    }

private:
    /// A file of which parts are read.
    struct Stream {
        transfer::RangeReader reader;
        StreamWatch watch;
    };
    [[nodiscard]] Result<Stream*> stream_of(const std::string& path);
    /// Manifest and signature are fetched (or found from before) and verified, with targets, expiry and serial of the
    /// package; then the entry is fetched.
    [[nodiscard]] Status open(const CancelToken& cancel) override;
    /// Errors: those of small_file() and of trust::open_manifest().
    [[nodiscard]] Result<trust::SignedManifest> read_manifest(const CancelToken& cancel);
    /// Lower-case hex.
    [[nodiscard]] std::string wanted_digest(const std::string& name) const;
    /// Found from before only when it is what is wanted. Errors: manifest_missing, signature_missing, limit_exceeded
    /// (`limit` in bytes), those of the download.
    [[nodiscard]] Result<std::string> small_file(const std::string& name, std::size_t limit, const CancelToken& cancel);
    [[nodiscard]] Status check_for_this_device(const trust::Signer& signer);
    /// The administrator who names a script at the command line means that one.
    [[nodiscard]] Status check_named_script() const;
    [[nodiscard]] Status fetch_entry(const CancelToken& cancel);
    [[nodiscard]] const SignedPackage& source() const { return std::get<SignedPackage>(record_.job.source); }

    std::string begun_with_;  // of the manifest that an earlier life accepted; empty: none has
    bool accepted_;           // and has begun to change the device with it
    std::map<std::string, std::unique_ptr<Stream>> streams_;  // by path
};

}  // namespace hagent::session
