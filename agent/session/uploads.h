// SPDX-License-Identifier: Apache-2.0
// Owns where GF takes files to: the folders that the package itself came from.
#pragma once

#include <string>
#include <vector>

#include "agent/session/context.h"
#include "agent/trust/manifest.h"
#include "agent/work/services.h"

namespace hagent::session {

/// Files go only to where the package came from, and to repositories that its manifest names: a script cannot send
/// files of the device elsewhere. Source: spec 4 (GF).
class Uploads final : public work::Uploads {
public:
    /// All of them are borrowed. An upload is shown among the record's transfers.
    Uploads(Context& context, SessionRecord& record, const trust::Manifest& manifest)
        : context_(context), record_(record), manifest_(manifest) {}

    /// Whether the package has a folder: the administrator's own, a repository of its manifest, the manager's, or the
    /// one of a wire job.
    [[nodiscard]] bool possible() const;

    /// To the administrator's folder with the permissions of the original; else to the first folder that takes it, by
    /// PUT or STOR. The file is found as a resolved path, without following any link. Errors: those of platform::Files
    /// and transfer::upload.
    /// Without any place: no_source.
    [[nodiscard]] Status upload(const std::string& local_path, const std::string& name,
                                const CancelToken& cancel) override;

private:
    [[nodiscard]] Status copy(const std::string& local_path, const std::string& name, const CancelToken& cancel);
    [[nodiscard]] const LocalFolder* folder() const;
    [[nodiscard]] std::vector<std::string> addresses(const std::string& name) const;

    Context& context_;
    SessionRecord& record_;
    const trust::Manifest& manifest_;
};

}  // namespace hagent::session
