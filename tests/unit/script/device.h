// SPDX-License-Identifier: Apache-2.0
// Owns the device that the script tests work on: fakes, a package, a journal in memory, and short ways to plan and run.
// Scripts and expectations write paths as POSIX does; the device roots the one and shows the other as written.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "agent/script/analysis.h"
#include "agent/script/interpreter.h"
#include "agent/script/key_store.h"
#include "agent/script/parser.h"
#include "agent/trust/digest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_dialogs.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"
#include "tests/fakes/rooted.h"

namespace hagent::script {

using fakes::plain;
using fakes::rooted;

inline const std::string k_staging = rooted("/var/lib/hagent/staging");

/// A package whose files are staged on FakeFiles.
class FakePackage final : public PackageFiles {
public:
    explicit FakePackage(fakes::FakeFiles& files) : files_(files) {}

    void add(const std::string& path, const std::string& content) {
        list.push_back({path, content.size(), trust::sha256_hex(content)});
        files_.put(k_staging + "/" + path, content);
    }
    [[nodiscard]] const std::vector<PackageFile>& files() const override { return list; }
    [[nodiscard]] Result<std::string> staged(const std::string& path) override {
        asked.push_back(path);
        const std::string local = k_staging + "/" + path;
        if (!files_.exists(local)) {
            return error(errors::AgentCode::file_not_found, local);
        }
        return local;
    }
    [[nodiscard]] bool disposable() const override { return is_disposable; }
    [[nodiscard]] std::uint64_t bytes_to_stage(const PackageFile& file) const override {
        return is_staged ? 0 : file.bytes;
    }

    std::vector<PackageFile> list;
    std::vector<std::string> asked;
    bool is_disposable = true;
    bool is_staged = false;

private:
    fakes::FakeFiles& files_;
};

/// Keeps the last record of each step, like the session's journal; `durable` says whether a record still gets there.
class MemoryJournal final : public StepJournal {
public:
    [[nodiscard]] Status intent(unsigned n) override {
        TRY(write());
        StepRecord record;
        record.n = n;
        record.state = StepState::running;
        records[n] = record;
        log.push_back("intent " + std::to_string(n));
        return {};
    }
    [[nodiscard]] Status done(const StepRecord& record) override {
        TRY(write());
        records[record.n] = record;
        log.push_back(std::string(to_string(record.state)) + " " + std::to_string(record.n));
        return {};
    }
    [[nodiscard]] std::vector<StepRecord> earlier() const {
        std::vector<StepRecord> all;
        for (const auto& [n, record] : records) {
            all.push_back(record);
        }
        return all;
    }

