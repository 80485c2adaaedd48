// SPDX-License-Identifier: Apache-2.0
// Owns the test that cuts the power at every change of a whole session: no step that must run once runs twice, the
// manager hears one end, the files are right.
#include <condition_variable>
#include <mutex>
#include <set>

#include "agent/manager/report_queue.h"
#include "agent/script/key_store.h"
#include "agent/session/engine.h"
#include "tests/fakes/fake_dialogs.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

const std::string k_kernel = std::string(9000, 'k');

/// Every command that changes something.
const std::string k_script =
    "LU \"wait\" \"60\"\n"
    "QU \"now?\" \"5\"\n"
    "SF \"fw/kernel\" \"/boot/kernel\"\n"
    "SF \"fw/kernel\" \"/boot/kernel.copy\"\n"
    "XC \"tree\" \"/opt/tree\"\n"
    "EX* \"once first\"\n"
    "EX \"again\" \"+r\"\n"
    "EX* \"once apart\" \"-\"\n"
    "AL \"/etc/conf\" \"new=1\"\n"
    "DL \"/etc/conf\" \"old=1\"\n"
    "RF \"/data/a\" \"/data/b\"\n"
    "DF \"/data/drop\"\n"
    "DT \"/data/tree\"\n"
    "SV \"HKLM\\Software\\X\\n\" \"new\"\n"
    "MR \"/opt/tree/x.reg\"\n"
    "DV \"HKLM\\Software\\X\" \"gone\"\n"
    "DK \"HKLM\\Software\\Y\"\n"
    "RB\n"
    "EX* \"once second\"\n"
    "AL \"/etc/conf\" \"after=1\"\n"
    "EL\n"
    "SP\n";
constexpr std::size_t k_steps = 22;
const FileMap k_package = {{"fw/kernel", k_kernel},
                           {"tree/run", "#!/bin/sh\n"},
                           {"tree/sub/data", "data"},
                           {"tree/x.reg", "REGEDIT4\n\n[HKLM\\Software\\X]\n\"m\"=\"merged\"\n[HKLM\\Software\\Y]\n"}};
const std::string k_key = "HKEY_LOCAL_MACHINE\\Software\\X", k_other_key = "HKEY_LOCAL_MACHINE\\Software\\Y";

/// The power goes at every change, or at every few where all would take too long; other ones for each kind of cut.
constexpr std::uint64_t k_stride = HAGENT_CUT_STRIDE;
constexpr std::uint64_t first_cut(fakes::Unsynced unsynced) { return 1 + static_cast<std::uint64_t>(unsynced) % k_stride; }

/// Says when the engine has nothing more to do.
class Idle {
public:
    void tell() {
        const std::lock_guard lock(mutex_);
        told_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait(const Engine& engine) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return told_ && engine.idle(); });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool told_ = false;
};

/// A power switch and a user that are not there any more once the power is off.
class CutHost final : public platform::Host {
public:
    CutHost(fakes::FakeHost& host, fakes::FakeFiles& files) : host_(host), files_(files) {}
    [[nodiscard]] platform::HostFacts facts() override { return host_.facts(); }
    [[nodiscard]] Status power(platform::PowerAction action) override {
        TRY(files_.outside("power"));
        return host_.power(action);
    }

private:
    fakes::FakeHost& host_;
    fakes::FakeFiles& files_;
};

class CutDialogs final : public platform::Dialogs {
public:
    CutDialogs(fakes::FakeDialogs& dialogs, fakes::FakeFiles& files) : dialogs_(dialogs), files_(files) {}
    [[nodiscard]] Status tell(const std::string& message, Seconds time) override {
        TRY(files_.outside("tell"));
        return dialogs_.tell(message, time);
    }
    [[nodiscard]] Status take_back() override {
        TRY(files_.outside("take back"));
        return dialogs_.take_back();
    }
    [[nodiscard]] Result<platform::Answer> ask(const std::string& text, Seconds time, const CancelToken& cancel) override {
        TRY(files_.outside("ask"));
        return dialogs_.ask(text, time, cancel);
    }

private:
    fakes::FakeDialogs& dialogs_;
    fakes::FakeFiles& files_;
};

struct Cut : Device {
    Cut() {
        static const auto k_served = [this] {  // signing takes time
            publish(k_script, k_package);
            return fetcher.files;
        }();
        fetcher.files = k_served;
        files.put("/boot/kernel", "old kernel");
        files.put("/etc/conf", "old=1\nkeep=1\n");
        files.put("/data/a", "a");
        files.put("/data/drop", "x");
        files.put("/data/tree/x/y", "x");
        const auto run = [this](const platform::Command& command, const CancelToken&) -> Result<platform::Exit> {
            TRY(files.outside("run"));
            ++runs[command.argv.back()];
            return platform::Exit{};
        };
        processes.on("once", run);
        processes.on("again", run);
        dialogs.on_ask = [this] { return ++questions == 1 ? platform::Answer::postponed : platform::Answer::accepted; };
        using platform::RegistryChange;
        const platform::RegistryValue old{platform::ValueType::text, "old"};
        REQUIRE(registry.apply({{RegistryChange::Kind::set, k_key, "n", old}, {RegistryChange::Kind::set, k_key, "gone", old},
                                {RegistryChange::Kind::set, k_other_key, "n", old}}).ok());
        files.forget_calls();
    }

