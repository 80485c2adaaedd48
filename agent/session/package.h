// SPDX-License-Identifier: Apache-2.0
// Owns the package of a session: its verified manifest, where each file can be had, and the staged copies.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/script/package.h"
#include "agent/session/context.h"
#include "agent/trust/manifest.h"
#include "agent/trust/verify.h"

namespace hagent::session {

/// Where a file of the manifest can be fetched, in order: its own sources, the repositories, beside the manifest
/// (spec 11). Credentials in them are kept; show them with transfer::shown only.
[[nodiscard]] std::vector<transfer::Source> sources_of(const trust::ManifestFile& file, const trust::Manifest& manifest,
                                                       const Job& job);

class Package final : public script::PackageFiles {
public:
    /// Fetches manifest and signature (or finds them from before), verifies both and the package's targets, expiry and
    /// serial; then fetches the entry script. Fills in package, version, serial and signer of the record.
    /// Errors: rows of the 1300s and 1400s, and of the protocol that failed.
    [[nodiscard]] static Result<std::unique_ptr<Package>> select(Context& context, SessionRecord& record,
                                                                 const CancelToken& cancel);

    [[nodiscard]] const trust::Manifest& manifest() const { return manifest_; }
    [[nodiscard]] Result<std::string> entry_script();

    /// Downloads one file into staging; found complete from before costs nothing. Updates the record as it goes.
    [[nodiscard]] Status stage(const script::PackageFile& file, const CancelToken& cancel);

    // script::PackageFiles
    [[nodiscard]] const std::vector<script::PackageFile>& files() const override { return files_; }
    [[nodiscard]] Result<std::string> staged(const std::string& path) override;
    [[nodiscard]] bool disposable() const override { return local_.empty() && record_.job.wire.commands.empty(); }
    [[nodiscard]] std::uint64_t bytes_to_stage(const script::PackageFile& file) const override;

private:
    Package(Context& context, SessionRecord& record) : context_(context), record_(record) {}
    [[nodiscard]] Status select_local();
    [[nodiscard]] Status list_local(const std::string& below);
    [[nodiscard]] Status select_wire(const CancelToken& cancel);
    [[nodiscard]] Result<trust::ManifestFile> fetch_wire_file(const std::string& path, std::size_t number,
                                                              const CancelToken& cancel);
    [[nodiscard]] Status select_remote(const CancelToken& cancel);
    [[nodiscard]] Result<std::string> small_file(const std::string& name, std::size_t limit, const CancelToken& cancel);
    [[nodiscard]] Status check_for_this_device(const trust::Signer& signer);
    [[nodiscard]] Status fetch_entry(const CancelToken& cancel);
    [[nodiscard]] Result<std::size_t> number_of(const std::string& path) const;
    [[nodiscard]] std::string kept_entry() const;
    void list_files();

    Context& context_;
    SessionRecord& record_;
    trust::Manifest manifest_;
    std::string local_;  // folder of an administrator's package, or empty
    std::vector<script::PackageFile> files_;
};

}  // namespace hagent::session
