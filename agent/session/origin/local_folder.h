// SPDX-License-Identifier: Apache-2.0
// Owns packages that lie in a folder of the administrator at the command line.
#pragma once

#include "agent/session/origin/origin.h"

namespace hagent::session {

/// The administrator at the command line is trusted for local paths: the folder is taken as it lies there (spec 8).
class LocalFolderOrigin final : public Origin {
public:
    LocalFolderOrigin(Context& context, SessionRecord& record) : Origin(context, record) {}

    [[nodiscard]] Result<std::string> entry_text() override;
    [[nodiscard]] Status stage(const work::PackageFile& file, const CancelToken& cancel) override;
    [[nodiscard]] Result<std::string> staged(const std::string& path) override;
    [[nodiscard]] Status read_range(const std::string& path, std::uint64_t offset, std::uint64_t bytes,
                                    work::RangeSink& sink, bool avoid_last_source, const CancelToken& cancel) override;
    [[nodiscard]] bool has_manifest() const override { return false; }
    [[nodiscard]] bool disposable() const override { return false; }
    [[nodiscard]] std::uint64_t bytes_to_stage(const work::PackageFile& /*file*/) const override { return 0; }

private:
    [[nodiscard]] Status open(const CancelToken& cancel) override;
    [[nodiscard]] Status list(const std::string& below);

    std::string directory_;
};

}  // namespace hagent::session
