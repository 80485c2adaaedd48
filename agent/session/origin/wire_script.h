// SPDX-License-Identifier: Apache-2.0
// Owns packages of a legacy manager: commands that it sends itself, and files on the servers that it names.
#pragma once

#include "agent/session/origin/staged_origin.h"

namespace hagent::session {

/// Nobody has signed what a legacy manager sends, so there is no manifest. One is made of what its file server gives,
/// once and before the plan: from then on files, digests and restarts are the same as in a signed package.
class WireScriptOrigin final : public StagedOrigin {
public:
    WireScriptOrigin(Context& context, SessionRecord& record) : StagedOrigin(context, record) {}

    [[nodiscard]] bool has_manifest() const override { return false; }
    [[nodiscard]] bool unmeasured() const override { return unmeasured_; }
    [[nodiscard]] Status measure(const CancelToken& cancel) override;
    [[nodiscard]] Status stage(const work::PackageFile& file, const CancelToken& cancel) override;

private:
    [[nodiscard]] Status open(const CancelToken& cancel) override;
    [[nodiscard]] Result<trust::ManifestFile> fetch_file(const std::string& path, std::size_t number,
                                                         const CancelToken& cancel);
    [[nodiscard]] const WireScript& source() const { return std::get<WireScript>(record_.job.source); }

    bool unmeasured_ = false;
};

}  // namespace hagent::session
