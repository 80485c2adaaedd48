// SPDX-License-Identifier: Apache-2.0
#include "agent/state_health.h"

#include <utility>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/job_guard.h"
#include "agent/session/engine.h"
#include "agent/session/reserve.h"

namespace hagent {
namespace {

constexpr std::size_t k_summary_bytes = 200;  // of an attribute that the manager is told

}  // namespace

StateHealth::StateHealth(AgentServices& services, manager::ReportQueue& queue, const session::Parking& parking,
                         std::vector<std::string> damage)
    : services_(services), queue_(queue), parking_(parking), damage_(std::move(damage)) {}

void StateHealth::mend(session::Context& context) {
    auto& log = services_.log;
    for (const auto& line : damage_) {
        log.warning("agent", "the agent's memory is or was damaged", {{"where", line}});
    }
    const bool damaged = !session::mend_sessions(context).empty();
    auto memory = context.store.memory();
    if (memory.ok()) {
        forget_released(parking_, *memory);
    }
    if (const auto recovered = memory.ok() ? queue_.recover(*memory, damaged) : Status(memory.error());
        !recovered.ok()) {
        log.error("agent", "what is known of jobs cannot be compared with the sessions",
                  {{"where", recovered.error().context}});
    }
    for (const auto& line : queue_.damage()) {
        log.warning("agent", "the reports are damaged", {{"where", line}});
    }
    damage_.insert(damage_.end(), queue_.damage().begin(), queue_.damage().end());
    if (const auto now = services_.time.now(services_.machine.clock.wall(), true); !now.ok()) {
        log.error("agent", "nothing that expires is taken: the newest trusted time cannot be read",
                  {{"where", now.error().context}});
    } else if (!now->floor_note.empty()) {
        log.warning("agent", "the clock is late", {{"where", now->floor_note}});
    }
    if (const auto why = problem(); !why.empty()) {
        log.error("agent", "no job can be done: the state directory cannot be written", {{"where", why}});
    }
    session::keep_reserve(context);
}

std::string StateHealth::problem() const {
    const auto why = services_.state_problem ? services_.state_problem : queue_.unwritable();
    return why ? concat({errors::describe(why->id).cause.text(), " [", why->context, "]"}) : std::string();
}

std::string StateHealth::summary() const {
    const std::string why = problem();
    return std::string(clip(!why.empty() || damage_.empty() ? why : damage_.back(), k_summary_bytes));
}

}  // namespace hagent