    std::map<unsigned, StepRecord> records;
    std::vector<std::string> log;
    std::function<Status()> durable = [] { return Status(); };

private:
    [[nodiscard]] Status write() { return durable(); }
};

class Watcher final : public StepObserver {
public:
    void step_changed(const StepRecord& record) override {
        seen.push_back(std::to_string(record.n) + " " + std::string(to_string(record.state)));
        if (on_change) {
            on_change(record);
        }
    }
    std::vector<std::string> seen;
    std::function<void(const StepRecord&)> on_change;
};

inline Facts test_facts() {
    Facts facts;
    facts.os_codes = {"SLX", "LXS"};
    facts.image_version = "11.2.0";
    facts.platforms = {"VXC 6215", "Cisco VXC 6215"};
    facts.user = "thinuser";
    facts.mac = "00:80:64:aa:bb:cc";
    facts.ip = "192.0.2.7";
    facts.hostname = "tc-7";
    facts.serial = "SN 7";
    return facts;
}

/// Where a device path lies below the relocation "/mnt/image": the drive C: is a folder there.
inline std::string in_image(const std::string& path) {
    return (rooted("/") == "/" ? "/mnt/image" : "/mnt/image/C") + path;
}

inline void write_plainly(std::vector<TaskResult>& results) {
    for (auto& result : results) {
        result.context = plain(result.context);
    }
}

/// The texts of a plan, or of what came of it, with their paths as the tests write them.
inline Plan as_written(Plan plan) {
    for (auto& step : plan.steps) {
        step.effect = plain(step.effect);
    }
    for (auto& complaint : plan.complaints) {
        complaint.message = plain(complaint.message);
    }
    write_plainly(plan.results);
    return plan;
}
inline Outcome as_written(Outcome outcome) {
    write_plainly(outcome.results);
    for (auto& step : outcome.steps) {
        write_plainly(step.results);
    }
    return outcome;
}

inline std::vector<std::string> plain(std::vector<std::string> texts) {
    for (auto& text : texts) {
        text = plain(text);
    }
    return texts;
}

struct Device {
    fakes::FakeFiles files;
    fakes::FakeDisks disks;
    fakes::FakeProcesses processes;
    fakes::FakeHost host;
    fakes::FakeClock clock;
    FakePackage package{files};
    MemoryJournal journal;
    Watcher watcher;
    CancelToken cancel;
    Facts facts = test_facts();
    Jail jail{{rooted("/")}, "", {rooted("/usr/sbin/hagent"), rooted("/etc/hagent"), rooted("/var/lib/hagent")}};
    fakes::FakeDialogs dialogs;
    KeyStore registry{files, rooted("/var/lib/hagent/registry.ini")};
    work::Settings settings = [] {
        work::Settings out;
        out.hooks_dir = rooted("/etc/hagent/hooks");
        return out;
    }();
    Options options;
    Services services{
        files, processes, host, clock, disks, settings, facts, nullptr, &registry, &dialogs, rooted("/var/lib/hagent")};

    /// `commands` are the lines below [Script]; the first is line 2. Arguments are rooted once lines and columns are
    /// known.
    [[nodiscard]] static Script script(const std::string& commands) {
        auto parsed = parse("[Script]\n" + commands, "demo.rsp");
        REQUIRE(std::holds_alternative<Script>(parsed));
        return rooted_arguments(std::get<Script>(std::move(parsed)));
    }
    [[nodiscard]] static Script rooted_arguments(Script script) {
        for (auto& command : script.commands) {
            for (auto& argument : command.arguments) {
                argument.text = rooted(argument.text);
            }
        }
        return script;
    }
    /// With programs looked for; run() leaves that to the run.
    [[nodiscard]] Plan plan(const std::string& commands) { return plan(commands, &processes); }
    [[nodiscard]] Plan plan(const std::string& commands, const platform::Processes* programs) {
        const auto records = journal.earlier();
        options.staging_dir = k_staging;
        options.uploads = services.uploads != nullptr;
        options.processes = programs;
        options.registry = services.registry;
        options.earlier = records;
        return as_written(analyse(script(commands), facts, package, jail, files, disks, options));
    }
    [[nodiscard]] Result<Outcome> try_run(const std::string& commands) {
        const Plan planned = plan(commands, nullptr);
        INFO(render_plan(planned));
        REQUIRE(!has_error(planned.results));
        return script::run(planned, package, services, journal, watcher, journal.earlier(), cancel);
    }
    [[nodiscard]] Outcome run(const std::string& commands) {
        auto outcome = try_run(commands);
        REQUIRE(outcome.ok());
        return as_written(std::move(outcome).value());
    }
};

inline std::vector<std::string> states(const Outcome& outcome) {
    std::vector<std::string> all;
    for (const auto& step : outcome.steps) {
        all.emplace_back(to_string(step.state));
    }
    return all;
}

inline std::vector<std::uint16_t> codes(const std::vector<TaskResult>& results) {
    std::vector<std::uint16_t> all;
    for (const auto& result : results) {
        all.push_back(result.id.number);
    }
    return all;
}

using Strings = std::vector<std::string>;
using Codes = std::vector<std::uint16_t>;

}  // namespace hagent::script
