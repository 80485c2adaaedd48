// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `upgrade release` and of what is shown of parked jobs, with and without a daemon.
#include "agent/manager/report_queue.h"
#include "agent/session/parking.h"
#include "tests/unit/verbs/command_line.h"
#include "tests/unit/verbs/daemon.h"

namespace hagent::verbs {
namespace {

/// Job "17" was stopped: the same image was done three times.
struct Device : CommandLine {
    Device() {
        auto parking = session::Parking::open(files, rooted(k_state + "/rounds"), {}).value();
        const WallTime now{std::chrono::hours{24 * 20000}};
        session::SessionRecord record;
        record.job.kind = JobKind::image;
        record.package = "thin";
        record.version = "11.1";
        for (unsigned i = 1; i <= 3; ++i) {
            record.id = "00000" + std::to_string(i);
            REQUIRE(parking->begins(record, "11.0", "", now).ok());
            REQUIRE(parking->ends(record, session::ReportStage::success, true).ok());
        }
        record.job.id = "17";
        REQUIRE_FALSE(parking->admit(record, now).ok());
        auto reports = manager::ReportQueue::open(files, rooted(k_state + "/reports")).value();
        REQUIRE(reports->add({"17", session::ReportStage::failure, {"held"}, 0, 0, true}).ok());
    }
    bool remembers() {
        return manager::ReportQueue::open(files, rooted(k_state + "/reports")).value()->finished("17").has_value();
    }
};

TEST_CASE("what is parked is shown with the way to let it go on") {
    Device device;
    CHECK(device.run({"upgrade", "status", "--json"}) == k_done);
    const auto parked = device.document()["parked"];
    REQUIRE(parked.size() == 1);
    CHECK(parked[0]["job"] == "17");
    CHECK(parked[0]["rounds"] == 3);
    CHECK(parked[0]["why"].get<std::string>().find("image thin 11.1 was done 3 times") == 0);
    CHECK(device.run({"status", "--json"}) == k_done);
    CHECK(device.document()["parked"] == parked);
    for (const Words& words : {Words{"status"}, Words{"upgrade", "status"}}) {
        CHECK(device.run(words) == k_done);
        CHECK(device.said("hagent upgrade release 17"));
    }
}

TEST_CASE("a parked job is released without a daemon, once") {
    Device device;
    CHECK(device.remembers());
    CHECK(device.run({"upgrade", "release", "18"}) == k_not_found);
    CHECK(device.run({"upgrade", "release", "17", "--json"}) == k_done);
    CHECK(device.document()["parked"].empty());
    CHECK_FALSE(device.remembers());
    CHECK(device.run({"upgrade", "release", "17"}) == k_not_found);
    CHECK(device.run({"upgrade", "release"}) == k_usage);
}

TEST_CASE("a running daemon is asked, and its no counts") {
    Device device;
    const Daemon daemon(device);
    CHECK(device.run({"upgrade", "release", "parked"}) == k_done);
    CHECK(device.run({"upgrade", "release", "17"}) == k_not_found);
    CHECK(device.remembers());
}

}  // namespace
}  // namespace hagent::verbs
