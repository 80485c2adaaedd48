// SPDX-License-Identifier: Apache-2.0
// Owns the test that cuts the power at every change of a session of the kind that only tests know: it rests, restarts
// the machine and goes on trial, and whatever happens ends as it should, once.
#include "tests/unit/session/crash_device.h"
#include "tests/unit/session/probe.h"

namespace hagent::session {
namespace {

const std::string k_lines =
    "look\n"
    "fetch f /data/f\n"
    "write /data/a one\n"
    "once /data/b two\n"
    "suspend\n"
    "write /data/c three\n"
    "restart\n"
    "write /data/d four\n"
    "fail?\n";
constexpr unsigned k_once = 4;

struct Cut : Probed<CutDevice> {
    explicit Cut(const std::string& last_line) {
        publish_probe(k_lines + last_line + "\n", {{"f", std::string(5000, 'f')}});
        offered = probe_job();
        files.forget_calls();
    }
};

/// The machine starts again after each life: because its power failed, because it was asked to, or to go on with what
/// rests. True when the power was cut.
bool live_to_the_end(Cut& device, fakes::Unsynced unsynced) {
    bool cut = false;
    for (int lives = 0; !device.over && lives < 10; ++lives) {
        device.live();
        if (device.files.power_is_off()) {
            device.files.restart(unsynced);
            cut = true;
        }
        device.host.known.boot_id += "+";
    }
    return cut;
}

void check_end(Cut& device, ReportStage wanted) {
    REQUIRE(device.over);
    device.check_one_final();
    const auto session = device.only_session();
    CHECK(session.record.phase == Phase::completed);
    const auto& once = session.record.steps.at(k_once - 1);
    if (once.state == work::StepState::failed) {  // nobody knows whether it was done: told, not done again
        CHECK(has_code(once.results, errors::AgentCode::step_interrupted));
        CHECK(device.last_final.stage == ReportStage::failure);
        CHECK_FALSE(device.files.exists("/data/c"));
        return;
    }
    CHECK(device.last_final.stage == wanted);
    CHECK(device.files.content("/data/f") == std::string(5000, 'f'));
    CHECK(device.files.content("/data/a") == "one");
    CHECK(device.files.content("/data/b") == "two");
    CHECK(device.files.content("/data/c") == "three");
    CHECK(device.files.content("/data/d") == "four");
}

void cut_everywhere(const std::string& last_line, fakes::Unsynced unsynced, ReportStage wanted) {
    std::uint64_t call = first_cut(unsynced);
    for (;; call += k_stride) {
        CAPTURE(call);
        Cut device(last_line);
        device.files.cut_power_at(call);
        const bool cut = live_to_the_end(device, unsynced);
        check_end(device, wanted);
        if (!cut) {
            break;
        }
    }
    MESSAGE("cut at one in " << k_stride << " of " << call << " changes");
    CHECK(call > 100);
}

TEST_CASE("the probe survives a power cut at any change, unsynced bytes lost") {
    cut_everywhere("trial", fakes::Unsynced::lost, ReportStage::success);
}
TEST_CASE("the probe survives a power cut at any change, unsynced bytes torn") {
    cut_everywhere("trial", fakes::Unsynced::torn, ReportStage::success);
}
TEST_CASE("a trial that is not good fails once, wherever the power fails") {
    cut_everywhere("trial-fails", fakes::Unsynced::lost, ReportStage::failure);
}

/// An image that goes on trial, and another one that is offered all the time.
struct Two : Probed<CutDevice> {
    Two() {
        publish_probe("write /data/second two\n", {}, JobKind::image);
        for (const char* name : {"probe.txt", "manifest.json", "manifest.sig"}) {
            fetcher.files[k_second + name] = fetcher.files[std::string(k_base_url) + name];
        }
        publish_probe("write /data/first one\ntrial\n", {}, JobKind::image);
        offered = probe_job(JobKind::image, "first");
        more = {probe_job(JobKind::image, "second")};
        signed_package(more[0]).base_url = k_second;
        files.forget_calls();
    }
    /// The second one has changed nothing unless the first one is over.
    void check_order() {
        const auto first = store.load("000001");
        CHECK((!files.exists("/data/second") || (first.ok() && (first->verdict || first->record.ended))));
    }

    const std::string k_second = "http://repository.example/second/";
};

TEST_CASE("wherever the power fails, the next image begins behind the trial of the one before") {
    std::uint64_t call = first_cut(fakes::Unsynced::lost);
    for (bool cut = true; cut; call += k_stride) {
        CAPTURE(call);
        Two device;
        device.files.cut_power_at(call);
        cut = false;
        for (int lives = 0; !device.over && lives < 10; ++lives) {
            device.live();
            if (device.files.power_is_off()) {
                device.files.restart(fakes::Unsynced::lost);
                cut = true;
            }
            device.check_order();
            device.host.known.boot_id += "+";
        }
        REQUIRE(device.over);
        CHECK(device.ends ==
              std::map<std::string, ReportStage>{{"first", ReportStage::success}, {"second", ReportStage::success}});
        CHECK(device.final_reports.size() == 2);
        CHECK(device.files.content("/data/second") == "two");
    }
    MESSAGE("cut at one in " << k_stride << " of " << call << " changes");
    CHECK(call > 100);
}

}  // namespace
}  // namespace hagent::session
