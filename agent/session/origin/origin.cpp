// SPDX-License-Identifier: Apache-2.0
#include "agent/session/origin/origin.h"

#include "agent/session/origin/local_folder.h"
#include "agent/session/origin/signed_package.h"
#include "agent/session/origin/wire_script.h"

namespace hagent::session {
namespace {

std::unique_ptr<Origin> origin_for(Context& context, SessionRecord& record, bool executing) {
    if (std::holds_alternative<WireScript>(record.job.source)) {
        return std::make_unique<WireScriptOrigin>(context, record);
    }
    if (std::holds_alternative<LocalFolder>(record.job.source)) {
        return std::make_unique<LocalFolderOrigin>(context, record);
    }
    return std::make_unique<SignedPackageOrigin>(context, record, executing);
}

}  // namespace

Result<std::unique_ptr<Origin>> Origin::select(Context& context, SessionRecord& record, bool executing,
                                               const CancelToken& cancel) {
    auto origin = origin_for(context, record, executing);
    TRY(origin->open(cancel));
    const trust::Manifest& manifest = origin->manifest_;
    record.package = manifest.package;
    record.version = manifest.version;
    record.serial = manifest.serial;
    origin->take_files();
    return origin;
}

void Origin::take_files() {
    files_.clear();
    for (const auto& file : manifest_.files) {
        files_.push_back({file.path, file.bytes, file.sha256});
    }
}

void Origin::count_as_staged(const work::PackageFile& file) {
    record_.progress.bytes += file.bytes;
    context_.observer.changed(record_);
}

}  // namespace hagent::session
