// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the check-in schedule.
#include "agent/manager/schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <set>

using namespace hagent;
using namespace hagent::manager;

namespace {

constexpr ScheduleSettings k_settings{Seconds{300}, Seconds{60}};
constexpr std::array<std::uint64_t, 6> k_chances = {0, 1, 59'999, 60'000, UINT64_MAX / 2, UINT64_MAX};

}  // namespace

TEST_CASE("The first check-in lies as far into the spread window as chance lies in its range") {
    ScheduleInput input;
    input.first = true;
    CHECK(next_check_in(k_settings, input, 0) == Millis{0});
    CHECK(next_check_in(k_settings, input, UINT64_MAX / 4 + 1) == Seconds{15});
    CHECK(next_check_in(k_settings, input, UINT64_MAX / 2 + 1) == Seconds{30});
    CHECK(next_check_in(k_settings, input, UINT64_MAX) == Millis{59'999});
    const ScheduleSettings day{Seconds{300}, Seconds{24 * 3600}};
    CHECK(next_check_in(day, input, UINT64_MAX) == Seconds{24 * 3600} - Millis{1});
}

TEST_CASE("A device has one place, and another id has another") {
    CHECK(place_of("008064aabbcc") == place_of("008064aabbcc"));
    CHECK(place_of("008064AABBCC") == place_of("008064aabbcc"));
    std::set<std::uint64_t> places;
    const std::array ids = {"",  "0",  "1",  "01x",          "x01",          "a",       "b",       "g",
                            "h", "gh", "hg", "008064aabbcc", "008064aabbcd", "lobby-1", "lobby-2", "hall-1"};
    for (const char* id : ids) {
        places.insert(place_of(id));
    }
    CHECK(places.size() == ids.size() - 2);  // leading zeros, and where the letters stand, do not count
}

TEST_CASE("Without a spread window the first check-in is at once") {
    ScheduleInput input;
    input.first = true;
    for (const auto chance : k_chances) {
        CHECK(next_check_in({Seconds{300}, Seconds{0}}, input, chance) == Millis{0});
    }
}

TEST_CASE("While a trial waits for the manager nothing is spread, and failures back off to half a minute at most") {
    for (const auto chance : k_chances) {
        Schedule schedule(k_settings);
        schedule.hurry(true);
        schedule.start(Uptime{}, chance);
        CHECK(schedule.due(Uptime{}));
        for (int failures = 0; failures < 20; ++failures) {
            const Uptime now = *schedule.next();
            schedule.begin(now, true);
            schedule.fail(now, {}, {}, chance);
            CHECK(*schedule.next() - now >= Seconds{1});
            CHECK(*schedule.next() - now <= Seconds{30});
        }
        Uptime now = *schedule.next();
        schedule.begin(now, true);
        schedule.fail(now, {}, Seconds{120}, chance);  // the manager's wish
        CHECK(*schedule.next() - now >= Seconds{120});
        now = *schedule.next();
        schedule.begin(now, true);
        schedule.succeed(now, {}, chance, true);
        CHECK(*schedule.next() - now >= Seconds{150});
    }
}

TEST_CASE("A usual wait is the interval less up to a tenth") {
    for (const auto chance : k_chances) {
        const auto wait = next_check_in(k_settings, {}, chance);
        CHECK(wait <= Seconds{300});
        CHECK(wait > Seconds{270});
    }
}

TEST_CASE("While the device settles, a wait is the interval less up to a half") {
    ScheduleInput input;
    input.settling = true;
    CHECK(next_check_in(k_settings, input, 0) == Seconds{300});
    CHECK(next_check_in(k_settings, input, 149'999) == Seconds{150} + Millis{1});
    input.failures = 1;  // back-off goes first
    CHECK(next_check_in(k_settings, input, 599'999) == Millis{599'999});
}

TEST_CASE("The manager's own interval wins over the configured one") {
    ScheduleInput input;
    input.hint = Seconds{30};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{30});
}

TEST_CASE("No interval is below a second or above a day") {
    ScheduleInput input;
    input.hint = Seconds{0};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
    input.hint = Seconds{INT64_MAX / 1000};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{24 * 3600});
    CHECK(next_check_in({Seconds{-5}, Seconds{0}}, {}, 0) == Seconds{1});
}

TEST_CASE("Failures double the ceiling up to an hour, with full jitter and never below a second") {
    for (unsigned failures = 1; failures < 100; ++failures) {
        ScheduleInput input;
        input.failures = failures;
        const Millis ceiling = std::min<Millis>(Seconds{3600}, Seconds{300} * (1LL << std::min(failures, 10U)));
        CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
        CHECK(next_check_in(k_settings, input, static_cast<std::uint64_t>(ceiling.count()) - 1) == ceiling - Millis{1});
        for (const auto chance : k_chances) {
            CHECK(next_check_in(k_settings, input, chance) < ceiling);
        }
    }
}

TEST_CASE("Back-off spreads devices over the whole range") {
    std::mt19937_64 random(2);
    ScheduleInput input;
    input.failures = 2;
    std::array<int, 20> minutes{};
    for (int device = 0; device < 10'000; ++device) {
        ++minutes.at(static_cast<std::size_t>(next_check_in(k_settings, input, random()).count() / 60'000));
    }
    CHECK(*std::min_element(minutes.begin(), minutes.end()) > 400);  // 500 on average
    CHECK(*std::max_element(minutes.begin(), minutes.end()) < 600);
}

TEST_CASE("Retry-After is kept, with up to a tenth more, and an hour at most") {
    ScheduleInput input;
    input.failures = 3;
    input.retry_after = Seconds{100};
    for (const auto chance : k_chances) {
        CHECK(next_check_in(k_settings, input, chance) >= Seconds{100});
        CHECK(next_check_in(k_settings, input, chance) < Seconds{110});
    }
    input.retry_after = Seconds{INT64_MAX};
    CHECK(next_check_in(k_settings, input, UINT64_MAX) < Seconds{3960});
    input.retry_after = Seconds{0};
    CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
}

TEST_CASE("After a finished job the next check-in is at once, but not while the manager fails") {
    ScheduleInput input;
    input.drain = true;
    CHECK(next_check_in(k_settings, input, UINT64_MAX) == Millis{0});
    input.failures = 1;
    CHECK(next_check_in(k_settings, input, 0) == Seconds{1});
}

// ---- Schedule: what is due, when, and what wakes what

namespace {

constexpr Uptime at(Millis since_start) { return {since_start}; }

/// Has had one check-in, at second 100, that ended well at once; the next one is due at second 400.
Schedule rested(bool jobs_idle = true) {
    Schedule schedule(k_settings);
    schedule.ask(at(Seconds{100}));
    schedule.begin(at(Seconds{100}), jobs_idle);
    schedule.succeed(at(Seconds{100}), std::nullopt, 0, jobs_idle);
    return schedule;
}

}  // namespace

TEST_CASE("Nothing is due before something has happened") {
    const Schedule schedule(k_settings);
    CHECK_FALSE(schedule.next());
    CHECK_FALSE(schedule.due(at(Seconds{1'000'000})));
    CHECK_FALSE(schedule.under_way());
    CHECK_FALSE(schedule.failing());
    CHECK_FALSE(schedule.quiet(at({})));
}

TEST_CASE("The first one is due at the device's place, to the millisecond") {
    Schedule schedule(k_settings);
    schedule.start(at(Seconds{5}), UINT64_MAX / 2 + 1);
    CHECK(schedule.next() == at(Seconds{35}));
    CHECK_FALSE(schedule.due(at(Seconds{35} - Millis{1})));
    CHECK(schedule.due(at(Seconds{35})));
    CHECK(schedule.due(at(Seconds{99})));
}

TEST_CASE("While one is under way none is due; after it the next one follows its beginning by the interval") {
    Schedule schedule(k_settings);
    schedule.ask(at(Seconds{100}));
    CHECK(schedule.due(at(Seconds{100})));
    schedule.begin(at(Seconds{100}), true);
    CHECK(schedule.under_way());
    CHECK_FALSE(schedule.next());
    CHECK_FALSE(schedule.due(at(Seconds{1'000})));
    CHECK_FALSE(schedule.quiet(at(Seconds{101})));
    schedule.succeed(at(Seconds{110}), std::nullopt, 0, true);
    CHECK_FALSE(schedule.under_way());
    CHECK(schedule.next() == at(Seconds{410}));
    CHECK(schedule.quiet(at(Seconds{110})));
    CHECK_FALSE(schedule.quiet(at(Seconds{410})));  // the next one is due
}

TEST_CASE("Whoever asks wakes it at once, but not within a second of the last beginning") {
    auto schedule = rested();
    schedule.ask(at(Seconds{200}));
    CHECK(schedule.due(at(Seconds{200})));
    CHECK_FALSE(schedule.quiet(at(Seconds{200})));

    auto soon = rested();
    soon.ask(at(Seconds{100} + Millis{300}));
    CHECK_FALSE(soon.due(at(Seconds{100} + Millis{300})));
    CHECK(soon.next() == at(Seconds{101}));
    CHECK_FALSE(soon.quiet(at(Seconds{100} + Millis{300})));  // one follows
}

TEST_CASE("Asked for while one is under way, another one follows, and only one") {
    auto schedule = rested();
    schedule.ask(at(Seconds{200}));
    schedule.begin(at(Seconds{200}), true);
    schedule.ask(at(Seconds{201}));
    schedule.ask(at(Seconds{202}));
    CHECK_FALSE(schedule.due(at(Seconds{202})));
    schedule.succeed(at(Seconds{203}), std::nullopt, 0, true);
    CHECK(schedule.due(at(Seconds{203})));
    CHECK_FALSE(schedule.quiet(at(Seconds{203})));
    schedule.begin(at(Seconds{203}), true);
    schedule.succeed(at(Seconds{203}), std::nullopt, 0, true);
    CHECK(schedule.next() == at(Seconds{503}));
}

TEST_CASE("A failure forgets who asked, counts, and backs off; a success ends that") {
    auto schedule = rested();
    schedule.ask(at(Seconds{200}));
    schedule.begin(at(Seconds{200}), true);
    schedule.ask(at(Seconds{201}));
    schedule.fail(at(Seconds{202}), std::nullopt, std::nullopt, 599'999);
    CHECK(schedule.failing());
    CHECK(schedule.failures() == 1);
    CHECK(schedule.next() == at(Seconds{202} + Millis{599'999}));
    CHECK(schedule.quiet(at(Seconds{202})));  // nothing more can be done now
    schedule.begin(at(Seconds{802}), true);
    schedule.fail(at(Seconds{802}), std::nullopt, Seconds{50}, 0);
    CHECK(schedule.failures() == 2);
    CHECK(schedule.next() == at(Seconds{852}));
    schedule.begin(at(Seconds{852}), true);
    schedule.succeed(at(Seconds{852}), Seconds{30}, 0, true);
    CHECK_FALSE(schedule.failing());
    CHECK(schedule.failures() == 0);
    CHECK(schedule.next() == at(Seconds{882}));
}

TEST_CASE("At another address it goes on at once, within the second too, and that counts as no failure yet") {
    auto schedule = rested();
    schedule.ask(at(Seconds{200}));
    schedule.begin(at(Seconds{200}), true);
    schedule.try_again(at(Seconds{200}));
    CHECK(schedule.due(at(Seconds{200})));
    CHECK(schedule.failures() == 0);
    CHECK_FALSE(schedule.quiet(at(Seconds{200})));
    schedule.begin(at(Seconds{200}), true);
    schedule.succeed(at(Seconds{200}), std::nullopt, 0, true);
    CHECK_FALSE(schedule.failing());
}

TEST_CASE("Until quiet: jobs that come to rest wake another one when the last one had begun too early") {
    Schedule schedule(k_settings);
    schedule.ask_until_quiet(at(Seconds{100}));
    schedule.begin(at(Seconds{100}), false);
    schedule.jobs_rest(at(Seconds{101}), true);  // under way: it is seen at the end
    CHECK_FALSE(schedule.next());
    schedule.succeed(at(Seconds{102}), std::nullopt, 0, false);
    CHECK_FALSE(schedule.quiet(at(Seconds{102})));  // it began too early
    schedule.jobs_rest(at(Seconds{110}), false);
    CHECK_FALSE(schedule.due(at(Seconds{110})));
    schedule.jobs_rest(at(Seconds{120}), true);
    CHECK(schedule.due(at(Seconds{120})));
    schedule.begin(at(Seconds{120}), true);
    schedule.succeed(at(Seconds{121}), std::nullopt, 0, true);
    CHECK(schedule.quiet(at(Seconds{121})));
    schedule.jobs_rest(at(Seconds{122}), true);
    CHECK_FALSE(schedule.due(at(Seconds{122})));
}

TEST_CASE("Until quiet: jobs that came to rest while it was under way wake another one at its end") {
    Schedule schedule(k_settings);
    schedule.ask_until_quiet(at(Seconds{100}));
    schedule.begin(at(Seconds{100}), false);
    schedule.succeed(at(Seconds{100}), std::nullopt, 0, true);
    CHECK(schedule.next() == at(Seconds{101}));
    CHECK_FALSE(schedule.quiet(at(Seconds{100})));
}

TEST_CASE("Jobs that come to rest wake nothing in a daemon, nor after a failure") {
    auto daemon = rested(false);
    daemon.jobs_rest(at(Seconds{110}), true);
    CHECK(daemon.next() == at(Seconds{400}));

    Schedule once(k_settings);
    once.ask_until_quiet(at(Seconds{100}));
    once.begin(at(Seconds{100}), false);
    once.fail(at(Seconds{101}), std::nullopt, std::nullopt, 599'999);
    once.jobs_rest(at(Seconds{110}), true);
    CHECK_FALSE(once.due(at(Seconds{110})));
    CHECK(once.quiet(at(Seconds{110})));
}
