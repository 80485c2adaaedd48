// SPDX-License-Identifier: Apache-2.0
#include "agent/session/leave.h"

#include "agent/base/version.h"
#include "agent/session/context.h"
#include "agent/session/parking.h"

namespace hagent::session {
namespace {

bool is_local(const SessionRecord& record) { return record.job.id.starts_with(k_local_job); }

/// What the device runs now of what such a job changes.
std::string runs_now(JobKind kind, const platform::HostFacts& host) {
    switch (kind) {
        case JobKind::image: return host.image_version;
        case JobKind::upgrade: return std::string(agent_version());
        case JobKind::script:
        case JobKind::software: break;
    }
    return {};
}

}  // namespace

Status may_be_begun(Context& context, const SessionRecord& record) {
    if (context.parking != nullptr) {
        TRY(context.parking->admit(record, context.clock.wall()));
    }
    TRY(wait_before(context, record));
    return {};
}

Result<Leave::Wait> wait_before(const Context& context, const SessionRecord& record) {
    return context.leave == nullptr || is_local(record) ? Leave::Wait{}
                                                        : context.leave->wait_of(record.job, record.started);
}

Status note_beginning(Context& context, const SessionRecord& record) {
    if (context.parking == nullptr) {
        return {};
    }
    const auto host = context.host.facts();
    return context.parking->begins(record, runs_now(record.job.kind, host), host.boot_id, context.clock.wall());
}

Status note_end(Context& context, const SessionRecord& record, ReportStage stage, bool executed) {
    return context.parking == nullptr ? Status() : context.parking->ends(record, stage, executed);
}

}  // namespace hagent::session
