// SPDX-License-Identifier: Apache-2.0
// Owns what must hold for any script, however hostile: limits, complaints that can be shown, and a device that stays as
// it was outside of the folder that scripts may touch.
#pragma once

#include <cstdlib>
#include <variant>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/script/analysis.h"
#include "agent/script/commands.h"
#include "agent/script/interpreter.h"
#include "agent/script/parser.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"

namespace hagent::script::fuzzing {

inline void must(bool holds) {
    if (!holds) {
        std::abort();
    }
}

class Package final : public PackageFiles {
public:
    [[nodiscard]] const std::vector<PackageFile>& files() const override { return files_; }
    [[nodiscard]] Result<std::string> staged(const std::string& path) override { return "/stage/" + path; }
    [[nodiscard]] bool disposable() const override { return false; }

private:
    std::vector<PackageFile> files_ = {{"a", 1, std::string(64, '0')}, {"fw/b.bin", 1, std::string(64, '0')}};
};

class Journal final : public StepJournal {
public:
    [[nodiscard]] Status intent(unsigned) override { return {}; }
    [[nodiscard]] Status done(const StepRecord&) override { return {}; }
};

class Observer final : public StepObserver {
public:
    void step_changed(const StepRecord&) override {}
};

inline void judge_complaint(const Complaint& complaint) {
    must(complaint.line >= 1 && complaint.column >= 1);
    must(complaint.column <= limits::k_script_line_bytes + 1);
    const std::string text = render(complaint);
    must(text.ends_with("^\n") && is_utf8(text));
    for (const char c : text) {
        must(c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20);
    }
}

inline void judge_syntax(const Script& script) {
    must(script.commands.size() <= limits::k_script_commands);
    for (const auto& command : script.commands) {
        must(!command.op.empty() && command.arguments.size() <= limits::k_script_arguments);
        for (const auto& argument : command.arguments) {
            must(is_utf8(argument.text));
        }
    }
}

inline void judge_plan(const Script& script, const Plan& plan) {
    must(plan.steps.size() == script.commands.size());
    for (const auto& complaint : plan.complaints) {
        judge_complaint(complaint);
    }
    for (const auto& step : plan.steps) {
        const CommandRow* row = find_command(step.op);
        must(has_error(plan.results) || (row != nullptr && (row->plan != nullptr || step.finding)));
        for (const auto& placement : step.files) {
            must(is_within(placement.target, "/data") && !is_within(placement.target, "/data/hagent"));
        }
    }
    must(is_utf8(plan_json(plan)) && !render_plan(plan).empty());
}

/// A small device with a way out for those who find it: /data/out leads to /etc.
struct Device {
    fakes::FakeFiles files;
    fakes::FakeDisks disks;
    fakes::FakeProcesses processes;
    fakes::FakeHost host;
    fakes::FakeClock clock;
    Package package;
    Jail jail{{"/data"}, "", {"/data/hagent"}};

    Device() {
        files.put("/etc/passwd", "root");
        files.put("/data/hagent/key", "secret");
        files.put("/data/x", "x");
        files.put("/stage/a", "a");
        files.put("/stage/fw/b.bin", "b");
        files.put_symlink("/data/out", "/etc");
    }
    void check() const {
        must(files.content("/etc/passwd") == "root" && files.content("/data/hagent/key") == "secret");
        for (const auto& path : files.tree()) {
            must(is_within(path, "/data") || path == "/" || path == "/etc/" || path == "/etc/passwd" ||
                 path.starts_with("/stage/"));
        }
    }
};

inline void judge(const Parsed& parsed) {
    if (const auto* complaints = std::get_if<1>(&parsed)) {
        must(!complaints->empty() && complaints->size() <= 20);
        for (const auto& complaint : *complaints) {
            judge_complaint(complaint);
        }
        return;
    }
    const Script& script = std::get<Script>(parsed);
    judge_syntax(script);
    Device device;
    const Facts facts = work::facts_from(device.host.facts(), {"SLX"}, "11.2");
    Options options;
    options.staging_dir = "/stage";
    const Plan plan = analyse(script, facts, device.package, device.jail, device.files, device.disks, options);
    judge_plan(script, plan);
    device.check();
    if (!has_error(plan.results)) {
        work::Settings settings;
        settings.time_limit = Seconds{60};
        Services services{device.files, device.processes, device.host, device.clock, device.disks, settings, facts};
        Journal journal;
        Observer observer;
        const CancelToken cancel;
        const auto outcome = run(plan, device.package, services, journal, observer, {}, cancel);
        must(outcome.ok() && outcome.value().steps.size() == plan.steps.size());
        device.check();
    }
}

}  // namespace hagent::script::fuzzing
