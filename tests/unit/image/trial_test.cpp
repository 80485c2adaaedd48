// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what other updaters got wrong while the new system was on trial.
#include "agent/image/trial.h"
#include "agent/image/status.h"
#include "tests/unit/image/machine.h"

namespace hagent::image {
namespace {

using errors::AgentCode;
using work::Ended;

constexpr const char* k_notes = "/state/images.json";

struct Trying : Machine {
    /// Slot B is on trial and runs.
    Trying() {
        REQUIRE(live()->ended == Ended::reboot_requested);
        boot();
        REQUIRE(running == "B");
    }
    [[nodiscard]] ImageNotes notes() { return *load_notes(files, k_notes); }
    void put(const ImageNotes& notes) { REQUIRE(save_notes(files, k_notes, notes).ok()); }
    [[nodiscard]] Millis since_boot() { return clock.since_boot().since_start; }

    /// Lives until the machine is back in A and its report is there; what it says.
    std::string back() {
        const auto outcome = story();
        REQUIRE(outcome);
        CHECK(outcome->ended == Ended::failed);
        CHECK(running == "A");
        CHECK(whole("A"));
        boot();
        CHECK(running == "A");
        std::string all;
        for (const auto& result : outcome->results) {
            all += std::to_string(result.id.number) + " " + result.context + "\n";
        }
        return all;
    }
    void keeps() {
        const auto outcome = story();
        REQUIRE(outcome);
        CHECK_MESSAGE(outcome->ended == Ended::completed, outcome->results.at(0).context);
        boot();
        CHECK(running == "B");
    }
};

TEST_CASE_FIXTURE(Trying, "the deadline goes by the time since the start, however the clock is set") {
    SUBCASE("a good one is kept at any time") {
        for (const std::int64_t year : {1970, 2106}) {
            clock.set_wall(WallTime{std::chrono::hours{24 * 365 * (year - 1970)}});
        }
        keeps();
    }
    SUBCASE("a bad one goes back when its time is over") {
        manager_answers = false;
        std::int64_t day = 0;
        std::optional<work::Outcome> life;
        for (int i = 0; i < 200 && running == "B"; ++i) {
            clock.set_wall(WallTime{std::chrono::hours{24 * (day = 20'000 - day)}});  // here and there
            life = live();
            REQUIRE(life);
            if (life->ended == Ended::reboot_requested) {
                break;
            }
            clock.advance(Millis{60'000});
        }
        CHECK(life->ended == Ended::reboot_requested);
        CHECK(since_boot() >= Seconds{3600});
        CHECK(since_boot() < Seconds{3700});
    }
}

TEST_CASE_FIXTURE(Trying,
                  "the deadline begins with an address, and an answer of any kind proves the way when it is over") {
    manager_answers = false;
    const auto addresses = host.known.addresses;
    host.known.addresses.clear();
    const auto until = [&](Seconds time) {
        while (since_boot() < time) {
            const auto life = live();
            REQUIRE(life);
            REQUIRE(life->ended == Ended::on_trial);
            clock.advance(Millis{10'000});
        }
    };
    until(Seconds{1000});
    host.known.addresses = addresses;
    something_answers = true;
    until(Seconds{1600});
    for (int i = 0; i < 3 && notes().trial; ++i) {
        (void)live();
        clock.advance(Millis{10'000});
    }
    CHECK_FALSE(notes().trial);
    CHECK(since_boot() < Seconds{1700});
    boot();
    CHECK(running == "B");
}

TEST_CASE_FIXTURE(Trying, "without its own record nothing is kept") {
    const std::string why = "its record is gone";
    SUBCASE("it is gone") {
        REQUIRE(files.remove(k_notes).ok());
        CHECK(confirm_by_hand(services()).error().is(AgentCode::image_no_trial));
        CHECK(back().find(why) != std::string::npos);
    }
    SUBCASE("it is damaged") {
        files.put(k_notes, R"({"format":1,"versions":{}, "trial")");
        CHECK(confirm_by_hand(services()).error().is(AgentCode::image_no_trial));
        CHECK(back().find(why) != std::string::npos);
    }
    SUBCASE("it is that of other work, which is left alone") {
        auto changed = notes();
        changed.trial->job = "other 1.0 7 /state/sessions/000009";
        put(changed);
        const auto life = live();
        REQUIRE(life);
        CHECK(life->ended == Ended::failed);
        CHECK(env_of()["hagent_trial"] == "B");
        CHECK(notes().trial->job == changed.trial->job);
    }
    SUBCASE("members of a later agent are passed over") {
        std::string text = *files.content(k_notes);
        text.insert(1, R"("later":{"a":[1]},)");
        files.put(k_notes, text);
        keeps();
    }
}

TEST_CASE_FIXTURE(Trying, "the next image is written after a damaged record") {
    REQUIRE(files.remove(k_notes).ok());
    (void)back();
    files.put(k_notes, "{");
    journal.clear();
    REQUIRE(files.remove_tree("/state/scratch").ok());
    files.put_directory("/state/scratch");
    offer(raw_bytes(k_machine_image, 5));
    keeps();
    CHECK(whole("B"));
    CHECK(files.content(std::string(k_notes) + ".damaged") == "{");
}

TEST_CASE_FIXTURE(Trying, "an operator keeps a trial on the device that began it only") {
    host.known.serial = "SN0002";
    CHECK(confirm_by_hand(services()).error().is(AgentCode::image_other_device));
    host.known.serial = "SN0001";
    CHECK(confirm_by_hand(services()).ok());
}

TEST_CASE_FIXTURE(Trying, "the program that confirms is the one that came up") {
    manager_answers = false;
    CHECK(live()->ended == Ended::on_trial);
    manager_answers = true;
    SUBCASE("it is") { keeps(); }
    SUBCASE("it was changed") {
        files.put(settings.program, "another", 0755);
        CHECK(back().find("program: the agent's program is not the one that came up") != std::string::npos);
    }
    SUBCASE("an agent without this member has begun") {
        std::string text = *files.content(k_notes);
        const auto at = text.find(R"("program":")");
        REQUIRE(at != std::string::npos);
        text.replace(at, 10, R"("nothing":)");
        files.put(k_notes, text);
        host.known.boot_id += "x";
        keeps();
    }
}

TEST_CASE_FIXTURE(Trying, "a network card that comes late makes no other device") {
    const auto macs = host.known.macs;
    host.known.macs.clear();
    SUBCASE("it comes") {
        CHECK(live()->ended == Ended::on_trial);
        host.known.macs = macs;
        keeps();
    }
    SUBCASE("it does not") { CHECK(back().find("identity: this device has") != std::string::npos); }
}

TEST_CASE_FIXTURE(Trying, "what cannot be asked or written for a moment decides nothing") {
    SUBCASE("somebody else writes for the boot loader") {
        {
            const auto other = files.lock(k_env);
            REQUIRE(other.ok());
            CHECK(live()->ended == Ended::on_trial);
        }
        keeps();
    }
    SUBCASE("the disk is full") {
        files.set_capacity(0);
        CHECK(live()->ended == Ended::on_trial);
        files.set_capacity(UINT64_MAX);
        keeps();
    }
    SUBCASE("for long: it goes back") {
        const auto other = files.lock(k_env);
        clock.advance(Millis{700'000});
        CHECK(live()->ended == Ended::reboot_requested);
    }
}

TEST_CASE_FIXTURE(Trying,
                  "where command line, root and table disagree nothing is confirmed, and the old system tells it") {
    settings.image.running = "";
    devices.root = "/dev/sda2";
    CHECK_FALSE(confirm_by_hand(services()).ok());
    CHECK(live()->ended == Ended::on_trial);
    clock.advance(Millis{700'000});
    for (int starts = 0; starts < 5 && running == "B"; ++starts) {
        CHECK(live()->ended == Ended::reboot_requested);
        boot();
        devices.root = "/dev/sda2";  // of both, as that grub.cfg has it
    }
    CHECK(back().find("do not agree") != std::string::npos);
}

TEST_CASE_FIXTURE(Trying, "an agent that hangs before its session went on was there all the same") {
    for (int starts = 0; starts < 20 && running == "B"; ++starts) {
        REQUIRE(note_trial_came_up(services()).ok());
        CHECK(notes().trial->starts == unsigned(starts) + 1);
        REQUIRE(note_trial_came_up(services()).ok());  // once in each start of the machine
        CHECK(notes().trial->starts == unsigned(starts) + 1);
        boot();
    }
    REQUIRE(note_trial_came_up(services()).ok());  // back in the old slot: nothing
    CHECK(back().find("its agent came up 6 times, and the machine restarted") != std::string::npos);
    REQUIRE(note_trial_came_up(services()).ok());  // nothing is on trial
    CHECK_FALSE(notes().trial);
}

TEST_CASE_FIXTURE(Trying, "an agent that comes up gives its start back, and not for ever") {
    manager_answers = false;
    unsigned starts = 0;
    for (; running == "B" && starts < 20; ++starts) {
        REQUIRE(live());
        if (starts == 0) {
            CHECK(env_of()["hagent_tries"] == "3");
        }
        boot();
    }
    CHECK(starts > 3);  // orderly restarts do not count
    CHECK(starts <= 6);
    CHECK(back().find("its agent came up 6 times") != std::string::npos);
}

TEST_CASE_FIXTURE(Trying,
                  "reason, step and the last lines of the log are on the disk before the restart is asked for") {
    log::Ring ring;
    ring.write({});
    log::Record line;
    line.area = "display";
    line.message = "no mode found";
    ring.write(line);
    log = &ring;
    settings.image.health = {{"/check"}};
    files.put("/check", "", 0755);
    processes.on("/check", platform::Exit{3, false, "no screen\n", 0});
    CHECK(live()->ended == Ended::reboot_requested);
    log = nullptr;
    processes.on("/check", platform::Exit{});
    files.power_cut();
    files.restart();
    boot();
    CHECK(running == "A");
    const auto told = back();
    CHECK(told.find("health: health program /check ended with 3; it said: no screen") != std::string::npos);
    CHECK(told.find("display: no mode found") != std::string::npos);
}

TEST_CASE_FIXTURE(Trying, "a watchdog that counts is stopped in the slot that it comes back to as well") {
    settings.image.watchdog = host.watchdog_device = "/dev/watchdog";
    set_env("hagent_tries", "0");
    boot();
    CHECK(running == "A");
    (void)back();
    CHECK(host.disarmings == 1);
    CHECK(host.feeds == 0);
}

TEST_CASE_FIXTURE(Trying, "after it is kept only new work changes the slot") {
    keeps();
    CHECK(confirm_by_hand(services()).error().is(AgentCode::image_no_trial));
    CHECK(roll_back_by_hand(services(), cancel).error().is(AgentCode::image_no_trial));
    const auto again = live();  // the end of the last step was not journalled, say
    REQUIRE(again);
    journal.erase(journal.rbegin()->first);
    host.known.serial = "SN0002";
    manager_answers = false;
    CHECK(live()->ended == Ended::completed);
    boot();
    CHECK(running == "B");
}

TEST_CASE_FIXTURE(Trying, "after a failed trial the slot is as good as new for the next package") {
    manager_answers = false;
    (void)back();
    manager_answers = true;
    journal.clear();
    REQUIRE(files.remove_tree("/state/scratch").ok());
    files.put_directory("/state/scratch");
    offer(raw_bytes(k_machine_image, 6));
    keeps();
    CHECK(whole("B"));
}

}  // namespace
}  // namespace hagent::image
