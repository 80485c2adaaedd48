// SPDX-License-Identifier: Apache-2.0
// Owns what is wrong with the state directory while the agent runs: damage that was found, and why nothing can be
// written there.
#pragma once

#include <string>
#include <vector>

#include "agent/manager/report_queue.h"
#include "agent/services.h"
#include "agent/session/context.h"
#include "agent/session/parking.h"

namespace hagent {

/// Used on the loop's thread. What it is made of is borrowed.
class StateHealth {
public:
    /// `damage`: what damage_of() said before the first file of the state was opened.
    StateHealth(AgentServices& services, manager::ReportQueue& queue, const session::Parking& parking,
                std::vector<std::string> damage);

    /// Damaged journals get their end, and what the sessions remember goes to the queue before anybody asks it whether
    /// a job has ended. Everything that is or was wrong is in the log then.
    void mend(session::Context& context);

    [[nodiscard]] const std::vector<std::string>& damage() const { return damage_; }
    /// Why no job can be done now; empty when all is well.
    [[nodiscard]] std::string problem() const;
    /// For the manager: the worst only, in a few words.
    [[nodiscard]] std::string summary() const;

private:
    AgentServices& services_;
    manager::ReportQueue& queue_;
    const session::Parking& parking_;
    std::vector<std::string> damage_;
};

}  // namespace hagent
