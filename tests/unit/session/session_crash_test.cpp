// SPDX-License-Identifier: Apache-2.0
// Owns the test that cuts the power at every change of a whole session: no step that must run once runs twice, the
// manager hears one end, the files are right.
#include "agent/script/key_store.h"
#include "agent/script/registry_text.h"
#include "tests/unit/session/crash_device.h"

namespace hagent::session {
namespace {

const std::string k_kernel = std::string(9000, 'k');

/// Every command that changes something here or at the server.
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
    "GF \"/etc/conf\" \"logs/<serial>.conf\"\n"
    "RF \"/data/a\" \"/data/b\"\n"
    "DF \"/data/drop\"\n"
    "DT \"/data/tree\"\n"
    "SV \"HKLM\\Software\\X\\n\" \"new\"\n"
    "MR \"/opt/tree/x.reg\"\n"
    "DV \"HKLM\\Software\\X\" \"gone\"\n"
    "DK \"HKLM\\Software\\Y\"\n"
    "GR \"HKLM\\Software\\X\" \"logs/<serial>.reg\"\n"
    "RB\n"
    "EX* \"once second\"\n"
    "AL \"/etc/conf\" \"after=1\"\n"
    "EL\n"
    "SP\n";
constexpr std::size_t k_steps = 24;
const FileMap k_package = {{"fw/kernel", k_kernel},
                           {"tree/run", "#!/bin/sh\n"},
                           {"tree/sub/data", "data"},
                           {"tree/x.reg", "REGEDIT4\n\n[HKLM\\Software\\X]\n\"m\"=\"merged\"\n[HKLM\\Software\\Y]\n"}};
const std::string k_sent_file = std::string(k_base_url) + "logs/SN0001.conf",
                  k_sent_branch = std::string(k_base_url) + "logs/SN0001.reg";
const std::string k_key = "HKEY_LOCAL_MACHINE\\Software\\X", k_other_key = "HKEY_LOCAL_MACHINE\\Software\\Y";

struct Cut : CutDevice {
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
        REQUIRE(registry
                    .apply({{RegistryChange::Kind::set, k_key, "n", old},
                            {RegistryChange::Kind::set, k_key, "gone", old},
                            {RegistryChange::Kind::set, k_other_key, "n", old}})
                    .ok());
        listener.on_change = [this](const SessionRecord& record) {
            for (const auto& step : record.steps) {
                const bool sends = step.op == "GF" || step.op == "GR";
                told_too_early += sends && step.state == work::StepState::done &&
                                  !cut_fetcher.whole.contains(step.op == "GF" ? k_sent_file : k_sent_branch);
            }
        };
        files.forget_calls();
    }

    script::KeyStore registry{files, settings.state.registry()};
    std::map<std::string, int> runs;
    unsigned questions = 0;
    unsigned told_too_early = 0;  // that an upload is done
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
        CHECK(path.find("/export-") == std::string::npos);
        CHECK_FALSE(path.starts_with("/var/lib/hagent/downloads/0"));
    }
}

/// What was sent has come as it was at its step, and was sent again only when the power went before the step's end was
/// noted.
void check_uploads(Cut& device, bool cut) {
    CHECK(device.told_too_early == 0);
    CHECK(device.fetcher.files[k_sent_file].bytes == "keep=1\nnew=1\n");
    CHECK(device.fetcher.files[k_sent_branch].bytes == script::registry_text(device.registry.branch(k_key).value()));
    for (const auto& url : {k_sent_file, k_sent_branch}) {
        CAPTURE(url);
        CHECK(device.cut_fetcher.sent[url] >= 1);
        CHECK(device.cut_fetcher.sent[url] <= (cut ? 2U : 1U));
    }
}

/// A program that must run once has run once, or its step says that nobody knows.
void check_once(Cut& device, const Stored& session, unsigned step, const std::string& name) {
    CAPTURE(name);
    const auto& record = session.record.steps.at(step - 1);
    CHECK(device.runs[name] <= 1);
    if (record.state == work::StepState::failed) {
        CHECK(has_code(record.results, errors::AgentCode::step_interrupted));
    } else {
        CHECK(record.state == work::StepState::done);
        CHECK(device.runs[name] == 1);
    }
}

