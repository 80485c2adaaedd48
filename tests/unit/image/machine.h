// SPDX-License-Identifier: Apache-2.0
// Owns a machine with two slots and a GRUB that a test plays: the real kind of work and boot method over the fakes.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/boot/boot.h"
#include "agent/image/image_kind.h"
#include "agent/image/notes.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"
#include "tests/unit/image/sample_image.h"

namespace hagent::image {

inline constexpr std::uint32_t k_machine_chunk = 4096;
inline constexpr std::size_t k_machine_image = 3 * k_machine_chunk;
inline constexpr std::size_t k_machine_slot = 4 * k_machine_chunk;
inline constexpr const char* k_env = "/boot/grubenv";

/// Each life of the agent is one call of live(); its journal is what steps() holds.
struct Machine : work::StepJournal, work::StepObserver {
    Machine() {
        settings.state = config::StatePaths("/state");
        settings.image.boot = config::BootMethod::grub;
        settings.image.grub_env = k_env;
        settings.image.slots = {{"A", {{"root", "/dev/sda2"}}}, {"B", {{"root", "/dev/sda3"}}}};
        settings.has_manager = true;
        settings.program = "/usr/sbin/hagent";
        files.put(settings.program, "the agent", 0755);
        files.put_directory("/state/scratch");
        std::string block = "# GRUB Environment Block\n";
        block.resize(1024, '#');
        files.put(k_env, block);
        old_image = raw_bytes(k_machine_image, 1) + std::string(k_machine_slot - k_machine_image, 'a');
        devices.put("/dev/sda2", old_image);
        devices.put("/dev/sda3", std::string(k_machine_slot, 'b'));
        offer(raw_bytes(k_machine_image, 2));
        package.power = [this]() -> std::optional<Error> {
            return files.power_is_off() ? std::optional<Error>(error(errors::AgentCode::interrupted, "no power"))
                                        : std::nullopt;
        };
        boot();
    }

    void offer(const std::string& raw) {
        new_image = raw;
        auto sample = sample_part("root", raw, k_machine_chunk);
        member.version = "2.0";
        member.parts = {sample.part};
        package = SamplePackage();
        package.add("root.img", sample.image);
        package.add("root.chunks", sample.table);
        files.put("/package/root.chunks", sample.table);
        manifest.kind = JobKind::image;
        manifest.package = "system";
        manifest.version = "2.0";
        manifest.serial = 2;
    }

    /// What GRUB does with packaging/grub/hagent.cfg, and the start of the agent.
    void boot() {
        auto env = env_of();
        std::string start = env["hagent_slot"] == "B" ? "B" : "A", trial;
        const std::string tries = env["hagent_tries"];
        if ((env["hagent_trial"] == "A" || env["hagent_trial"] == "B") &&
            (tries == "1" || tries == "2" || tries == "3")) {
            set_env("hagent_tries", std::to_string(tries[0] - '1'));
            start = trial = env["hagent_trial"];
        }
        if (!loads(start)) {  // no kernel: the other slot
            start = start == "A" ? "B" : "A";
            trial.clear();
        }
        REQUIRE_MESSAGE(loads(start), "neither slot can be started");
        running = start;
        devices.line = concat({"hagent.slot=", start, " hagent.trial=", trial,
                               " hagent.generation=", env["hagent_generation"], boot_says});
        devices.root = start == "A" ? "/dev/sda2" : "/dev/sda3";
        host.known.boot_id = concat({"boot-", std::to_string(++boots)});
        clock.restart();
        clock.advance(Millis{5000});
    }

    /// A kernel loads from what has no mark at its beginning.
    [[nodiscard]] bool loads(const std::string& slot) const {
        return !boot::is_unfit_head(content(slot).substr(0, 64));
    }
    [[nodiscard]] std::string content(const std::string& slot) const {
        return *files.content(slot == "A" ? "/dev/sda2" : "/dev/sda3");
    }
    /// Old or new, whole.
    [[nodiscard]] bool whole(const std::string& slot) const {
        return slot == "A" ? content("A") == old_image : content("B").starts_with(new_image);
    }

