// SPDX-License-Identifier: Apache-2.0
// Owns the stories of an upgrade as a whole, with the power going at every change, and at every pair of changes.
#include <doctest/doctest.h>

#include "platform/paths.h"
#include "tests/unit/upgrade/device.h"

namespace hagent::upgrade {
namespace {

using fakes::Unsynced;

const std::string k_new = fakes::rooted("/var/lib/hagent/agent/2.0.0.0/hagent");
const std::string k_old = fakes::rooted("/var/lib/hagent/agent/1.0.0.0/hagent");

struct Story {
    std::string content;
    std::string end;
    std::string runs;
    Verdict verdict;
};

const std::vector<Story> k_stories = {
    {"good agent 2", "done", k_new, Verdict::confirmed},
    {"dead agent 2", "failed", k_old, Verdict::failed},
    {"dumb agent 2", "failed", k_old, Verdict::failed},
    {"no program", "failed", k_old, Verdict::failed},
};

/// What holds at the end, whatever happened on the way.
void check_end(Device& device, const Story& story, const std::string& end) {
    device.files.cut_power_at(UINT64_MAX);  // one that has not come does not come any more
    CHECK(end == story.end);
    CHECK(device.start() == story.runs);
    const auto record = device.record();
    REQUIRE(record);
    CHECK_FALSE(record->trial);
    REQUIRE(record->last);
    CHECK(record->last->result == story.verdict);
    CHECK(record->last->to == "2.0.0.0");
    CHECK(device.files.content("/usr/sbin/hagent") == "preinstalled");
}

TEST_CASE("each story has its end") {
    for (const auto& story : k_stories) {
        CAPTURE(story.content);
        Device device(story.content);
        check_end(device, story, device.live());
    }
}

/// One cut at `first`, and where `second` is not 0 one more at that change of the recovery.
enum class Cuts : std::uint8_t { none, first_only, both };
Cuts live_with_cuts(const Story& story, Unsynced unsynced, std::uint64_t first, std::uint64_t second) {
    CAPTURE(story.content);
    CAPTURE(first);
    CAPTURE(second);
    Device device(story.content);
    device.files.cut_power_at(first);
    auto end = device.live();
    if (end != "off") {
        return Cuts::none;
    }
    device.power_returns(unsynced);
    if (second > 0) {
        device.files.cut_power_at(second);
    }
    end = device.live();
    const bool again = end == "off";
    if (again) {
        device.power_returns(unsynced);
        end = device.live();
    }
    check_end(device, story, end);
    return again ? Cuts::both : Cuts::first_only;
}

TEST_CASE("a power cut at every change") {
    for (const auto& story : k_stories) {
        for (const auto unsynced : {Unsynced::lost, Unsynced::kept, Unsynced::torn}) {
            for (std::uint64_t first = 1; live_with_cuts(story, unsynced, first, 0) != Cuts::none; ++first) {
            }
        }
    }
}

/// Every few pairs, most of them of the good story with torn sectors; with HAGENT_ALL_CUTS in the environment all of
/// them, which takes a quarter of an hour.
TEST_CASE("a second power cut at every change of the recovery from the first") {
    const bool all = !platform::environment("HAGENT_ALL_CUTS").empty();
    std::uint64_t turn = 0;
    for (const auto& story : k_stories) {
        for (const auto unsynced : {Unsynced::torn, Unsynced::lost, Unsynced::kept}) {
            const std::uint64_t stride = all ? 1 : turn == 0 ? 7 : 61;
            std::uint64_t begin = turn++ % stride;
            for (std::uint64_t first = 1;; ++first) {
                std::uint64_t second = 1 + begin++ % stride;
                auto cuts = live_with_cuts(story, unsynced, first, second);
                while (cuts == Cuts::both) {
                    second += stride;
                    cuts = live_with_cuts(story, unsynced, first, second);
                }
                if (cuts == Cuts::none) {
                    break;
                }
            }
        }
    }
}

TEST_CASE("a program that is cut off after it was staged is never started") {
    Device device("good agent 2");
    REQUIRE(device.live() == "done");
    device.files.put("/var/lib/hagent/agent/2.0.0.0/hagent", "good age", 0755);
    CHECK(device.start() == k_old);
    CHECK(device.record()->last->result == Verdict::fell_back);
    device.files.put("/var/lib/hagent/agent/1.0.0.0/hagent", "", 0755);
    CHECK(device.start() == k_own.path);
}

TEST_CASE("nothing can be written: a trial does not begin, the confirmed agent does") {
    Device device("good agent 2");
    REQUIRE(device.live() == "done");
    auto record = *device.record();
    Trial trial;
    trial.program = program("3.0.0.0", "good agent 3");
    begin_trial(record, trial);
    REQUIRE(RecordFile(device.files, device.state).write(record).ok());
    device.files.put("/var/lib/hagent/agent/3.0.0.0/hagent", "good agent 3", 0755);
    device.files.set_capacity(0);
    CHECK(device.start() == k_new);
    device.files.set_capacity(UINT64_MAX);
    CHECK(device.start() == fakes::rooted("/var/lib/hagent/agent/3.0.0.0/hagent"));
    CHECK(device.limit == Millis{Seconds{305}});
}

/// The agent on trial, and what it says after a check-in that has ended well.
Result<bool> says_good(Device& device, const std::optional<Place>& launcher, const std::string& program) {
    return Life(device.files, device.clock, device.host, device.state, launcher, program).is_good();
}

TEST_CASE("an agent is kept when it is the one on trial, the launcher has started it, and it is what was staged") {
    Device device("good agent 2");
    auto record = *device.record();
    Trial trial;
    trial.program = program("2.0.0.0", "good agent 2");
    begin_trial(record, trial);
    REQUIRE(RecordFile(device.files, device.state).write(record).ok());
    device.files.put("/var/lib/hagent/agent/2.0.0.0/hagent", "good agent 2", 0755);
    REQUIRE(device.start() == k_new);
    SUBCASE("it is") {
        CHECK(says_good(device, k_own, k_new).value());
        CHECK(device.record()->confirmed->version == "2.0.0.0");
        return;
    }
    SUBCASE("its program was changed since") {
        device.files.put("/var/lib/hagent/agent/2.0.0.0/hagent", "evil agent 2", 0755);
        CHECK(says_good(device, k_own, k_new).error().is(errors::AgentCode::agent_program_changed));
    }
    SUBCASE("its program is gone") {
        REQUIRE(device.files.remove(k_new).ok());
        CHECK_FALSE(says_good(device, k_own, k_new).ok());
    }
    SUBCASE("the one before it still runs") { CHECK_FALSE(says_good(device, k_own, k_old).value()); }
    SUBCASE("nobody has launched it") { CHECK_FALSE(says_good(device, std::nullopt, k_new).value()); }
    CHECK(device.record()->trial);
    CHECK(device.record()->confirmed->version == "1.0.0.0");
}

TEST_CASE("a record that is lost in both copies leaves the preinstalled program") {
    Device device("good agent 2");
    REQUIRE(device.live() == "done");
    device.files.put("/var/lib/hagent/agent/record", "x");
    device.files.put("/var/lib/hagent/agent/record.copy", "y");
    CHECK(device.start() == k_own.path);
}

TEST_CASE("versions that nobody names make room for the next one") {
    Device device("good agent 2");
    device.files.put("/var/lib/hagent/agent/0.5.0.0/hagent", "old", 0755);
    device.files.put("/var/lib/hagent/agent/notes/mine", "x");
    device.files.put("/var/lib/hagent/agent/0.7.0.0/hagent", "good agent 0.7", 0755);
    device.runs_as = fakes::rooted("/var/lib/hagent/agent/0.7.0.0/hagent");  // no record names it
    REQUIRE(device.live() == "done");
    CHECK(device.files.exists("/var/lib/hagent/agent/0.7.0.0/hagent"));
    REQUIRE(device.files.content(k_session + "/step-1"));
    CHECK(device.files.content(k_session + "/step-1")->find("removed ") != std::string::npos);
    CHECK_FALSE(device.files.exists("/var/lib/hagent/agent/0.5.0.0"));
    CHECK(device.files.exists("/var/lib/hagent/agent/1.0.0.0/hagent"));
    CHECK(device.files.exists("/var/lib/hagent/agent/notes/mine"));
    CHECK(device.files.content("/var/lib/hagent/agent/2.0.0.0/manifest.sig") == "manifest.sig");
}

}  // namespace
}  // namespace hagent::upgrade
