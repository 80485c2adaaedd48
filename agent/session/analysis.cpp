// SPDX-License-Identifier: Apache-2.0
// Owns the way from a package to the work in it, and the look at a job that changes nothing.
#include "agent/session/analysis.h"

#include <algorithm>
#include <utility>

#include "agent/base/check.h"
#include "agent/base/concat.h"
#include "agent/session/session.h"

namespace hagent::session {

using errors::AgentCode;

work::Services services_of(const Context& context, work::Uploads* uploads, std::string scratch_dir) {
    return {context.files,
            context.processes,
            context.host,
            context.clock,
            context.disks,
            context.settings,
            work::facts_from(context.host.facts(), context.settings.os_codes, context.settings.image_version),
            uploads,
            context.registry,
            context.dialogs,
            std::move(scratch_dir),
            context.devices,
            context.log_lines,
            context.restarts};
}

Status has_kind(const Context& context, const Job& job) {
    return context.kinds.find(job.kind) != nullptr
               ? Status()
               : Status(error(AgentCode::job_unsupported, concat({"kind '", to_string(job.kind), "'"})));
}

std::unique_ptr<work::Work> work_of(Context& context, const Job& job, Origin& origin, Uploads& uploads,
                                    std::span<const work::StepRecord> earlier) {
    const auto services = services_of(context, uploads.possible() ? &uploads : nullptr, {});
    const work::Kind* kind = context.kinds.find(job.kind);
    check(kind != nullptr);
    const bool reads = kind->reads_entry() && !origin.manifest().entry.empty();
    auto entry = reads ? origin.entry_text() : Result<std::string>(std::string());
    return kind->analyse({origin.manifest(), origin, std::move(entry), job.options, job.relocation, earlier, services});
}

Status stage_for_analysis(Context& context, const Job& job, Origin& origin, const CancelToken& cancel) {
    for (const auto& path : context.kinds.find(job.kind)->files_for_analysis(origin.manifest())) {
        const auto& files = origin.files();
        const auto listed =
            std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.path == path; });
        if (listed != files.end()) {
            TRY(origin.stage(*listed, cancel));
        }
    }
    return {};
}

namespace {

Result<Preview> preview_of(Context& context, SessionRecord& record, const CancelToken& cancel) {
    const auto origin = TRY(Origin::select(context, record, false, cancel));
    TRY(has_kind(context, record.job));
    TRY(stage_for_analysis(context, record.job, *origin, cancel));
    Uploads uploads(context, record, origin->manifest());
    const auto work = work_of(context, record.job, *origin, uploads, {});
    return Preview{work->plan().results, work->plan_json(), work->plan_text()};
}

}  // namespace

/// A remote package needs a place for its manifest and its entry; it goes again, also after an error. What a look that
/// was killed has left there is nobody's: it goes first. A local folder is read where it lies, so that looking at it
/// writes nothing.
Result<Preview> dry_run(Context& context, SessionRecord& record, const CancelToken& cancel) {
    const auto& paths = context.settings.state;
    const bool remote = !std::holds_alternative<LocalFolder>(record.job.source);
    TRY(has_kind(context, record.job));
    if (remote) {
        TRY(context.store.drop_downloads(record.id));
        TRY(context.files.remove_tree(paths.session(record.id)));
        TRY(context.files.make_directories(paths.package(record.id), 0700));
    }
    auto preview = preview_of(context, record, cancel);
    if (remote) {
        TRY(context.store.drop_downloads(record.id));
        TRY(context.files.remove_tree(paths.session(record.id)));
    }
    return preview;
}

}  // namespace hagent::session
