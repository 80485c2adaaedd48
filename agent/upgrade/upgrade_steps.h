// SPDX-License-Identifier: Apache-2.0
// Owns the steps of an upgrade: stage, self-test, switch, restart, trial.
#pragma once

#include <string>
#include <vector>

#include "agent/upgrade/choice.h"
#include "agent/work/kind.h"

namespace hagent::upgrade {

/// What analysis has found out.
struct Staging {
    work::PackageFile file;  // of the package
    std::string folder;      // of the new agent: program, manifest, signature
    Program program;
    std::string from;  // version that it takes the place of
};

[[nodiscard]] std::vector<work::StepPlan> steps_of(const Staging& staging);

/// Errors: those of the journal.
[[nodiscard]] Result<work::Outcome> run_upgrade(const Staging& staging, std::span<const work::StepPlan> steps,
                                                work::PackageFiles& package, work::Run& run);

}  // namespace hagent::upgrade
