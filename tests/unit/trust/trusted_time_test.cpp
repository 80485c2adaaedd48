// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the newest trusted time.
#include "agent/trust/trusted_time.h"

#include <doctest/doctest.h>

#include "agent/trust/package_check.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::trust;
using errors::AgentCode;

namespace {

constexpr const char* k_path = "/state/trusted-time";
const WallTime k_now = *parse_rfc3339("2027-03-01T12:00:00Z");
const WallTime k_before = *parse_rfc3339("2027-02-01T12:00:00Z");
const WallTime k_without_battery = *parse_rfc3339("2000-01-01T00:00:00Z");

struct Fixture {
    fakes::FakeFiles files;
    Fixture() { files.put_directory("/state"); }
    /// By an agent that has just started.
    [[nodiscard]] TrustedTime::Now now(WallTime clock) { return TrustedTime(files, k_path).now(clock).value(); }
    [[nodiscard]] Status judge(WallTime expires, WallTime clock) {
        TrustedTime time(files, k_path);
        const auto known = TRY(time.now(clock));
        return time.judged(check_expiry(expires, known.time, known.trusted), known);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a clock that is set back is not believed: the newest trusted time is the least it can be") {
    CHECK(now(k_now).time == k_now);
    CHECK(now(k_now).floor_note.empty());
    for (const auto clock : {k_before, k_without_battery}) {
        const auto known = now(clock);
        CHECK(known.time == k_now);
        CHECK(known.trusted);
        CHECK(known.floor_note.find("it has been 2027-03-01T12:00:00Z here before") != std::string::npos);
    }
}

TEST_CASE_FIXTURE(Fixture, "a clock that was never trusted expires nothing") {
    const auto known = now(k_without_battery);
    CHECK_FALSE(known.trusted);
    CHECK_FALSE(files.exists(k_path));
    CHECK(judge(k_before, k_without_battery).ok());
}

TEST_CASE_FIXTURE(Fixture, "certificates are judged by the latest of clock, release and newest trusted time") {
    const auto latest = [this](WallTime clock) { return TrustedTime(files, k_path).latest(clock); };
    CHECK(latest(k_without_battery) == release_date());
    CHECK(latest(k_now) == k_now);
    CHECK_FALSE(files.exists(k_path));  // asking raises nothing
    CHECK(now(k_now).trusted);
    CHECK(latest(k_without_battery) == k_now);
    CHECK(latest(k_before) == k_now);
    const WallTime far{k_now.since_epoch + std::chrono::hours{24 * 365 * 40}};
    CHECK(latest(far) == far);
    files.put(k_path, "x");
    files.put(std::string(k_path) + ".copy", "y");
    CHECK(latest(k_without_battery) == release_date());
}

TEST_CASE_FIXTURE(Fixture, "an expiry that has passed has passed for good, and the error says what the clock says") {
    const WallTime expires{k_now.since_epoch - std::chrono::minutes{1}};
    CHECK(judge(expires, k_before).ok());
    CHECK(judge(expires, k_now).error().is(AgentCode::package_expired));
    const auto revived = judge(expires, k_before);
    REQUIRE_FALSE(revived.ok());
    CHECK(revived.error().is(AgentCode::package_expired));
    CHECK(revived.error().context.find("the clock says 2027-02-01T12:00:00Z") != std::string::npos);
    CHECK(judge(expires, k_without_battery).error().is(AgentCode::package_expired));
    CHECK(judge(k_now, k_before).error().is(AgentCode::package_expired));
}

TEST_CASE_FIXTURE(Fixture, "time that only passes is written once an hour") {
    TrustedTime time(files, k_path);
    CHECK(time.now(k_now).ok());
    files.forget_calls();
    CHECK(time.now({k_now.since_epoch + std::chrono::minutes{59}}).ok());
    CHECK(files.calls().empty());
    CHECK(time.now({k_now.since_epoch + std::chrono::minutes{60}}).ok());
    CHECK_FALSE(files.calls().empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a byte changed in one copy is made good and told; in both nothing is trusted that expires") {
    CHECK(now(k_now).trusted);
    const std::string good = *files.content(k_path);
    for (const std::string& path : {std::string(k_path), std::string(k_path) + ".copy"}) {
        for (std::size_t at = 0; at < good.size(); ++at) {
            CAPTURE(at);
            std::string bad = good;
            bad[at] ^= 1;
            files.put(path, bad);
            TrustedTime time(files, k_path);
            CHECK(time.now(k_before).value().time == k_now);
            CHECK(time.damage().has_value());
            CHECK(files.content(path) == good);
        }
    }
    files.put(k_path, "x");
    files.put(std::string(k_path) + ".copy", "y");
    CHECK(TrustedTime(files, k_path).now(k_now).error().is(AgentCode::corrupt_journal));
}

TEST_CASE_FIXTURE(Fixture, "where it cannot be written this life remembers") {
    files.set_read_only(true);
    TrustedTime time(files, k_path);
    CHECK(time.now(k_now).value().time == k_now);
    CHECK(time.now(k_before).value().time == k_now);
}

TEST_CASE("a power cut at any call leaves the old or the new time") {
    for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::kept, fakes::Unsynced::torn}) {
        for (std::uint64_t call = 1;; ++call) {
            Fixture f;
            CHECK(f.now(k_before).trusted);
            f.files.forget_calls();
            f.files.cut_power_at(call);
            (void)f.now(k_now);
            if (!f.files.power_is_off()) {
                CHECK(call > 6);
                break;
            }
            f.files.restart(unsynced);
            TrustedTime time(f.files, k_path);
            const auto known = time.now(k_without_battery);
            REQUIRE(known.ok());
            CHECK((known->time == k_before || known->time == k_now));
            CHECK_FALSE(time.damage().has_value());
        }
    }
}
