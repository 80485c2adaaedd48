// SPDX-License-Identifier: Apache-2.0
#include "agent/image/image_actions.h"

#include <algorithm>
#include <span>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/work/hooks.h"
#include "agent/work/placing.h"

namespace hagent::image {

using errors::AgentCode;
using work::Acted;

namespace {

constexpr Seconds k_check_in_time{120};

/// "HAGENT_SLOT_DEVICE_ROOT" for the part "root".
std::string variable_of(const std::string& part) {
    std::string name = "HAGENT_SLOT_DEVICE_";
    for (const char c : to_upper(part)) {
        name += (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    }
    return name;
}

Result<Acted> done(Status status) { return status.ok() ? Result<Acted>(Acted::done) : std::move(status).failure(); }

}  // namespace

ImageActions::ImageActions(const ImagePlan& plan, work::PackageFiles& package, const work::Run& run)
    : plan_(plan), package_(package), run_(run), boot_(boot_of(run.services)) {}

Result<Acted> ImageActions::act(const work::StepPlan& step, work::StepRecord& record) {
    const Op op = plan_.ops[step.n - 1];
    switch (op) {
        case Op::prepare: return done(prepare());
        case Op::write: return done(write(part_of(step.n)));
        case Op::verify: return done(verify());
        case Op::after_write: return done(after_write(record));
        case Op::health: return done(look_at_health(record));
        case Op::check_in: return last_check_in(record);
        case Op::switch_over: return done(switch_over());
        case Op::restart:
        case Op::trial: return judge(op, record);
    }
    return error(AgentCode::internal);
}

Status ImageActions::stop_machine(const work::StepPlan& /*step*/, work::StepRecord& /*record*/) {
    return error(AgentCode::internal, "no step of an image is to stop the machine");
}

unsigned ImageActions::part_of(unsigned step) const {
    const auto before = std::span(plan_.ops).first(step - 1);
    return static_cast<unsigned>(std::count(before.begin(), before.end(), Op::write));
}

/// Whoever goes on behind a power cut finds the devices closed.
Status ImageActions::open_writer() {
    if (writer_) {
        return {};
    }
    slots_ = TRY(open_slots(plan_.member, plan_.place, package_, run_.services, platform::Access::exclusive));
    auto writer = std::make_unique<SlotWriter>(
        slots_.parts, SlotWriter::Services{package_, run_.services.files, run_.cancel, run_.services.scratch_dir});
    if (!TRY(writer->resume())) {
        auto sources =
            !plan_.sources.empty() ? plan_.sources : TRY(find_sources(slots_.parts, run_.services.files, run_.cancel));
        TRY(writer->begin(std::move(sources)));
    }
    writer_ = std::move(writer);
    return {};
}

void ImageActions::close_writer() {
    writer_.reset();
    slots_ = {};
}

/// First the mark of the boot loader, then that of the slot itself: from then on no start takes it.
Status ImageActions::prepare() {
    const auto path = run_.services.settings.state.images();
    auto notes = TRY(load_notes(run_.services.files, path));
    notes.writing = WritingNote{plan_.package, plan_.place.running, plan_.place.target};
    notes.versions.erase(plan_.place.target);
    notes.chunks.clear();
    TRY(save_notes(run_.services.files, path, notes));
    TRY(open_writer());
    if (plan_.place.switches) {
        TRY(boot_->mark_unfit(plan_.place.target));
    }
    return writer_->clear_heads();
}

Status ImageActions::write(unsigned part) {
    TRY(open_writer());
    return writer_->write_part(part);
}

Status ImageActions::verify() {
    TRY(open_writer());
    TRY(writer_->finish());
    verified_ = true;
    return keep_counts();
}

Status ImageActions::keep_counts() {
    const auto path = run_.services.settings.state.images();
    auto notes = TRY(load_notes(run_.services.files, path));
    notes.chunks = writer_->counts().json();
    notes.versions[plan_.place.target] = plan_.member.version;
    return save_notes(run_.services.files, path, notes);
}

/// A program that was begun in an earlier life has left nobody knows what: the image is made whole again first.
Status ImageActions::after_write(work::StepRecord& record) {
    if (record.in_flight_before) {
        TRY(open_writer());
        TRY(writer_->finish());
    }
    close_writer();  // the program mounts the devices
    auto ran = run_program(record);
    auto held = open_writer();
    if (ran.ok() && held.ok()) {
        for (const auto& part : slots_.parts) {
            TRY(part.devices.target->sync());
        }
        verified_ = true;
        return {};
    }
    if (run_.cancel.requested()) {
        return ran;  // it is run again
    }
    if (held.ok()) {
        (void)writer_->clear_heads();
    }
    return ran.ok() ? held : ran;
}

Status ImageActions::run_program(work::StepRecord& record) {
    const auto& services = run_.services;
    const std::string program = TRY(package_.staged(plan_.member.after_write));
    TRY(work::make_executable(program, services.files));
    platform::Command command;
    command.argv = {program};
    command.environment = work::device_environment(services.facts);
    const auto* slot = services.settings.image.find(plan_.place.target);
    command.environment.emplace_back("HAGENT_SLOT", plan_.place.target);
    command.environment.emplace_back("HAGENT_SLOT_DEVICE", slot->device());
    for (const auto& [part, device] : slot->parts) {
        command.environment.emplace_back(variable_of(part), device);
    }
    command.environment.emplace_back("HAGENT_IMAGE_VERSION", plan_.member.version);
    command.time_limit = services.settings.time_limit;
    command.output_limit = limits::k_output_tail_bytes;
    command.memory_limit = limits::k_program_memory_bytes;
    const auto end = services.processes.run(command, run_.cancel);
    if (!end.ok()) {
        return run_.cancel.requested() ? end.error() : error(AgentCode::image_hook_failed, end.error().context);
    }
    record.output = work::printable_tail(end->output);
    if (end->code == 0 && !end->timed_out) {
        return {};
    }
    return error(AgentCode::image_hook_failed,
                 {end->timed_out ? "it took too long" : "it ended with " + std::to_string(end->code),
                  record.output.empty() ? "" : work::k_it_said, work::last_words(record.output)});
}

/// Told, and kept for the trial: the new system is not to blame for it.
Status ImageActions::look_at_health(work::StepRecord& record) {
    const std::string said = TRY(run_health(run_.services, run_.cancel));
    for (const auto line : split(said, '\n')) {
        if (!line.empty()) {
            record.results.push_back({errors::agent(AgentCode::image_health_failed),
                                      errors::Severity::warning,
                                      1,
                                      concat({"in the old system, before the switch: ", line}),
                                      {}});
        }
    }
    return run_.services.files.write_durable(ill_note(), said, 0600);
}

/// The last moment at which the manager, or the device's window, can hold it up.
Result<Acted> ImageActions::last_check_in(work::StepRecord& record) {
    if (run_.manager == nullptr || TRY(switched())) {
        return Acted::done;
    }
    TRY(open_writer());
    const auto reached = run_.manager->check_in(k_check_in_time, run_.cancel);
    if (run_.cancel.requested()) {
        return error(AgentCode::cancelled);
    }
    if (reached.ok() && run_.manager->may_execute()) {
        return Acted::done;
    }
    record.results.push_back(reached.ok() ? error_result(error(AgentCode::image_window_closed, ""), AgentCode::internal)
                                          : error_result(reached.error(), AgentCode::io_error));
    record.results.back().status = errors::Severity::warning;
    run_.observer.step_changed(record);
    return Acted::suspended;
}

Result<bool> ImageActions::switched() const {
    return plan_.place.switches && TRY(boot_->look()).running == plan_.place.target;
}

/// Whoever rested in between has let go of the slot. What a program of the package has left in it cannot be compared.
Status ImageActions::hold_verified() {
    const auto notes = TRY(load_notes(run_.services.files, run_.services.settings.state.images()));
    if (!notes.writing || notes.writing->package != plan_.package) {
        return error(AgentCode::slot_not_whole, {"slot ", plan_.place.target, " was written by other work meanwhile"});
    }
    TRY(open_writer());
    return verified_ || !plan_.member.after_write.empty() ? Status() : writer_->finish();
}

Status ImageActions::switch_over() {
    if (!TRY(switched())) {
        TRY(hold_verified());
    }
    close_writer();
    TrialNote note;
    note.version = plan_.member.version;
    note.from = plan_.place.running;
    note.to = plan_.place.target;
    const auto ill = run_.services.files.read(ill_note(), limits::k_image_record_bytes / 4);
    note.ill = ill.ok() ? *ill : "";
    Trial trial(*boot_, run_, job());
    return trial.begin(std::move(note));
}

Result<Acted> ImageActions::judge(Op op, work::StepRecord& record) {
    Trial trial(*boot_, run_, job());
    auto acted = op == Op::restart ? trial.restart(record) : trial.judge(record);
    look_again_at_ = trial.look_again_at();
    return acted;
}

}  // namespace hagent::image
