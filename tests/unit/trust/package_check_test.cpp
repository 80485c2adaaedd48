// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the rules: for this device, now, and not older than before.
#include <doctest/doctest.h>

#include "agent/trust/package_check.h"

using namespace hagent;
using namespace hagent::trust;
using errors::AgentCode;

namespace {

const DeviceFacts k_device{{"SLX"}, {"VXC 6215", "Z50"}, {"tc-7", "00:80:64:aa:bb:cc"}};
const WallTime k_now = *parse_rfc3339("2027-06-01T12:00:00Z");

Manifest with_targets(Targets targets) {
    Manifest m;
    m.targets = std::move(targets);
    return m;
}

}  // namespace

TEST_CASE("a package without targets is for everybody") { CHECK(check_targets({}, k_device).ok()); }

TEST_CASE("each list of targets must name this device") {
    CHECK(check_targets(with_targets({{"WES", "slx"}, {"z50"}, {"TC-7"}}), k_device).ok());
    CHECK(check_targets(with_targets({{}, {}, {"00:80:64:AA:BB:CC"}}), k_device).ok());
    CHECK(check_targets(with_targets({{"WES"}, {}, {}}), k_device).error().is(AgentCode::wrong_os));
    CHECK(check_targets(with_targets({{}, {"Z90"}, {}}), k_device).error().is(AgentCode::wrong_platform));
    CHECK(check_targets(with_targets({{}, {}, {"tc-8"}}), k_device).error().is(AgentCode::wrong_device));
    CHECK(check_targets(with_targets({{}, {}, {"tc-70"}}), k_device).error().is(AgentCode::wrong_device));
    CHECK(check_targets(with_targets({{"SLX"}, {}, {}}), {}).error().is(AgentCode::wrong_os));
    CHECK(check_targets(with_targets({{}, {}, {"tc-8", "tc-9"}}), k_device).error().context == "meant for tc-8, tc-9");
}

TEST_CASE("a package expires only by a clock that is trusted") {
    CHECK(check_expiry(std::nullopt, k_now, true).ok());
    CHECK(check_expiry(WallTime{k_now.since_epoch + Millis{1}}, k_now, true).ok());
    CHECK(check_expiry(k_now, k_now, true).error().is(AgentCode::package_expired));
    CHECK(check_expiry(k_now, k_now, false).ok());
}

TEST_CASE("an older serial is a replay, the same one is the same package") {
    CHECK(check_serial(5, std::nullopt).ok());
    CHECK(check_serial(5, 5).ok());
    CHECK(check_serial(6, 5).ok());
    CHECK(check_serial(4, 5).error().is(AgentCode::package_replayed));
    CHECK(check_serial(0, UINT64_MAX).error().is(AgentCode::package_replayed));
}

TEST_CASE("all rules together") {
    Manifest m = with_targets({{"SLX"}, {}, {}});
    m.serial = 5;
    m.expires = WallTime{k_now.since_epoch - Millis{1}};
    CHECK(check_package(m, k_device, k_now, false, 5).ok());
    CHECK(check_package(m, k_device, k_now, true, 5).error().is(AgentCode::package_expired));
    CHECK(check_package(m, k_device, k_now, false, 6).error().is(AgentCode::package_replayed));
    CHECK(check_package(m, {{"WES"}, {}, {}}, k_now, true, 6).error().is(AgentCode::wrong_os));
}

TEST_CASE("a clock is sane for twenty years from the release on") {
    CHECK_FALSE(clock_trusted(WallTime{}));
    CHECK_FALSE(clock_trusted(*parse_rfc3339("2000-01-01T00:00:00Z")));
    CHECK_FALSE(clock_trusted(*parse_rfc3339("2026-10-31T23:59:59Z")));
    CHECK(clock_trusted(*parse_rfc3339("2026-11-01T00:00:00Z")));
    CHECK(clock_trusted(*parse_rfc3339("2046-10-01T00:00:00Z")));
    CHECK_FALSE(clock_trusted(*parse_rfc3339("2047-01-01T00:00:00Z")));
}