    /// One life of the agent, from its start until it has nothing to do or the power is gone. The manager offers the
    /// job as long as it has not heard its end, and takes every report.
    void live() {
        auto queue = manager::ReportQueue::open(files, rooted("/var/lib/hagent/reports"));
        if (!queue.ok()) {
            REQUIRE(files.power_is_off());
            return;
        }
        listener.forward = [&](const Report& report) { return (*queue)->add(report); };
        Idle idle;
        loop::Worker worker(8);
        Engine engine(cut_context, worker, [&] { idle.tell(); });
        if (engine.resume_unfinished().ok()) {
            if (!(*queue)->finished("job-1")) {
                (void)engine.offer(job());
            }
            REQUIRE(idle.wait(engine));
        }
        worker.stop();
        while (const auto waiting = (*queue)->begin_delivery()) {
            finals += waiting->report.final() ? 1U : 0U;
            if (waiting->report.final()) {
                last_final = waiting->report;
                final_reports.insert(waiting->number);
            }
            if (!(*queue)->acknowledge(waiting->number).ok()) {
                cut_in_delivery = true;
                break;
            }
        }
        over = !files.power_is_off() && (*queue)->finished("job-1").has_value() && none_unfinished();
        listener.forward = nullptr;
    }

    [[nodiscard]] bool none_unfinished() {
        for (const auto& name : store.list().value_or({})) {
            const auto stored = store.load(name);
            if (!stored.ok() || (stored->begun && !stored->record.ended)) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] std::ptrdiff_t times_asked(platform::PowerAction action) const {
        return std::count(host.actions.begin(), host.actions.end(), action);
    }

    fakes::FakeDialogs dialogs;
    CutHost cut_host{host, files};
    CutDialogs cut_dialogs{dialogs, files};
    Context cut_context{files, clock, processes, cut_host, disks, fetcher, options, random, log, settings, store, listener, &cut_dialogs, nullptr};
    script::KeyStore registry{files, settings.state_directory + "/registry.ini"};
    std::map<std::string, int> runs;
    unsigned questions = 0;
    unsigned finals = 0;
    std::set<std::uint64_t> final_reports;  // the numbers of the queue
    Report last_final;
    bool cut_in_delivery = false;
    bool over = false;
};

void check_files(Cut& device) {
    CHECK(device.files.content("/boot/kernel") == k_kernel);
    CHECK(device.files.content("/boot/kernel.copy") == k_kernel);
    CHECK(device.files.content("/opt/tree/run") == "#!/bin/sh\n");
    CHECK(device.files.content("/opt/tree/sub/data") == "data");
    CHECK(device.files.content("/etc/conf") == "keep=1\nnew=1\nafter=1\n");
    CHECK(device.files.content("/data/b") == "a");
    CHECK(device.registry.value(k_key, "n").value()->data == "new");
    CHECK(device.registry.value(k_key, "m").value()->data == "merged");
    CHECK_FALSE(device.registry.value(k_key, "gone").value().has_value());
    CHECK(device.registry.branch(k_other_key).value().empty());
    for (const char* gone : {"/data/a", "/data/drop", "/data/tree"}) {
        CAPTURE(gone);
        CHECK_FALSE(device.files.exists(gone));
    }
    for (const auto& path : device.files.tree()) {
        CAPTURE(path);
        CHECK(path.find(".hagent-new") == std::string::npos);
        CHECK_FALSE(path.starts_with("/var/lib/hagent/downloads/0"));
    }
}

/// A program that must run once has run once, or its step says that nobody knows.
void check_once(Cut& device, const Stored& session, unsigned step, const std::string& name) {
    CAPTURE(name);
    const auto& record = session.record.steps.at(step - 1);
    CHECK(device.runs[name] <= 1);
    if (record.state == script::StepState::failed) {
        CHECK(has_code(record.results, errors::AgentCode::step_interrupted));
    } else {
        CHECK(record.state == script::StepState::done);
        CHECK(device.runs[name] == 1);
    }
}

/// The user was asked until he accepted and has his device back; after a kill the machine was asked to stop by all means.
void check_people_and_power(const Cut& device, bool is_kill) {
    CHECK(device.questions >= 2);
    CHECK(device.questions <= 3);  // the answer that the cut swallowed is asked for again
    REQUIRE_FALSE(device.dialogs.log.empty());
    CHECK(device.dialogs.log.back() == "take back");
    for (const auto action : {platform::PowerAction::reboot, platform::PowerAction::power_off}) {
        CHECK(device.times_asked(action) >= (is_kill ? 1 : 0));
        CHECK(device.times_asked(action) <= 2);
    }
}

void check_end(Cut& device) {
    REQUIRE(device.over);
    const auto ids = device.store.list().value_or({});
    std::vector<Stored> sessions;
    for (const auto& name : ids) {
        auto stored = device.store.load(name);
        if (stored.ok() && stored->begun) {
            sessions.push_back(std::move(stored).value());
        }
    }
    REQUIRE(sessions.size() == 1);  // the job was never begun anew
    CHECK(sessions[0].record.phase == Phase::completed);
    REQUIRE(sessions[0].record.steps.size() == k_steps);
    check_once(device, sessions[0], 6, "first");
    check_once(device, sessions[0], 8, "apart");
    check_once(device, sessions[0], 19, "second");
    check_files(device);
    CHECK(device.last_final.stage == ReportStage::success);
}

struct Run {
    unsigned lives = 0;
    bool cut = false;
};

/// Lives until the session is over; a machine that was asked to restart does so.
Run live_to_the_end(Cut& device, fakes::Unsynced unsynced, bool is_kill) {
    Run run;
    for (; !device.over && run.lives < 6; ++run.lives) {
        device.live();
        if (device.files.power_is_off()) {
            device.files.restart(unsynced);
            run.cut = true;
            device.host.known.boot_id += is_kill ? "" : "+";
        } else if (!device.over) {
            device.host.known.boot_id += "+";  // the script asked for it
        }
    }
    return run;
}

/// What the session changes when nothing goes wrong, by what it changes.
struct Changes {
    Changes() {
        Cut device;
        (void)live_to_the_end(device, fakes::Unsynced::kept, false);
        const auto calls = device.files.calls();
        for (const auto& call : calls) {
            const bool record = call.starts_with("write ");
            journal += record && call.ends_with("journal") ? 1U : 0U;
            reports += record && call.ends_with("reports") ? 1U : 0U;
            programs += call == "outside: run" ? 1U : 0U;
            others += call.starts_with("outside: ") && call != "outside: run" ? 1U : 0U;
        }
        all = calls.size();
    }
    std::size_t all = 0, journal = 0, reports = 0, programs = 0, others = 0;
};

/// The power goes once, at each change in turn.
void cut_everywhere(fakes::Unsynced unsynced, bool is_kill) {
    static const Changes k_changes;
    std::uint64_t call = first_cut(unsynced);
    for (;; call += k_stride) {
        CAPTURE(call);
        Cut device;
        device.files.cut_power_at(call);
        const Run run = live_to_the_end(device, unsynced, is_kill);
        check_end(device);
        check_people_and_power(device, is_kill);
        CHECK(device.final_reports.size() == 1);
        CHECK(device.finals >= 1);
        CHECK(device.finals <= (device.cut_in_delivery ? 2U : 1U));  // told again when its acknowledgement was cut off
        if (!run.cut) {
            CHECK(run.lives == 2);
            break;
        }
    }
    MESSAGE(k_steps << " steps, cut at one in " << k_stride << " of " << k_changes.all << " changes: " << k_changes.journal
                    << " records of the journal and " << k_changes.reports << " of the reports, " << k_changes.programs << " programs, "
                    << k_changes.others << " times the user or the power switch, and what files take beside these");
    CHECK(call > k_changes.all);  // every one had its turn
    CHECK(k_changes.all > 350);
    CHECK(k_changes.journal >= 2 * k_steps);  // each step's begin and end
    CHECK(k_changes.programs == 4);
    CHECK(k_changes.others >= 6);
}

TEST_CASE("a whole session survives a power cut at any change, unsynced bytes lost") { cut_everywhere(fakes::Unsynced::lost, false); }
TEST_CASE("a whole session survives a power cut at any change, unsynced bytes torn") { cut_everywhere(fakes::Unsynced::torn, false); }
TEST_CASE("a whole session survives a kill at any change") { cut_everywhere(fakes::Unsynced::kept, true); }

TEST_CASE("a refusal that was reported stays one, wherever the power fails") {
    for (std::uint64_t call = 1;; call += k_stride) {
        CAPTURE(call);
        Cut device;
        auto kernel = device.fetcher.files.extract(std::string(k_base_url) + "fw/kernel");
        device.files.cut_power_at(call);
        device.live();
        const bool cut = device.files.power_is_off();
        if (cut) {
            device.files.restart(fakes::Unsynced::lost);
            device.host.known.boot_id += "+";
        }
        const auto queue = manager::ReportQueue::open(device.files, rooted("/var/lib/hagent/reports"));
        REQUIRE(queue.ok());
        const auto told = (*queue)->finished("job-1");
        device.fetcher.files.insert(std::move(kernel));  // the server is whole again
        for (int lives = 0; !device.over && lives < 4; ++lives) {
            device.live();
            device.host.known.boot_id += "+";
        }
        CAPTURE(cut);
        REQUIRE(device.over);
        if (told) {
            CHECK(told->stage == ReportStage::failure);
            CHECK(device.files.content("/boot/kernel") == "old kernel");
            CHECK(device.runs.empty());
        }
        if (!cut) {
            CHECK(call > 30);
            break;
        }
    }
}

}  // namespace
}  // namespace hagent::session
