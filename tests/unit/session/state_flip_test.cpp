// SPDX-License-Identifier: Apache-2.0
// Owns the test that damages every file of the state directory at every place, one at a time: nothing runs twice, no
// final is lost, and the damage is told. HAGENT_FLIP=full takes every byte instead of some.
#include <cstdlib>
#include <set>

#include "agent/state_check.h"
#include "tests/unit/session/crash_device.h"

namespace hagent::session {
namespace {

const std::string k_state = "/var/lib/hagent";

/// A job that is over, its final not yet acknowledged, and one that a kill met in a step that must run once.
struct Flipped : CutDevice {
    Flipped() {
        static const auto k_served = [this] {  // signing takes time
            publish("EX \"mark done\"\nEX \"mark flying\"\nEX \"mark never\"\n", {});
            return fetcher.files;
        }();
        fetcher.files = k_served;
        processes.on("mark", [this](const platform::Command& command, const CancelToken&) -> Result<platform::Exit> {
            ++runs[command.argv.back()];
            if (killed_in == command.argv.back()) {
                files.power_cut();
            }
            return platform::Exit{};
        });
    }

    /// A life in which the manager offers both jobs and hears nothing.
    void offer_only(const std::vector<Job>& jobs) {
        auto queue = manager::ReportQueue::open(files, rooted(k_state + "/reports")).value();
        listener.forward = [&](const Report& report) { return queue->add(report); };
        listener.ended = [&](const std::string& job_id) { return queue->finished(job_id).has_value(); };
        work(*queue, jobs);
        listener.forward = nullptr;
        listener.ended = nullptr;
    }

    /// The order of the agent's start; then the manager offers both jobs and takes every report.
    void live_again(const std::vector<Job>& jobs) {
        told = damage_of(files, settings.state);
        auto opened = manager::ReportQueue::open(files, rooted(k_state + "/reports"));
        REQUIRE(opened.ok());
        auto& queue = **opened;
        listener.forward = [&](const Report& report) { return queue.add(report); };
        listener.ended = [&](const std::string& job_id) { return queue.finished(job_id).has_value(); };
        const bool damaged = !mend_sessions(cut_context).empty();
        REQUIRE(queue.recover(store.memory().value(), damaged).ok());
        told.insert(told.end(), queue.damage().begin(), queue.damage().end());
        work(queue, jobs);
        while (const auto waiting = queue.begin_delivery()) {
            if (waiting->report.final()) {
                finals[waiting->report.job_id].push_back(waiting->report);
            }
            REQUIRE(queue.acknowledge(waiting->number).ok());
        }
        listener.forward = nullptr;
        listener.ended = nullptr;
    }

    std::map<std::string, int> runs;
    std::string killed_in;
    std::vector<std::string> told;
    std::map<std::string, std::vector<Report>> finals;

private:
    void work(manager::ReportQueue& queue, const std::vector<Job>& jobs) {
        Idle idle;
        loop::Worker worker(8);
        Engine engine(cut_context, worker, [&] { idle.tell(); });
        REQUIRE(engine.resume_unfinished().ok());
        for (const auto& offered_job : jobs) {
            const auto ended = queue.offered(offered_job.id, manager::content_of(offered_job));
            if (ended.ok() && !*ended) {
                (void)engine.offer(offered_job);
            }
        }
        REQUIRE(idle.wait(engine));
        worker.stop();
    }
};

const std::vector<Job>& jobs() {
    static const std::vector<Job> k_jobs = {Device::job("over"), Device::job("halfway")};
    return k_jobs;
}

/// What is on the disk after the kill, by path.
const FileMap& state_of_a_kill() {
    static const FileMap k_state_files = [] {
        Flipped device;
        device.offer_only({jobs()[0]});
        REQUIRE(device.runs == std::map<std::string, int>{{"done", 1}, {"flying", 1}, {"never", 1}});
        device.killed_in = "flying";
        device.offer_only(jobs());
        REQUIRE(device.files.power_is_off());
        REQUIRE(device.runs == std::map<std::string, int>{{"done", 2}, {"flying", 2}, {"never", 1}});
        device.files.restart(fakes::Unsynced::kept);
        FileMap out;
        for (const auto& path : device.files.tree()) {
            if (const auto content = device.files.content(path); path.starts_with(k_state) && content) {
                out[path] = *content;
            }
        }
        return out;
    }();
    return k_state_files;
}

enum class Fault : std::uint8_t { bit, ones, zero, cut, gone };

/// Whether the fault loses something that anybody needs: a copy that ends early is one that stays behind after a kill,
/// and of a package only that of the unfinished session is read again, whose session then says what is wrong.
bool is_to_be_told(const std::string& path, const std::string& bad, Fault fault) {
    const std::string& good = state_of_a_kill().at(path);
    const bool journal_copy = path.ends_with("/journal.copy") || path.ends_with("/reports.copy");
    const bool behind = good.starts_with(bad.substr(0, bad.find_last_not_of('\0') + 1));
    return bad != good && path.find("/package/") == std::string::npos &&
           path.find("/downloads/") == std::string::npos && !(journal_copy && behind) &&
           !(fault == Fault::gone && path.ends_with(".copy"));
}

void check_fault(const std::string& path, const std::string& bad, Fault fault) {
    Flipped device;
    for (const auto& [name, content] : state_of_a_kill()) {
        device.files.put(name, name == path ? bad : content);
    }
    if (fault == Fault::gone) {
        REQUIRE(device.files.remove(rooted(path)).ok());
    }
    device.live_again(jobs());
    CHECK(device.runs.empty());
    REQUIRE(device.finals["over"].size() == 1);
    CHECK(device.finals["over"][0].stage == ReportStage::success);
    REQUIRE(device.finals["halfway"].size() == 1);
    CHECK(device.finals["halfway"][0].stage == ReportStage::failure);
    CHECK((!device.told.empty() || !is_to_be_told(path, bad, fault)));
    device.live_again(jobs());
    CHECK(device.runs.empty());
    CHECK(device.finals["over"].size() == 1);
    CHECK(device.finals["halfway"].size() == 1);
}

std::string faulty(const std::string& good, std::size_t at, Fault fault) {
    std::string bad = good;
    switch (fault) {
        case Fault::bit: bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8))); break;
        case Fault::ones: bad[at] = '\xFF'; break;
        case Fault::zero: bad[at] = '\0'; break;
        case Fault::cut: bad.resize(at); break;
        case Fault::gone: break;
    }
    return bad;
}

