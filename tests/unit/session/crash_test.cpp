// SPDX-License-Identifier: Apache-2.0
// Owns the test that cuts the power at every change of a whole session: no step that must run once runs twice, the
// manager hears one end, the files are right.
#include <condition_variable>
#include <mutex>

#include "agent/manager/report_queue.h"
#include "agent/session/engine.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

const std::string k_kernel = std::string(9000, 'k');

const std::string k_script =
    "CO \"SLX\"\n"
    "CF \"/\" \"1M\"\n"
    "SF \"fw/kernel\" \"/boot/kernel\"\n"
    "SF \"fw/kernel\" \"/boot/kernel.copy\"\n"
    "XC \"tree\" \"/opt/tree\"\n"
    "EX* \"once first\"\n"
    "EX \"again\" \"+r\"\n"
    "AL \"/etc/conf\" \"new=1\"\n"
    "DL \"/etc/conf\" \"old=1\"\n"
    "RF \"/data/a\" \"/data/b\"\n"
    "DF \"/data/drop\"\n"
    "DT \"/data/tree\"\n"
    "RB\n"
    "EX* \"once second\"\n"
    "AL \"/etc/conf\" \"after=1\"\n";
constexpr std::size_t k_steps = 15;

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

struct Cut : Device {
    Cut() {
        static const auto k_served = [this] {  // signing takes time
            publish(k_script, {{"fw/kernel", k_kernel}, {"tree/run", "#!/bin/sh\n"}, {"tree/sub/data", "data"}});
            return fetcher.files;
        }();
        fetcher.files = k_served;
        files.put("/boot/kernel", "old kernel");
        files.put("/etc/conf", "old=1\nkeep=1\n");
        files.put("/data/a", "a");
        files.put("/data/drop", "x");
        files.put("/data/tree/x/y", "x");
        processes.on("once", [this](const platform::Command& command, const CancelToken&) -> Result<platform::Exit> {
            ++runs[command.argv.at(1)];
            return platform::Exit{};
        });
        processes.on("again", platform::Exit{});
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
        Engine engine(context, worker, [&] { idle.tell(); });
        if (engine.resume_unfinished().ok()) {
            if (!(*queue)->finished("job-1")) {
                (void)engine.offer(job());
            }
            REQUIRE(idle.wait(engine));
        }
        worker.stop();
        while (const auto waiting = (*queue)->begin_delivery()) {
            finals += waiting->report.final() ? 1U : 0U;
            last_final = waiting->report.final() ? waiting->report : last_final;
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

    std::map<std::string, int> runs;
    unsigned finals = 0;
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
    check_once(device, sessions[0], 14, "second");
    check_files(device);
    CHECK(device.last_final.stage == ReportStage::success);
}

/// The power goes once, at each call in turn.
void cut_everywhere(fakes::Unsynced unsynced, bool is_kill) {
    std::uint64_t call = first_cut(unsynced);
    for (;; call += k_stride) {
        CAPTURE(call);
        Cut device;
        device.files.cut_power_at(call);
        unsigned lives = 0;
        bool cut = false;
        for (; !device.over && lives < 6; ++lives) {
            device.live();
            if (device.files.power_is_off()) {
                device.files.restart(unsynced);
                cut = true;
                device.host.known.boot_id += is_kill ? "" : "+";
            } else if (!device.over) {
                device.host.known.boot_id += "+";  // the script asked for it
            }
        }
        check_end(device);
        CHECK(device.finals >= 1);
        CHECK(device.finals <= (device.cut_in_delivery ? 2U : 1U));  // told again when its acknowledgement was cut off
        if (!cut) {
            CHECK(lives == 2);
            break;
        }
    }
    MESSAGE("power cut at one in " << k_stride << " of about " << call - 1 << " changes");
    CHECK(call > 150);
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
