// SPDX-License-Identifier: Apache-2.0
// Owns the way of a new system from its first start to its confirmation, or back.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "agent/boot/boot.h"
#include "agent/image/notes.h"
#include "agent/image/watch.h"
#include "agent/work/kind.h"

namespace hagent::image {

/// Looked at in each life of the agent, by the one that was left and by the one that is on trial; the notes hold what
/// one says to the other.
class Trial {
public:
    Trial(boot::Boot& boot, const work::Run& run, std::string job);

    /// Writes down what is to be tried, then tells the boot loader. Nothing where the new slot runs already. Errors:
    /// those of Boot; the note is gone then.
    [[nodiscard]] Status begin(TrialNote note);
    /// Sees to it that the machine restarts once: restarts while it is still to come, done when it was.
    [[nodiscard]] Result<work::Acted> restart(work::StepRecord& record);
    /// done: confirmed, and read back. on_trial, restarts: look again. Errors: image_trial_failed,
    /// image_trial_not_reached, image_trial_not_taken: the device is back in the old slot and stays there; the same
    /// answer again in every later call.
    [[nodiscard]] Result<work::Acted> judge(work::StepRecord& record);

    /// When to look again, whatever the manager does; after judge() and restart().
    [[nodiscard]] const std::optional<Uptime>& look_again_at() const { return look_again_at_; }

private:
    [[nodiscard]] Result<work::Acted> judged(work::StepRecord& record);
    [[nodiscard]] Result<work::Acted> judge_here(const boot::State& state, work::StepRecord& record);
    [[nodiscard]] Result<work::Acted> wait_for_manager(work::StepRecord& record);
    [[nodiscard]] Result<work::Acted> proved();
    [[nodiscard]] Result<work::Acted> give_up(const std::string& why, const std::string& step,
                                              work::StepRecord& record);
    [[nodiscard]] Result<work::Acted> ask_for_restart(work::StepRecord& record);
    [[nodiscard]] Error reason(const boot::State& state) const;
    [[nodiscard]] std::string seen_by_others() const;
    [[nodiscard]] Status came_back(const boot::State& state);
    [[nodiscard]] Result<work::Acted> told_before(const boot::State& state, work::StepRecord& record);
    [[nodiscard]] bool runs_new_slot();
    [[nodiscard]] Failure verdict(Error why);
    [[nodiscard]] Status note_start();
    [[nodiscard]] Result<std::optional<std::string>> sick();
    void stop_watchdog();
    [[nodiscard]] std::string last_lines() const;
    [[nodiscard]] Status save();
    [[nodiscard]] Uptime again_in(Millis time) const { return run_.services.clock.uptime() + time; }
    [[nodiscard]] std::string boot_id() const { return run_.services.host.facts().boot_id; }
    [[nodiscard]] Millis since_boot() const { return run_.services.clock.since_boot().since_start; }
    [[nodiscard]] Millis seen() const { return Millis{static_cast<std::int64_t>(notes_.trial->seen_ms)}; }
    [[nodiscard]] Millis longest() const {
        return std::max<Millis>(settings().confirm_deadline_max, settings().confirm_deadline);
    }
    [[nodiscard]] TrialNote& note() { return *notes_.trial; }
    [[nodiscard]] const config::ImageSettings& settings() const { return run_.services.settings.image; }

    boot::Boot& boot_;
    const work::Run& run_;
    std::string job_;
    ImageNotes notes_;
    std::optional<Uptime> look_again_at_;
    bool decided_ = false;            // what judge() says is the end, and no obstacle on the way to it
    std::optional<Feeding> feeding_;  // while the trial can still succeed
};

/// Notes that an agent came up in the slot on trial, in a new life before it talks to anybody: where it then hangs or
/// stops the machine, the slot that comes back knows that it was there. Nothing where no trial runs here. Errors: those
/// of the notes and of Boot; judge() comes to them again.
[[nodiscard]] Status note_trial_came_up(const work::Services& services);

/// Why this is not the device that began the trial, or nothing.
[[nodiscard]] std::optional<std::string> other_device(const TrialNote& trial, const work::Facts& facts);

/// Runs the health programs. What each one that failed said, a line each: "PROGRAM ended with 1; it said: ...". Errors:
/// cancelled.
[[nodiscard]] Result<std::string> run_health(const work::Services& services, const CancelToken& cancel);

}  // namespace hagent::image