bool takes_all() {
    const char* how = std::getenv("HAGENT_FLIP");
    return how != nullptr && std::string_view(how) == "full";
}

void check_everywhere(Fault fault) {
    std::size_t faults = 0;
    for (const auto& file : state_of_a_kill()) {
        const auto& path = file.first;
        const auto& good = file.second;
        CAPTURE(path);
        const std::size_t step = takes_all() ? 1 : std::max<std::size_t>(1, good.size() / 7);
        for (std::size_t at = takes_all() ? 0 : static_cast<std::size_t>(fault); at < good.size(); at += step) {
            CAPTURE(at);
            check_fault(path, faulty(good, at, fault), fault);
            ++faults;
        }
    }
    MESSAGE(faults << " faults in " << state_of_a_kill().size() << " files");
    CHECK(faults > 50);
}

TEST_CASE("a flipped bit anywhere in the state: nothing runs twice, no final is lost, it is told") {
    check_everywhere(Fault::bit);
}
TEST_CASE("a byte of ones anywhere in the state: nothing runs twice, no final is lost, it is told") {
    check_everywhere(Fault::ones);
}
TEST_CASE("a zeroed byte anywhere in the state: nothing runs twice, no final is lost, it is told") {
    check_everywhere(Fault::zero);
}
TEST_CASE("a file of the state cut anywhere: nothing runs twice, no final is lost, it is told") {
    check_everywhere(Fault::cut);
}

TEST_CASE("a file of the state that is gone: nothing runs twice, no final is lost, it is told") {
    std::set<std::string> names;
    for (const auto& file : state_of_a_kill()) {
        const auto& path = file.first;
        const auto& good = file.second;
        CAPTURE(path);
        names.insert(path.substr(k_state.size() + 1));
        check_fault(path, good, Fault::gone);
    }
    // what the loops cover; a file that is new here has to be thought of
    CHECK(names == std::set<std::string>{"downloads/000002-1/checkpoint", "downloads/000002-1/part", "reports",
                                         "reports.copy", "serials", "serials.copy", "sessions/000001/journal",
                                         "sessions/000001/journal.copy", "sessions/000001/package/entry",
                                         "sessions/000001/package/manifest.json",
                                         "sessions/000001/package/manifest.sig", "sessions/000002/journal",
                                         "sessions/000002/journal.copy", "sessions/000002/package/entry",
                                         "sessions/000002/package/manifest.json",
                                         "sessions/000002/package/manifest.sig", "trusted-time", "trusted-time.copy"});
}

TEST_CASE("both copies of the reports gone: the finals are made again from the sessions") {
    Flipped device;
    for (const auto& [name, content] : state_of_a_kill()) {
        if (name.find("/reports") == std::string::npos) {
            device.files.put(name, content);
        }
    }
    device.live_again(jobs());
    CHECK(device.runs.empty());
    REQUIRE(device.finals["over"].size() == 1);
    CHECK(device.finals["over"][0].stage == ReportStage::success);
    CHECK(device.finals["halfway"].size() == 1);
    CHECK_FALSE(device.told.empty());
}

TEST_CASE("both copies of a session's journal damaged: its job is told as one of which nobody knows, and not run") {
    Flipped device;
    const std::string path = k_state + "/sessions/000002/journal";
    for (const auto& [name, content] : state_of_a_kill()) {
        const bool hit = name.starts_with(path);
        device.files.put(name, hit ? "these bytes are no journal" : content);
    }
    device.live_again(jobs());
    CHECK(device.runs.empty());
    CHECK(device.finals["over"].size() == 1);
    REQUIRE(device.finals["halfway"].size() == 1);
    CHECK(device.finals["halfway"][0].stage == ReportStage::failure);
    CHECK(device.finals["halfway"][0].messages.front().find("not known whether") != std::string::npos);
    device.live_again(jobs());
    CHECK(device.runs.empty());
}

}  // namespace
}  // namespace hagent::session
