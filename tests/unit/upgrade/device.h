// SPDX-License-Identifier: Apache-2.0
// Owns a device that upgrades its agent in memory: power that may go at any change, programs that do what their content
// says, a session whose journal is a folder, and the loop of starts around them.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/upgrade/launcher.h"
#include "agent/upgrade/life.h"
#include "agent/upgrade/upgrade_kind.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"
#include "tests/unit/upgrade/values.h"

namespace hagent::upgrade {

inline const std::string k_staged = "/var/lib/hagent/downloads/1/hagent";
inline const std::string k_session = "/var/lib/hagent/sessions/000001";

/// A package with one program for one target.
class OnePackage final : public work::PackageFiles {
public:
    explicit OnePackage(const std::string& content)
        : files_({{"linux/hagent", content.size(), trust::sha256_hex(content)}}) {}
    [[nodiscard]] const std::vector<work::PackageFile>& files() const override { return files_; }
    [[nodiscard]] Result<std::string> staged(const std::string& /*path*/) override { return fakes::rooted(k_staged); }
    [[nodiscard]] bool disposable() const override { return true; }
    [[nodiscard]] Result<std::string> signed_text(std::string_view name) override { return std::string(name); }

private:
    std::vector<work::PackageFile> files_;
};

/// Each step's last record as a file: durable when the call returns, as the session's journal is.
class FileJournal final : public work::StepJournal {
public:
    explicit FileJournal(fakes::FakeFiles& files) : files_(files) {}
    [[nodiscard]] Status intent(unsigned n) override { return write(n, work::StepState::running, ""); }
    [[nodiscard]] Status done(const work::StepRecord& record) override {
        return write(record.n, record.state, record.results.empty() ? record.output : record.results.front().context);
    }
    [[nodiscard]] std::vector<work::StepRecord> records() const {
        std::vector<work::StepRecord> out;
        for (unsigned n = 1; n <= 5; ++n) {
            if (const auto text = files_.content(path(n))) {
                work::StepRecord record;
                record.n = n;
                record.state = static_cast<work::StepState>((*text)[0] - '0');
                out.push_back(record);
            }
        }
        return out;
    }

private:
    static std::string path(unsigned n) { return k_session + "/step-" + std::to_string(n); }
    [[nodiscard]] Status write(unsigned n, work::StepState state, const std::string& words) {
        return files_.write_durable(fakes::rooted(path(n)), std::to_string(static_cast<unsigned>(state)) + words, 0600);
    }
    fakes::FakeFiles& files_;
};

struct NoObserver final : work::StepObserver {
    void step_changed(const work::StepRecord& /*record*/) override {}
};

/// Takes the process's place: notes which program it was.
class FakeStarter final : public platform::ProgramStarter {
public:
    explicit FakeStarter(fakes::FakeFiles& files) : files_(files) {}
    [[nodiscard]] Result<int> replace(const platform::ProgramStart& start) override {
        TRY(files_.outside("exec"));
        const auto content = TRY(files_.read(start.program, 1000));
        if (content.find("agent") == std::string::npos) {
            return error(errors::AgentCode::os_error, "exec format");
        }
        started = start.program;
        limit = start.limit;
        return 0;
    }
    [[nodiscard]] bool stays() const override { return false; }
    std::string started;
    Millis limit{0};

private:
    fakes::FakeFiles& files_;
};

/// One story: a package is offered to the agent that runs, and the device is started until the job has its end.
class Device final : public work::Restarts {
public:
    /// What an agent does is in its content: "good agent", "dumb agent" (never checks in), "dead agent" (ends at once),
    /// "no program".
    explicit Device(std::string content, std::string version = "2.0.0.0", std::string present = "good agent 1")
        : content_(std::move(content)), version_(std::move(version)), package_(content_) {
        files.put("/usr/sbin/hagent", "preinstalled", 0755);
        files.put(k_staged, content_);
        files.put_directory(k_session, 0700);
        files.put("/var/lib/hagent/agent/1.0.0.0/hagent", present, 0755);
        files.put_directory("/var/lib/hagent/agent", 0700);
        Record record;
        record.confirmed = program("1.0.0.0", present);
        auto file = RecordFile(files, state);
        REQUIRE(file.write(record).ok());
        settings.state = state;
        settings.agents_dir = fakes::rooted("/var/lib/hagent/agent");
        files.forget_calls();
    }