/// The user was asked until he accepted and has his device back; after a kill the machine was asked to stop by all
/// means.
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
    const auto session = device.only_session();
    CHECK(session.record.phase == Phase::completed);
    REQUIRE(session.record.steps.size() == k_steps);
    check_once(device, session, 6, "first");
    check_once(device, session, 8, "apart");
    check_once(device, session, 21, "second");
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
            uploads += call.starts_with("outside: send") || call.starts_with("outside: hear") ? 1U : 0U;
            others += call.starts_with("outside: ") ? 1U : 0U;
        }
        others -= programs + uploads;
        all = calls.size();
    }
    std::size_t all = 0, journal = 0, reports = 0, programs = 0, uploads = 0, others = 0;
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
        check_uploads(device, run.cut);
        device.check_one_final();
        if (!run.cut) {
            CHECK(run.lives == 2);
            break;
        }
    }
    MESSAGE(k_steps << " steps, cut at one in " << k_stride << " of " << k_changes.all << " changes: "
                    << k_changes.journal << " records of the journal and " << k_changes.reports << " of the reports, "
                    << k_changes.programs << " programs, " << k_changes.uploads << " moments of two uploads, "
                    << k_changes.others << " times the user or the power switch, and what files take beside these");
    CHECK(call > k_changes.all);  // every one had its turn
    CHECK(k_changes.all > 350);
    CHECK(k_changes.journal >= 2 * k_steps);  // each step's begin and end
    CHECK(k_changes.programs == 4);
    CHECK(k_changes.uploads == 6);
    CHECK(k_changes.others >= 6);
}

TEST_CASE("a whole session survives a power cut at any change, unsynced bytes lost") {
    cut_everywhere(fakes::Unsynced::lost, false);
}
TEST_CASE("a whole session survives a power cut at any change, unsynced bytes torn") {
    cut_everywhere(fakes::Unsynced::torn, false);
}
TEST_CASE("a whole session survives a kill at any change") { cut_everywhere(fakes::Unsynced::kept, true); }

TEST_CASE("a refusal that was reported stays one, wherever the power fails") {
    for (std::uint64_t call = 1;; call += k_stride) {
        CAPTURE(call);
        Cut device;
        trust::Manifest manifest;
        manifest.targets.os = {"SLX"};
        device.publish(k_script, k_package, manifest);
        const auto ours = std::exchange(device.settings.os_codes, {"WES"});
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
        device.settings.os_codes = ours;  // now it would be taken
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
            CHECK(device.cut_fetcher.sent.empty());
        }
        if (!cut) {
            CHECK(call > 30);
            break;
        }
    }
}

TEST_CASE("a job that rests after a bad answer is tried again and told once, wherever the power fails") {
    for (std::uint64_t call = 1;; call += k_stride) {
        CAPTURE(call);
        Cut device;
        auto kernel = device.fetcher.files.extract(std::string(k_base_url) + "fw/kernel");
        device.files.cut_power_at(call);
        device.live();
        const bool cut = device.files.power_is_off();
        CHECK(device.finals == 0);
        device.fetcher.files.insert(std::move(kernel));  // the server is whole again
        for (int lives = 0; !device.over && lives < 5; ++lives) {
            if (device.files.power_is_off()) {  // also where the first life ended before it
                device.files.restart(fakes::Unsynced::lost);
            }
            device.clock.advance(Seconds{20});
            device.host.known.boot_id += "+";
            device.live();
        }
        REQUIRE(device.over);
        CHECK(device.last_final.stage == ReportStage::success);
        CHECK(device.finals == 1);
        check_files(device);
        if (!cut) {
            CHECK(call > 30);
            break;
        }
    }
}

}  // namespace
}  // namespace hagent::session
