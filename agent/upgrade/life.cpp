// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/life.h"

#include <algorithm>

#include "agent/base/version.h"
#include "agent/trust/verify.h"

namespace hagent::upgrade {
namespace {

using errors::AgentCode;

bool same_file(platform::Files& files, const std::string& a, const std::string& b) {
    return a == b || files.resolve(a).value_or(a) == files.resolve(b).value_or(b);
}

}  // namespace

Now Life::now() {
    const auto boot = host_.facts().boot_id;
    return {{boot.empty() ? "-" : boot, clock_.since_boot()}, clock_.wall()};
}

std::string Life::launcher_version() const { return launcher_ ? launcher_->version : std::string(agent_version()); }

/// Only what the launcher has started can be on trial: the same program, called by its path, proves nothing.
bool Life::is_mine(const Record& record) const {
    return launcher_ && record.trial && same_file(files_, record.trial->program.path, program_);
}

Result<std::optional<Life::TrialTime>> Life::trial_time() {
    const auto record = TRY(file_.read());
    if (!record || !is_mine(*record)) {
        return std::optional<TrialTime>();
    }
    const auto& trial = *record->trial;
    const auto at = now();
    const bool here = trial.began && trial.began->boot_id == at.moment.boot_id;
    const Millis used = here ? at.moment.uptime - trial.began->uptime : Millis{0};
    return std::optional<TrialTime>({std::max(Millis{0}, Millis{trial.deadline} - used), trial.deadline});
}

bool Life::is_trial_open() const {
    const auto record = file_.read();
    return record.ok() && *record && (**record).trial && (**record).trial->starts > 0;
}

Result<bool> Life::is_good() {
    const auto seen = TRY(file_.read());
    if (!seen || (!is_mine(*seen) && seen->short_lives == 0)) {
        return false;
    }
    std::optional<Program> confirmed;
    TRY(file_.change([&](Record& record) -> Result<bool> {
        if (!is_mine(record)) {
            return std::exchange(record.short_lives, 0) > 0;
        }
        const auto digest = TRY(trust::digest_file(files_, program_));
        if (digest.sha256 != record.trial->program.sha256) {
            return error(AgentCode::agent_program_changed, program_);
        }
        confirmed = record.trial->program;
        confirm(record, launcher_version(), "a check-in succeeded", clock_.wall());
        return true;
    }));
    if (!confirmed) {
        return false;
    }
    const auto again = TRY(file_.read());
    return again && again->confirmed == confirmed ? Result<bool>(true)
                                                  : Result<bool>(error(AgentCode::corrupt_journal, "read back"));
}

Status Life::give_up(std::string_view reason) {
    return file_.change([&](Record& record) -> Result<bool> {
        if (!is_mine(record)) {
            return false;
        }
        upgrade::give_up(record, launcher_version(), Verdict::failed, reason, clock_.wall());
        return true;
    });
}

Status Life::ended_in_order() {
    const auto seen = TRY(file_.read());
    if (!seen || (!is_mine(*seen) && seen->short_lives == 0)) {
        return {};
    }
    return file_.change([&](Record& record) -> Result<bool> {
        record.started.reset();  // the next start need not be spaced
        if (is_mine(record) && record.trial->starts > 0) {
            --record.trial->starts;
        } else if (!record.trial) {
            record.short_lives = 0;
        }
        return true;
    });
}

/// A trial that has not begun is for whoever staged it to start.
bool Life::is_another_chosen() {
    const auto record = file_.read();
    if (!record.ok() || !*record || (**record).trial) {
        return false;
    }
    const Program* confirmed = confirmed_beside(**record, launcher_version());
    return confirmed == nullptr ? launcher_.has_value()
                                : !same_file(files_, confirmed->path, program_) && (launcher_ || (**record).running);
}

}  // namespace hagent::upgrade
