// SPDX-License-Identifier: Apache-2.0
// Owns what a session and a dry run do alike: from the package of a job to its work.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "agent/session/context.h"
#include "agent/session/origin/origin.h"
#include "agent/session/uploads.h"
#include "agent/work/kind.h"

namespace hagent::session {

/// The device as work sees it at this moment.
[[nodiscard]] work::Services services_of(const Context& context, work::Uploads* uploads, std::string scratch_dir);

/// Success when this agent has the job's kind of work. Errors: job_unsupported.
[[nodiscard]] Status has_kind(const Context& context, const Job& job);

/// What the kind reads to make its plan is fetched before, and checked again each time. Errors: those of Origin::stage.
[[nodiscard]] Status stage_for_analysis(Context& context, const Job& job, Origin& origin, const CancelToken& cancel);

/// The pure planner of the job's kind over the facts of this device.
[[nodiscard]] std::unique_ptr<work::Work> work_of(Context& context, const Job& job, Origin& origin, Uploads& uploads,
                                                  std::span<const work::StepRecord> earlier);

}  // namespace hagent::session
