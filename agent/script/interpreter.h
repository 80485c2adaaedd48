// SPDX-License-Identifier: Apache-2.0
// Owns what the steps of a script do; in which order, and what a restart finds, is the runner's business.
#pragma once

#include <vector>

#include "agent/base/cancel.h"
#include "agent/script/analysis.h"
#include "agent/work/runner.h"

namespace hagent::script {

using work::Ended;
using work::Outcome;
using work::Services;
using work::StepJournal;
using work::StepObserver;

/// Runs a plan without ERROR (anything else is a bug in the caller), as work::run_steps() does.
/// Errors: those of the journal only; what a step meets is in the outcome. The user whom LU kept out is let in again
/// however the run ends, unless a restart follows.
[[nodiscard]] Result<Outcome> run(const Plan& plan, PackageFiles& package, const Services& services,
                                  StepJournal& journal, StepObserver& observer, const std::vector<StepRecord>& earlier,
                                  const CancelToken& cancel);

}  // namespace hagent::script
