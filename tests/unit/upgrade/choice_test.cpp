// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/choice.h"

#include <doctest/doctest.h>

#include "tests/unit/upgrade/values.h"

namespace hagent::upgrade {
namespace {

Record with_trial(const std::string& version = "2.0.0.0") {
    Record record;
    record.confirmed = program("1.0.0.0");
    Trial trial;
    trial.program = program(version);
    trial.session = "000001";
    record.trial = trial;
    return record;
}

std::string version_of(const Choice& choice) { return choice.program ? choice.program->version : "preinstalled"; }

TEST_CASE("only the first three numbers decide whether an agent is newer") {
    CHECK(is_newer("1.2.4", "1.2.3.9"));
    CHECK(is_newer("1.10.0.0", "1.9.9.9"));
    CHECK_FALSE(is_newer("1.2.3.9", "1.2.3.1"));
    CHECK(is_same_release("1.2.3.9", "1.2.3"));
    CHECK_FALSE(is_same_release("1.2.3.0", "1.2.4.0"));
}

TEST_CASE("a trial is started as often as it may, each time counted, then the one before it") {
    auto record = with_trial();
    for (unsigned n = 1; n <= 3; ++n) {
        CHECK(version_of(choose(record, k_own, at(n))) == "2.0.0.0");
        CHECK(record.trial->starts == n);
    }
    CHECK(version_of(choose(record, k_own, at(9))) == "1.0.0.0");
    CHECK_FALSE(record.trial);
    REQUIRE(record.last);
    CHECK(record.last->to == "2.0.0.0");
    CHECK(record.last->from == "1.0.0.0");
    CHECK(record.last->result == Verdict::failed);
    CHECK(record.last->session == "000001");
}

TEST_CASE("a trial's time runs from its first start in this start of the machine") {
    auto record = with_trial();
    CHECK(choose(record, k_own, at(100)).limit == Millis{Seconds{300}});
    CHECK(choose(record, k_own, at(250)).limit == Millis{Seconds{150}});
    SUBCASE("it is over") { CHECK(version_of(choose(record, k_own, at(400))) == "1.0.0.0"); }
    SUBCASE("after a restart of the machine the starts are what counts") {
        CHECK(version_of(choose(record, k_own, at(401, "boot-2"))) == "2.0.0.0");
        CHECK(version_of(choose(record, k_own, at(402, "boot-2"))) == "1.0.0.0");
    }
}

TEST_CASE("starts that follow each other quickly are spaced") {
    auto record = with_trial();
    CHECK(choose(record, k_own, at(100)).pause == Millis{0});
    CHECK(choose(record, k_own, at(100)).pause == Millis{Seconds{1}});
    CHECK(choose(record, k_own, at(101)).pause == Millis{Seconds{1}});
    record.trial.reset();
    record.short_lives = 0;
    record.started.reset();
    Millis last{0};
    for (int i = 0; i < 9; ++i) {
        const auto pause = choose(record, k_own, at(200)).pause;
        CHECK(pause >= last);
        CHECK(pause <= Millis{Seconds{30}});
        last = pause;
    }
    CHECK(last == Millis{Seconds{30}});
    record.short_lives = 5;
    CHECK(choose(record, k_own, at(260)).pause == Millis{0});
}

TEST_CASE("the newer of launcher and confirmed agent runs, unless a downgrade was allowed") {
    Record record;
    record.confirmed = program("1.0.0.0");
    CHECK(version_of(choose(record, {"0.9.0.0", "/p"}, at(1))) == "1.0.0.0");
    CHECK(version_of(choose(record, {"1.0.0.0", "/p"}, at(1))) == "1.0.0.0");
    CHECK(version_of(choose(record, {"1.0.0.1", "/p"}, at(1))) == "preinstalled");
    record.confirmed->may_be_older = true;
    CHECK(version_of(choose(record, {"3.0.0.0", "/p"}, at(1))) == "1.0.0.0");
}

TEST_CASE("a launcher that is newer than a trial ends it") {
    auto record = with_trial();
    CHECK(version_of(choose(record, {"3.0.0.0", "/p"}, at(1))) == "preinstalled");
    REQUIRE(record.last);
    CHECK(record.last->reason == "the preinstalled agent 3.0.0.0 is newer");
}

TEST_CASE("many short lives of a confirmed agent go back by one, and from there to the preinstalled program") {
    Record record;
    record.confirmed = program("2.0.0.0");
    record.previous = program("1.0.0.0");
    for (int i = 0; i < 10; ++i) {
        CHECK(version_of(choose(record, k_own, at(i * 100))) == "2.0.0.0");
    }
    for (int i = 0; i < 10; ++i) {
        CHECK(version_of(choose(record, k_own, at(2000 + i * 100))) == "1.0.0.0");
    }
    CHECK(record.last->result == Verdict::fell_back);
    CHECK(version_of(choose(record, k_own, at(4000))) == "preinstalled");
}

TEST_CASE("what cannot be started is given up at once") {
    auto record = with_trial();
    auto choice = choose(record, k_own, at(1));
    not_startable(record, choice, k_own, "wrong format", at(1));
    CHECK(record.last->reason == "wrong format");
    choice = choose(record, k_own, at(1));
    CHECK(version_of(choice) == "1.0.0.0");
    not_startable(record, choice, k_own, "it is gone", at(1));
    CHECK(version_of(choose(record, k_own, at(1))) == "preinstalled");
}

TEST_CASE("a confirmed trial has the one before it behind it") {
    auto record = with_trial();
    record.unknown = {"trial-later 1", "later 2"};
    confirm(record, "0.1.0.0", "a check-in succeeded", at(1).wall);
    CHECK(record.confirmed->version == "2.0.0.0");
    CHECK(record.previous->version == "1.0.0.0");
    CHECK(record.unknown == std::vector<std::string>{"later 2"});
    REQUIRE(go_back(record, "0.1.0.0", Verdict::rolled_back, "by hand", at(2).wall));
    CHECK(record.confirmed->version == "1.0.0.0");
    REQUIRE(go_back(record, "0.1.0.0", Verdict::rolled_back, "by hand", at(2).wall));
    CHECK(record.last->to == "0.1.0.0");
    CHECK_FALSE(go_back(record, "0.1.0.0", Verdict::rolled_back, "by hand", at(2).wall));
}

}  // namespace
}  // namespace hagent::upgrade