    /// The job's end ("done", "failed"), or what happened before it when the power went.
    std::string live() {
        for (int start = 0; start < 40 && !files.power_is_off(); ++start) {
            if (const auto end = one_start(); !end.empty()) {
                return end;
            }
            clock.advance(Seconds{1});
        }
        return files.power_is_off() ? "off" : "for ever";
    }

    void power_returns(fakes::Unsynced unsynced) {
        files.restart(unsynced);
        clock.restart();
        host.known.boot_id += "x";
    }

    /// The start of the program that the record chooses now, and its path.
    std::string start() {
        FakeStarter starter(files);
        std::vector<std::string> said;
        const auto gone = launch({files, clock, host, starter, [&](std::string_view line) { said.emplace_back(line); }},
                                 state, k_own, {"hagent", "run"});
        limit = starter.limit;
        return gone ? starter.started : k_own.path;
    }

    [[nodiscard]] std::optional<Record> record() { return RecordFile(files, state).read().value_or(std::nullopt); }
    void restart_agent() override { restart_ = true; }

    fakes::FakeFiles files;
    fakes::FakeClock clock;
    fakes::FakeHost host;
    fakes::FakeDisks disks;
    fakes::FakeProcesses processes;
    config::StatePaths state{fakes::rooted("/var/lib/hagent")};
    work::Settings settings;
    std::vector<std::string> starts;  // what was started, in order
    std::string runs_as;              // the program that takes the job; empty: the one that was started
    Millis limit{0};

private:
    /// One life of a process; empty: it ended and is started again.
    std::string one_start() {
        const auto path = start();
        starts.push_back(path);
        const auto content = files.content(fakes::plain(path)).value_or("");
        if (files.power_is_off() || content.starts_with("dead")) {
            return {};
        }
        settings.program = runs_as.empty() ? path : std::exchange(runs_as, "");
        const bool launched = path != k_own.path;
        Life life(files, clock, host, state, launched ? std::optional(k_own) : std::nullopt, path);
        restart_ = false;
        auto end = run_job();
        if (restart_ || !end.empty()) {
            return end;
        }
        if (content.starts_with("dumb")) {
            clock.advance(Seconds{301});
            (void)life.give_up("no check-in");
            return {};
        }
        return life.is_good().ok() ? run_job() : std::string();
    }

    /// Analysis and execution, as the session does both in each life.
    std::string run_job() {
        processes = {};
        processes.on("hagent", platform::Exit{0, false, "{\"version\":\"" + version_ + "\"}\n", 0});
        trust::Manifest manifest;
        manifest.kind = JobKind::upgrade;
        manifest.version = version_;
        manifest.files = {{"linux/hagent", content_.size(), trust::sha256_hex(content_), {}}};
        manifest.details = R"({"targets":{"linux":"linux/hagent"},"allow_downgrade":false})";
        work::Services services{files, processes, host, clock, disks, settings, {}};
        services.scratch_dir = fakes::rooted(k_session);
        services.restarts = this;
        FileJournal journal(files);
        const auto earlier = journal.records();
        const work::Options options;
        const std::string relocation;
        const UpgradeKind kind({"linux"}, "hagent");
        const auto work = kind.analyse({manifest, package_, std::string(), options, relocation, earlier, services});
        if (has_error(work->plan().results)) {
            return files.power_is_off() ? std::string() : "refused";
        }
        NoObserver observer;
        const CancelToken cancel;
        work::Run run{services, journal, observer, earlier, cancel, true};
        const auto outcome = work->run(run);
        if (!outcome.ok() || files.power_is_off() || outcome->ended == work::Ended::on_trial) {
            return {};
        }
        return outcome->ended == work::Ended::completed ? "done" : "failed";
    }

    std::string content_, version_;
    OnePackage package_;
    bool restart_ = false;
};

}  // namespace hagent::upgrade
