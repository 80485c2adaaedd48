// SPDX-License-Identifier: Apache-2.0
#include "agent/own_upgrade.h"

#include "agent/base/concat.h"
#include "agent/base/version.h"
#include "agent/errors/catalogue.h"
#include "agent/upgrade/launcher.h"
#include "platform/paths.h"
#include "platform/program_start.h"

namespace hagent {
namespace {

constexpr Millis k_good_life = Seconds{60};  // without a check-in, which may have no network

}  // namespace

OwnUpgrade::OwnUpgrade(AgentServices& services, loop::Loop& loop, manager::Timers& timers)
    : services_(services),
      loop_(loop),
      timers_(timers),
      life_(*services.machine.files, services.machine.clock, *services.machine.host, services.settings.state(),
            upgrade::launcher_of(platform::environment(upgrade::k_launched)), platform::own_program()) {}

void OwnUpgrade::tell(const Status& status, std::string_view what) {
    if (!status.ok()) {
        services_.log.error("upgrade", concat({what, ": ", errors::describe(status.error().id).cause.text()}),
                            {{"where", status.error().context}});
    }
}

void OwnUpgrade::begin() {
    const auto time = life_.trial_time();
    if (!time.ok()) {
        return tell(time.error(), "the record of agents cannot be read");
    }
    on_trial_ = time->has_value();
    if (on_trial_) {
        time_ = (**time).whole;
        services_.log.info("upgrade", "this agent is on trial until a check-in succeeds",
                           {{"version", std::string(agent_version())}, {"seconds", std::to_string(time_.count())}});
        (void)timers_.after((**time).left, [this] { deadline_passed(); });
        return;
    }
    lift_limit();
    (void)timers_.after(k_good_life, [this] {
        lift_limit();
        tell(life_.ended_in_order(), "a good life cannot be noted");
    });
}

/// A trial that cannot be confirmed now goes on: the next check-in tries again.
void OwnUpgrade::checked_in() {
    const auto good = life_.is_good();
    if (!good.ok()) {
        tell(good.error(), "the agent cannot be confirmed");
    } else if (*good) {
        on_trial_ = false;
        lift_limit();
        services_.log.info("upgrade", "this agent is confirmed", {{"version", std::string(agent_version())}});
    } else if (!on_trial_ && !services_.machine.command_line.empty() && life_.is_another_chosen()) {
        services_.log.info("upgrade", "another agent is to run; it is started");
        restart_agent();
    }
}

/// Somebody may have ended the trial by hand.
void OwnUpgrade::lift_limit() {
    if (!life_.is_trial_open()) {
        platform::lift_start_limit();
    }
}

void OwnUpgrade::deadline_passed() {
    if (!on_trial_) {
        return;
    }
    const auto why = concat({"no check-in succeeded within ", std::to_string(time_.count()), " s",
                             failure_.empty() ? "" : "; the last one: ", failure_});
    services_.log.error("upgrade", "this agent is given up: " + why);
    tell(life_.give_up(why), "that cannot be noted");
    restart_agent();
}

void OwnUpgrade::check_in_failed(const Error& error) {
    if (on_trial_) {
        failure_ = concat({errors::describe(error.id).cause.text(), error.context.empty() ? "" : " ", error.context});
    }
}

void OwnUpgrade::ended(bool asked_for) {
    if (asked_for) {
        tell(life_.ended_in_order(), "the end cannot be noted");
    }
}

void OwnUpgrade::restart_agent() {
    restart_ = true;
    loop_.post([this] { loop_.stop(); });
}

}  // namespace hagent
