// SPDX-License-Identifier: Apache-2.0
// Owns the package of a session as its source gives it: the manifest, its files, and how each gets here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/session/context.h"
#include "agent/trust/manifest.h"
#include "agent/work/package.h"

namespace hagent::session {

/// One session's package. Used on the session's thread only; context and record are borrowed.
class Origin : public work::PackageFiles {
public:
    /// Selection: finds the package of the record's job and believes nothing in it before its signature is checked, if
    /// its source has one. Fills in package, version, serial and signer of the record, and its kind where the manifest
    /// tells it. A package that has begun to change the device (`executing`) has been accepted: it is not too old by
    /// what came after it. Errors: rows of the 1300s and 1400s, and of the protocol that failed; `cancelled` also when
    /// the job has to be offered again first.
    [[nodiscard]] static Result<std::unique_ptr<Origin>> select(Context& context, SessionRecord& record, bool executing,
                                                                const CancelToken& cancel);

    [[nodiscard]] const trust::Manifest& manifest() const { return manifest_; }
    /// Whether the sizes of its files are not known yet, because nobody has listed them: measure() then fetches them.
    /// What analysis objects to before that needs no download.
    [[nodiscard]] virtual bool unmeasured() const { return false; }
    [[nodiscard]] virtual Status measure(const CancelToken& /*cancel*/) { return {}; }
    /// The text of the manifest's entry, at most k_script_bytes. Errors: those of platform::Files.
    [[nodiscard]] virtual Result<std::string> entry_text() = 0;
    /// Sees to it that staged() has the file, downloads it if need be; found complete from before costs nothing.
    /// Updates the record as it goes.
    /// Errors: file_not_listed, no_source, digest_mismatch, those of transfer::download; the file's name is in the
    /// context.
    [[nodiscard]] virtual Status stage(const work::PackageFile& file, const CancelToken& cancel) = 0;

    /// Nothing more is read with read_range(); for what is shown of it.
    virtual void streams_ended(bool /*success*/) {}

    [[nodiscard]] const std::vector<work::PackageFile>& files() const override { return files_; }

protected:
    Origin(Context& context, SessionRecord& record) : context_(context), record_(record) {}
    /// The part of select() that differs: fills in manifest_ and the signer of the record.
    [[nodiscard]] virtual Status open(const CancelToken& cancel) = 0;
    /// The files are those of manifest_ from now on.
    void take_files();
    /// The file needs no transfer: it counts as come.
    void count_as_staged(const work::PackageFile& file);

    Context& context_;
    SessionRecord& record_;
    trust::Manifest manifest_;

private:
    std::vector<work::PackageFile> files_;
};

}  // namespace hagent::session
