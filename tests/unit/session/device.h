// SPDX-License-Identifier: Apache-2.0
// Owns the device that the session tests work on: fakes for everything outside, signed packages on a fake server.
// Scripts write paths as POSIX does; they are rooted when they are published.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/script/script_kind.h"
#include "agent/session/session.h"
#include "agent/trust/sign.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_fetcher.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"
#include "tests/fakes/job_source.h"
#include "tests/fakes/rooted.h"
#include "tests/unit/trust/keys.h"

namespace hagent::session {

inline constexpr const char* k_base_url = "http://repository.example/demo/";

using fakes::plain;
using fakes::rooted;
using FileMap = std::map<std::string, std::string>;

/// Remembers what a session tells; `forward` may keep reports elsewhere and fail, `on_change` may interfere.
class Listener final : public Observer {
public:
    void changed(const SessionRecord& record) override {
        last = record;
        if (phases.empty() || phases.back() != record.phase) {
            phases.push_back(record.phase);
        }
        if (on_change) {
            on_change(record);
        }
    }
    [[nodiscard]] Status report(const Report& report) override {
        TRY(forward ? forward(report) : Status());
        reports.push_back(report);
        return {};
    }

    [[nodiscard]] bool has_ended(const std::string& job_id) const override { return ended && ended(job_id); }

    [[nodiscard]] std::vector<Report> finals() const {
        std::vector<Report> all;
        std::copy_if(reports.begin(), reports.end(), std::back_inserter(all),
                     [](const Report& r) { return r.final(); });
        return all;
    }
    /// Everything that was ever said, one message a line.
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const auto& report : reports) {
            for (const auto& message : report.messages) {
                all += message + "\n";
            }
        }
        return all;
    }

    SessionRecord last;
    std::vector<Phase> phases;  // without repetition
    std::vector<Report> reports;
    std::function<Status(const Report&)> forward;
    std::function<bool(const std::string&)> ended;  // whether the final report of this job is kept; absent: never
    std::function<void(const SessionRecord&)> on_change;
};

struct Device {
    Device() {
        files.put("/etc/hagent/keys/release.pem", trust::keys::k_ec_a_public);
        files.put_directory("/var/lib/hagent");
        settings.state = config::StatePaths(rooted("/var/lib/hagent"));
        settings.keys_directory = rooted("/etc/hagent/keys");
        settings.os_codes = {"SLX", "LXS"};
        settings.device_ids = {"device-1", "00:80:64:aa:bb:cc"};
        settings.roots = {rooted("/")};
        settings.protected_paths = {rooted("/var/lib/hagent"), rooted("/etc/hagent")};
        options.attempts = 3;
        clock.set_wall(WallTime{Millis{1'796'083'200'000}});  // 2026-12-01: a clock that is trusted
    }

    /// Signs a package with the entry `demo.rsp` (its text as given below [Script]) and puts it on the server.
    void publish(const std::string& script, FileMap content, trust::Manifest manifest = {},
                 std::string_view key = trust::keys::k_ec_a_private) {
        content["demo.rsp"] = "[Version]\nNumber=1\n[Script]\n" + fakes::rooted_script(script);
        manifest.package = manifest.package.empty() ? "demo" : manifest.package;
        manifest.version = manifest.version.empty() ? "1.0" : manifest.version;
        manifest.serial = manifest.serial == 0 ? 7 : manifest.serial;
        manifest.entry = manifest.entry.empty() ? "demo.rsp" : manifest.entry;
        fakes::FakeFiles build_host;
        for (const auto& [path, bytes] : content) {
            build_host.put("/package/" + path, bytes);
        }
        const auto made = trust::sign_package(build_host, "/package", manifest, key);
        REQUIRE(made.ok());
        for (const auto& file : made->files) {
            fetcher.files[k_base_url + file.path].bytes = *build_host.content("/package/" + file.path);
        }
        fetcher.files[std::string(k_base_url) + "manifest.json"].bytes = *build_host.content("/package/manifest.json");
        fetcher.files[std::string(k_base_url) + "manifest.sig"].bytes = *build_host.content("/package/manifest.sig");
    }

    [[nodiscard]] static Job job(const std::string& id = "job-1") {
        Job job;
        job.id = id;
        job.name = "Demo 1.0";
        signed_package(job).base_url = k_base_url;
        return job;
    }

    [[nodiscard]] Result<SessionEnd> run(const Job& job) {
        auto session = Session::begin(context, job);
        REQUIRE(session.ok());
        id = (*session)->record().id;
        return (*session)->run(stop);
    }
    [[nodiscard]] Result<SessionEnd> resume(const std::optional<Job>& again = std::nullopt) {
        auto session = Session::resume(context, id, again);
        REQUIRE(session.ok());
        return (*session)->run(stop);
    }
    /// What the journal says now.
    [[nodiscard]] Stored stored() {
        auto stored = store.load(id);
        REQUIRE(stored.ok());
        return std::move(stored).value();
    }
    [[nodiscard]] bool asked_for(const std::string& path) const {
        return std::any_of(fetcher.asked.begin(), fetcher.asked.end(),
                           [&](const auto& e) { return e.url == k_base_url + path; });
    }

    fakes::FakeFiles files;
    fakes::FakeClock clock;
    fakes::FakeProcesses processes;
    fakes::FakeHost host;
    fakes::FakeDisks disks;
    fakes::FakeFetcher fetcher;
    transfer::Options options;
    transfer::Random random = [] { return std::uint64_t{4}; };
    log::Log log{clock};
    Settings settings;
    Store store{files, config::StatePaths(rooted("/var/lib/hagent"))};
    Listener listener;
    Stop stop;
    std::string id;  // of the session begun last
    script::ScriptKind scripts;
    work::Kinds kinds = [this] {
        work::Kinds table;
        table.add(JobKind::script, scripts);
        return table;
    }();
    Context context{files,  clock, processes, host,  disks,    fetcher, options,
                    random, log,   settings,  store, listener, kinds};
};

inline bool has_code(const std::vector<TaskResult>& results, errors::AgentCode code) {
    return std::any_of(results.begin(), results.end(),
                       [&](const TaskResult& r) { return r.id == errors::agent(code); });
}

}  // namespace hagent::session
