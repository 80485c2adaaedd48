// SPDX-License-Identifier: Apache-2.0
// Owns what all packages that come over the network share: downloads, and what is kept over a restart.
#pragma once

#include "agent/session/origin/origin.h"
#include "agent/transfer/download.h"

namespace hagent::session {

/// A copy is the agent's own and may be moved into place by its last user.
class StagedOrigin : public Origin {
public:
    /// Errors also: digest_mismatch, when it is not the manifest's any more.
    [[nodiscard]] Result<std::string> entry_text() override;
    [[nodiscard]] Result<std::string> staged(const std::string& path) override;
    [[nodiscard]] bool disposable() const override { return true; }
    [[nodiscard]] std::uint64_t bytes_to_stage(const work::PackageFile& file) const override;

protected:
    StagedOrigin(Context& context, SessionRecord& record) : Origin(context, record) {}

    /// Downloads and shows it under this name; errors name it too.
    [[nodiscard]] Result<transfer::Downloaded> fetch(const transfer::DownloadRequest& request, const std::string& name,
                                                     std::uint64_t bytes, const CancelToken& cancel);
    /// From 1: the place of a file in the manifest. Errors: file_not_listed.
    [[nodiscard]] Result<std::size_t> number_of(const std::string& path) const;
    /// See Store::download_directory.
    [[nodiscard]] std::string download_directory(std::size_t number) const;
    /// Where the session keeps a file of that name with its package: manifest, signature, "entry".
    [[nodiscard]] std::string kept(std::string_view name) const;
    /// In the log: what was kept over a restart has changed since.
    void warn_of_change(std::string_view name, const std::string& where) const;
    /// A copy of the entry that stays when a step moves the staged one into place.
    [[nodiscard]] std::string kept_entry() const { return kept("entry"); }
};

}  // namespace hagent::session
