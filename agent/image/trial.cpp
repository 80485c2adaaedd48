// SPDX-License-Identifier: Apache-2.0
#include "agent/image/trial.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/image/analysis.h"
#include "agent/trust/verify.h"
#include "agent/work/hooks.h"

namespace hagent::image {

using errors::AgentCode;
using work::Acted;

namespace {

constexpr Seconds k_look_often{60}, k_look_soon{10};
constexpr std::string_view k_crash_records = "/sys/fs/pstore", k_panic = "Kernel panic - ";
constexpr std::size_t k_crash_bytes = std::size_t{256} << 10U;

std::string words_of(const Error& error) {
    const std::string cause(errors::describe(error.id).cause.text());
    return error.context.empty() ? cause : concat({cause, " [", error.context, "]"});
}

/// The line of a program that failed begins with the program.
std::string_view program_of(std::string_view line) { return line.substr(0, line.find(" ended ")); }

Result<std::string> own_digest(const work::Services& services) {
    return TRY(trust::digest_file(services.files, services.settings.program)).sha256;
}

/// Once in each start of the machine. There is a trial in the notes.
Status note_life(boot::Boot& boot, const work::Services& services, ImageNotes& notes) {
    TrialNote& note = *notes.trial;
    const std::string boot_id = services.host.facts().boot_id;
    if (note.seen_in == boot_id && note.starts > 0) {
        return {};
    }
    note.seen_in = boot_id;
    ++note.starts;
    note.program = note.program.empty() ? TRY(own_digest(services)) : note.program;
    note.seen_ms = static_cast<std::uint64_t>(services.clock.since_boot().since_start.count());
    note.network_ms.reset();
    TRY(save_notes(services.files, services.settings.state.images(), notes));
    // An agent that comes up again and again has no endless starts either.
    return note.starts <= note.tries ? boot.give_back_try(note.tries) : Status();
}

}  // namespace

Status note_trial_came_up(const work::Services& services) {
    auto notes = TRY(load_notes(services.files, services.settings.state.images()));
    if (!notes.trial || !notes.trial->why.empty()) {
        return {};
    }
    const auto boot = boot_of(services);
    const auto state = TRY(boot->look());
    return state.trial && state.running == notes.trial->to ? note_life(*boot, services, notes) : Status();
}

Result<std::string> run_health(const work::Services& services, const CancelToken& cancel) {
    std::string said;
    for (const auto& argv : services.settings.image.health) {
        const auto end = work::run_hook(services, argv, work::device_environment(services.facts),
                                        services.settings.image.confirm_deadline, cancel);
        if (cancel.requested()) {
            return error(AgentCode::cancelled);
        }
        if (end.ok() && !end->timed_out && end->code == 0) {
            continue;
        }
        std::string what;
        for (const auto& word : argv) {
            what += what.empty() ? word : " " + word;
        }
        said += what + " ended ";
        if (!end.ok()) {
            said += "before it began; " + words_of(end.error());
        } else {
            said += end->timed_out ? "not in time" : "with " + std::to_string(end->code);
            said += end->output.empty() ? "" : concat({work::k_it_said, work::last_words(end->output)});
        }
        said += '\n';
    }
    return said;
}

std::optional<std::string> other_device(const TrialNote& trial, const work::Facts& facts) {
    if (trial.mac == facts.mac && trial.serial == facts.serial) {
        return std::nullopt;
    }
    return concat({"this device has ", facts.mac, " and ", facts.serial, ", the one that began had ", trial.mac,
                   " and ", trial.serial});
}

Trial::Trial(boot::Boot& boot, const work::Run& run, std::string job) : boot_(boot), run_(run), job_(std::move(job)) {}

Status Trial::save() { return save_notes(run_.services.files, run_.services.settings.state.images(), notes_); }

/// The note comes first: a trial without one could not be confirmed by anybody.
Status Trial::begin(TrialNote note) {
    notes_ = TRY(load_notes(run_.services.files, run_.services.settings.state.images()));
    const auto state = TRY(boot_.look());
    if (state.running == note.to) {
        return {};  // the power went between the switch and its record
    }
    note.job = job_;
    note.switched_in = boot_id();
    note.tries = settings().tries;
    note.mac = run_.services.facts.mac;
    note.serial = run_.services.facts.serial;
    note.since = rfc3339(run_.services.clock.wall());
    const std::string target = note.to;
    (void)run_.services.files.remove(run_.services.settings.state.trial_note());  // of an earlier trial
    notes_.trial = std::move(note);
    TRY(save());
    auto switched = boot_.try_once(target, settings().tries);
    if (!switched.ok()) {
        (void)boot_.fall_back();  // it may have been done all the same
        notes_.trial.reset();
        TRY(save());
    }
    return switched;
}

/// Asked for once in each start of the machine, and forced where it does not come. A hook takes the request to whoever
/// restarts the machine by other means: it is not forced then.
Result<Acted> Trial::ask_for_restart(work::StepRecord& record) {
    const auto& services = run_.services;
    const auto now = static_cast<std::uint64_t>(services.clock.since_boot().since_start.count());
    const bool asked = note().asked_in == boot_id() && note().asked_ms <= now;
    const bool by_hook = !TRY(work::hook_program(services, "reboot")).empty();
    look_again_at_ = again_in(work::k_restart_patience);
    if (asked) {
        if (!by_hook) {
            (void)TRY(work::force_late_restart(services, Millis{static_cast<std::int64_t>(now - note().asked_ms)}));
        }
        return Acted::restarts;
    }
    note().asked_in = boot_id();
    note().asked_ms = now;
    TRY(save());
    auto environment = work::device_environment(services.facts);
    environment.emplace_back("HAGENT_SLOT", note().to);
    if (auto stopped = work::stop_machine(services, platform::PowerAction::reboot, Seconds{0}, std::move(environment),
                                          record.output, run_.cancel);
        !stopped.ok()) {
        note().asked_in.clear();
        TRY(save());
        return std::move(stopped).failure();
    }
    return Acted::restarts;
}

/// Only another start of the machine can mean that the trial was not taken; where the machine does not tell its starts
/// apart, the boot loader's own word counts. Without a restart there is no trial.
Result<Acted> Trial::restart(work::StepRecord& record) {
    notes_ = TRY(load_notes(run_.services.files, run_.services.settings.state.images()));
    const auto state = boot_.look();
    if (!notes_.trial || notes_.trial->job != job_ || !state.ok()) {
        return Acted::done;  // judged already, or judge() tells
    }
    const bool pending = state->trial && !state->trial->over && state->trial->slot == note().to;
    if (state->running == note().to || boot_id() != note().switched_in || !pending) {
        return Acted::done;
    }
    auto asked = ask_for_restart(record);
    if (!asked.ok() && !run_.cancel.requested()) {
        (void)boot_.fall_back();
        notes_.trial.reset();
        (void)save();
    }
    return asked;
}

/// What a boot loader or a disk refuses may pass, and is no verdict; where it does not, the new system cannot be kept.
Result<Acted> Trial::judge(work::StepRecord& record) {
    auto acted = judged(record);
    if (acted.ok() || decided_ || run_.cancel.requested()) {
        return acted;
    }
    const bool known = notes_.trial && notes_.trial->job == job_;
    if (since_boot() < settings().confirm_deadline && !(known && !note().why.empty())) {
        look_again_at_ = again_in(k_look_soon);
        return Acted::on_trial;
    }
    if (!known || !runs_new_slot()) {
        return acted;
    }
    auto back = give_up(words_of(acted.error()), "trial", record);
    if (!back.ok()) {  // the boot loader counts the starts that are left
        const auto by_hook = work::hook_program(run_.services, "reboot");
        (void)(by_hook.ok() && by_hook->empty() ? run_.services.host.force_restart() : Status());
        look_again_at_ = again_in(k_look_soon);
        return Acted::restarts;
    }
    return back;
}

/// Where the boot loader cannot be asked, what it has told the kernel counts.
bool Trial::runs_new_slot() {
    const auto state = boot_.look();
    const std::string line = run_.services.devices->command_line();
    return (state.ok() ? state->running : boot::command_line_value(line, "hagent.slot")) == note().to;
}

Failure Trial::verdict(Error why) {
    decided_ = true;
    return Failure(std::move(why));
}

Result<Acted> Trial::judged(work::StepRecord& record) {
    notes_ = TRY(load_notes(run_.services.files, run_.services.settings.state.images()));
    const auto state = TRY(boot_.look());
    if (!notes_.trial || notes_.trial->job != job_) {
        return told_before(state, record);
    }
    if (state.running == note().to) {
        return judge_here(state, record);
    }
    const bool pending = state.trial && !state.trial->over && state.trial->slot == note().to;
    if (pending && boot_id() == note().switched_in) {
        look_again_at_ = again_in(k_look_often);
        return Acted::on_trial;  // still to be taken
    }
    Error why = reason(state);
    TRY(came_back(state));
    notes_.last =
        LastImage{job_, note().version, "failed", why.context, rfc3339(run_.services.clock.wall()), why.id.number};
    notes_.trial.reset();
    TRY(save());
    return verdict(std::move(why));
}

/// The verdict is in the notes, the step's end is not in the journal: the same answer again. Without a record nothing
/// is kept; the trial of other work is not touched.
Result<Acted> Trial::told_before(const boot::State& state, work::StepRecord& record) {
    constexpr std::string_view k_gone = "its record is gone";
    if (notes_.last && notes_.last->job == job_) {
        return notes_.last->code == 0
                   ? Result<Acted>(Acted::done)
                   : verdict(Error{{errors::Protocol::agent, notes_.last->code}, 0, notes_.last->reason});
    }
    if (!notes_.trial && state.on_trial()) {
        notes_.trial.emplace();
        note().job = job_;
        note().to = state.running;
        note().from = state.chosen;
        return give_up(std::string(k_gone), "record", record);
    }
    if (!notes_.trial && state.trial) {
        TRY(boot_.fall_back());
    }
    return verdict(error(AgentCode::image_no_trial, k_gone).error());
}

void Trial::stop_watchdog() {
    if (!feeding_) {
        feeding_.emplace(run_.services.host, run_.services.clock, settings().watchdog, Millis{0});
    }
    feeding_->disarm();
    feeding_.reset();
}

/// What is left of the trial is cleaned up. A watchdog that was armed for it is told to stop.
Status Trial::came_back(const boot::State& state) {
    stop_watchdog();
    return state.trial ? boot_.fall_back() : Status();
}

Error Trial::reason(const boot::State& state) const {
    const TrialNote& of = *notes_.trial;
    const unsigned left = state.trial ? state.trial->tries_left : 0;
    if (!of.why.empty()) {
        const std::string log = of.log.empty() ? "" : concat({"; its log ended with: ", of.log});
        return error(AgentCode::image_trial_failed, {of.step, ": ", of.why, log});
    }
    if (of.starts > 0) {
        return error(AgentCode::image_trial_failed,
                     {"its agent came up ", std::to_string(of.starts), of.starts == 1 ? " time" : " times",
                      ", and the machine restarted before it could confirm: it hung, or lost its power"});
    }
    if (state.trial && left >= of.tries) {
        return error(AgentCode::image_trial_not_taken, {"slot ", of.to});
    }
    const std::string starts = left == 0 ? std::string("all its starts are used up")
                                         : concat({std::to_string(of.tries - left), " of ", std::to_string(of.tries),
                                                   " starts, then the boot loader took the other slot"});
    return error(AgentCode::image_trial_not_reached, {"slot ", of.to, ": ", starts, "; ", seen_by_others()});
}

/// Of a start in which no agent came up: what the boot loader, the initramfs or the kernel of the new slot left behind.
/// The machine may keep records of kernels that stopped long ago.
std::string Trial::seen_by_others() const {
    auto& files = run_.services.files;
    const std::string line = run_.services.devices->command_line();
    if (const auto missing = boot::command_line_value(line, "hagent.missing"); !missing.empty()) {
        return concat({"the boot loader could not load its ", clip(missing, limits::k_slot_name_bytes)});
    }
    const auto note = files.read(run_.services.settings.state.trial_note(), limits::k_peer_words_bytes);
    if (note.ok() && !note->empty()) {
        return concat({"its initramfs said ", peer_words(*note)});
    }
    const auto records = files.list(std::string(k_crash_records));
    for (const auto& name : records.ok() ? *records : std::vector<std::string>()) {
        const std::string path = concat({k_crash_records, "/", name});
        const auto info = files.info(path);
        const auto text = files.read(path, k_crash_bytes);
        const auto at = text.ok() ? text->find(k_panic) : std::string::npos;
        if (at != std::string::npos && info.ok() && *info && rfc3339((*info)->modified) >= notes_.trial->since) {
            return concat({"its kernel said ", peer_words(text->substr(at, text->find('\n', at) - at))});
        }
    }
    return "its kernel stopped or hung, or nothing in it starts the agent";
}

Status Trial::note_start() {
    TRY(note_life(boot_, run_.services, notes_));
    if (!note().network_ms && !run_.services.host.facts().addresses.empty()) {
        note().network_ms = static_cast<std::uint64_t>(run_.services.clock.since_boot().since_start.count());
        TRY(save());
    }
    return {};
}

/// What failed in the old system too is no evidence against the new one.
Result<std::optional<std::string>> Trial::sick() {
    const std::string said = TRY(run_health(run_.services, run_.cancel));
    const std::string before = "\n" + note().ill;
    for (const auto line : split(said, '\n')) {
        if (!line.empty() && before.find(concat({"\n", program_of(line), " ended "})) == std::string::npos) {
            return std::optional(std::string(line));
        }
    }
    return std::optional<std::string>();
}

Result<Acted> Trial::judge_here(const boot::State& state, work::StepRecord& record) {
    if (!state.trial && state.chosen == note().to) {
        return proved();  // confirmed already, by hand or before a power cut
    }
    const Millis before = note().seen_in == boot_id() ? since_boot() - seen() : Millis{0};
    feeding_.emplace(run_.services.host, run_.services.clock, settings().watchdog, longest() - before);
    if (!note().why.empty()) {
        return give_up(note().why, note().step, record);  // the power went before the restart
    }
    if (!state.trial) {
        return give_up("the boot loader knows of no trial any more", "trial", record);
    }
    TRY(note_start());
    if (run_.services.facts.mac.empty() && !note().mac.empty() && since_boot() < seen() + longest()) {
        look_again_at_ = again_in(k_look_soon);
        return Acted::on_trial;  // its network card is still to come
    }
    if (const auto other = other_device(note(), run_.services.facts)) {
        return give_up(*other, "identity", record);
    }
    if (const auto said = TRY(sick())) {
        return give_up(concat({"health program ", *said}), "health", record);
    }
    if (TRY(own_digest(run_.services)) != note().program) {
        return give_up("the agent's program is not the one that came up", "program", record);
    }
    if (run_.checked_in || (run_.manager == nullptr && !run_.services.settings.has_manager)) {
        return proved();
    }
    return wait_for_manager(record);
}

/// The time that counts is that since the start of the machine, from when there is an address on; in all, from when the
/// agent came up in it. A manager that is silent gets more of it: nobody can tell whether the new system is to blame.
/// One that answers at all, whatever it says, has been reached.
Result<Acted> Trial::wait_for_manager(work::StepRecord& record) {
    const Millis now = since_boot();
    const Millis hard = seen() + longest();
    const Millis begun = note().network_ms ? Millis{static_cast<std::int64_t>(*note().network_ms)} : now;
    const Millis soft = std::min<Millis>(begun + settings().confirm_deadline, hard);
    if (now >= soft && run_.manager_answered) {
        return proved();
    }
    if (now >= hard) {
        return give_up(concat({"no manager answered within ", std::to_string(longest().count() / 1000), " s",
                               note().network_ms ? "" : "; the device got no address"}),
                       "check-in", record);
    }
    const Millis slice =
        now < soft ? std::min<Millis>(soft - now, k_look_often) : std::min<Millis>(hard - now, k_look_often);
    look_again_at_ = again_in(std::max<Millis>(std::min<Millis>(slice, k_look_soon), Millis{1000}));
    if (run_.manager == nullptr) {
        return Acted::on_trial;
    }
    const auto reached = run_.manager->check_in(std::chrono::duration_cast<Seconds>(slice + Millis{999}), run_.cancel);
    if (reached.ok()) {
        return proved();
    }
    if (run_.cancel.requested()) {
        return error(AgentCode::cancelled);
    }
    look_again_at_ = again_in(Millis{0});
    return Acted::on_trial;
}

/// The boot loader first: what is noted before it would be a lie after a power cut.
Result<Acted> Trial::proved() {
    TRY(boot_.confirm(note().to));
    const auto state = TRY(boot_.look());
    if (state.trial || state.chosen != note().to) {
        return error(AgentCode::boot_not_kept, "the confirmation");
    }
    notes_.versions[note().to] = note().version;
    notes_.last = LastImage{job_, note().version, "success", "", rfc3339(run_.services.clock.wall()), 0};
    notes_.trial.reset();
    TRY(save());
    stop_watchdog();
    return Acted::done;
}

std::string Trial::last_lines() const {
    constexpr std::uint64_t k_lines = 5;
    std::string text;
    const auto* log = run_.services.log_lines;
    const std::uint64_t last = log == nullptr ? 0 : log->last_seq();
    for (const auto& entry :
         log == nullptr ? std::vector<log::Ring::Entry>() : log->since(last > k_lines ? last - k_lines : 0)) {
        text += concat({text.empty() ? "" : " | ", entry.record.area, ": ", entry.record.message});
    }
    return text;
}

/// Reason and step are durable before anything is undone.
Result<Acted> Trial::give_up(const std::string& why, const std::string& step, work::StepRecord& record) {
    if (note().why.empty()) {
        note().why = why;
        note().step = step;
        note().log = last_lines();
        note().asked_in.clear();
        TRY(save());
    }
    TRY(boot_.fall_back());
    return ask_for_restart(record);
}

}  // namespace hagent::image