    std::map<std::string, std::string> env_of() const {
        std::map<std::string, std::string> env;
        const std::string block = *files.content(k_env);
        for (const auto line : split(block, '\n')) {
            const auto equals = line.find('=');
            if (equals != std::string_view::npos && !line.starts_with('#')) {
                env[std::string(line.substr(0, equals))] = line.substr(equals + 1);
            }
        }
        return env;
    }
    void set_env(const std::string& name, const std::string& value) {
        std::string block = *files.content(k_env);
        const auto at = block.find("\n" + name + "=");
        REQUIRE(at != std::string::npos);
        block.replace(at + name.size() + 2, value.size(), value);
        files.put(k_env, block);
    }

    Status intent(unsigned n) override {
        TRY(files.outside("journal the intent of step " + std::to_string(n)));
        work::StepRecord record;
        record.n = n;
        record.state = work::StepState::running;
        journal[n] = record;
        return {};
    }
    Status done(const work::StepRecord& record) override {
        TRY(files.outside("journal the end of step " + std::to_string(record.n)));
        journal[record.n] = record;
        return {};
    }
    void step_changed(const work::StepRecord& record) override {
        for (const auto& result : record.results) {
            shown.push_back(concat({std::to_string(result.id.number), " ", result.context}));
        }
    }

    [[nodiscard]] work::Services services() {
        work::Services out{files,
                           processes,
                           host,
                           clock,
                           disks,
                           settings,
                           work::facts_from(host.facts(), {"SLX"}, running == "B" ? "2.0" : "1.0")};
        out.scratch_dir = "/state/scratch";
        out.devices = &devices;
        out.log_lines = log;
        return out;
    }

    [[nodiscard]] std::unique_ptr<work::Work> analysed(const std::vector<work::StepRecord>& earlier = {}) {
        manifest.details = write_image_member(member);
        manifest.files.clear();
        for (const auto& file : package.files()) {
            manifest.files.push_back({file.path, file.bytes, file.sha256, {}});
        }
        const auto now = services();
        return ImageKind().analyse({manifest, package, std::string(), options, "", earlier, now});
    }

    /// One life of the agent, up to a restart, a rest or the end. Empty: the power went off.
    std::optional<work::Outcome> live() {
        std::vector<work::StepRecord> earlier;
        for (const auto& [n, record] : journal) {
            earlier.push_back(record);
        }
        const auto work = analysed(earlier);
        if (files.power_is_off()) {
            return std::nullopt;
        }
        refused = work->plan().results;
        if (has_error(refused)) {
            return std::nullopt;
        }
        const auto now = services();
        work::Run run{now, *this, *this, earlier, cancel};
        run.checked_in = manager_answers && running == "B";
        run.manager_answered = run.checked_in || something_answers;
        run.manager = manager;
        auto outcome = work->run(run);
        if (!outcome.ok() || files.power_is_off()) {
            return std::nullopt;
        }
        return std::move(outcome).value();
    }

    /// Lives until the work has an end; the power comes back where it went.
    std::optional<work::Outcome> story(fakes::Unsynced unsynced = fakes::Unsynced::lost) {
        for (int lives = 0; lives < 100; ++lives) {
            auto outcome = live();
            if (!outcome && !files.power_is_off()) {
                return std::nullopt;  // refused
            }
            if (!outcome) {
                files.restart(unsynced);
                if (on_cut) {
                    on_cut();
                }
                boot();
            } else if (outcome->ended == work::Ended::reboot_requested) {
                boot();
            } else if (outcome->ended == work::Ended::on_trial || outcome->ended == work::Ended::suspended) {
                clock.advance(Millis{60'000});
            } else {
                return outcome;
            }
        }
        FAIL("no end in 100 lives");
        return std::nullopt;
    }

    fakes::FakeFiles files;
    fakes::FakeBlockDevices devices{files};
    fakes::FakeProcesses processes;
    fakes::FakeHost host;
    fakes::FakeClock clock;
    fakes::FakeDisks disks;
    work::Settings settings;
    work::Options options;
    trust::Manifest manifest;
    ImageMember member;
    SamplePackage package;
    CancelToken cancel;
    std::string boot_says;  // on the kernel's command line, beside what it always says
    std::map<unsigned, work::StepRecord> journal;
    std::vector<TaskResult> refused;
    std::string old_image, new_image, running;
    bool manager_answers = true, something_answers = false;
    work::ManagerLink* manager = nullptr;
    const log::Ring* log = nullptr;
    std::vector<std::string> shown;  // what steps said while they were running
    unsigned boots = 0;
    std::function<void()> on_cut;
};

}  // namespace hagent::image
