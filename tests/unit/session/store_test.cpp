// SPDX-License-Identifier: Apache-2.0
// Owns the tests of sessions at rest: what a journal gives back, torn ends, pruning.
#include <string>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "tests/fakes/job_source.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

SessionRecord full_record() {
    SessionRecord record;
    record.started = WallTime{Millis{1'796'083'200'123}};
    record.job = Device::job();
    record.job.id = "9007199254740993";  // more than a double can hold
    record.job.version = "1.0";
    record.job.execute = false;
    record.job.forced = false;
    signed_package(record.job).artifacts = {{"fw/a", "http://m/a", 12, "ab", "cd"},
                                            {"b", "http://m/b", std::nullopt, "", ""}};
    signed_package(record.job).allow_unsigned = true;
    record.job.relocation = "/r";
    record.job.options = {{"form", "wire"}, {"question_s", "30"}};
    record.package = "demo";
    record.version = "2.0";
    record.serial = UINT64_MAX;
    record.signer = "release";
    record.steps = {{1, 4, "SF", "fetch", work::StepState::pending, {}, {}},
                    {2, 5, "EX", "run", work::StepState::pending, {}, {}}};
    record.disk = {{"/", platform::VolumeType::normal, work::VolumeState::used, 100, 50, 60}};
    record.reboots = 1;
    return record;
}

/// One step that is done with everything a step can say.
work::StepRecord full_step() {
    work::StepRecord step;
    step.n = 1;
    step.state = work::StepState::done;
    step.output = "said \xff this";
    step.boot_id = "boot";
    step.results = {{errors::agent(AgentCode::reboot_pending), errors::Severity::note, 3, "where", errors::ftp(550)}};
    return step;
}

TEST_CASE("everything that a session wrote comes back") {
    Device device;
    SessionRecord record = full_record();
    auto log = device.store.create(record);
    REQUIRE(log.ok());
    CHECK(record.id == "000001");
    REQUIRE(log->phase(Phase::selection).ok());
    REQUIRE(log->package(record).ok());
    REQUIRE(log->plan(record).ok());
    REQUIRE(log->intent(1).ok());
    REQUIRE(log->done(full_step()).ok());
    REQUIRE(log->intent(2).ok());
    REQUIRE(log->resumed().ok());

    const auto stored = device.store.load("000001");
    REQUIRE(stored.ok());
    const auto& back = stored->record;
    CHECK(stored->begun);
    CHECK(stored->has_plan);
    CHECK_FALSE(stored->verdict.has_value());
    CHECK(back.started == record.started);
    CHECK(back.job.id == record.job.id);
    CHECK(back.job.name == record.job.name);
    CHECK(back.job.version == "1.0");
    CHECK_FALSE(back.job.execute);
    CHECK_FALSE(back.job.forced);
    CHECK(signed_package(back.job).base_url == k_base_url);
    REQUIRE(signed_package(back.job).artifacts.size() == 2);
    CHECK(signed_package(back.job).artifacts[0].path == "fw/a");
    CHECK(signed_package(back.job).artifacts[0].bytes == 12);
    CHECK(signed_package(back.job).artifacts[0].sha256 == "ab");
    CHECK(signed_package(back.job).artifacts[0].sha1 == "cd");
    CHECK_FALSE(signed_package(back.job).artifacts[1].bytes.has_value());
    CHECK(signed_package(back.job).allow_unsigned);
    CHECK(back.job.relocation == "/r");
    CHECK(back.job.options == record.job.options);
    CHECK(back.serial == UINT64_MAX);
    CHECK(back.signer == "release");
    CHECK(back.phase == Phase::selection);
    CHECK(back.resumptions == 1);
    CHECK(back.reboots == 1);
    REQUIRE(back.disk.size() == 1);
    CHECK(back.disk[0].after_bytes == 50);
    REQUIRE(back.steps.size() == 2);
    CHECK(back.steps[0].state == work::StepState::done);
    CHECK(back.steps[0].line == 4);
    CHECK(back.steps[1].state == work::StepState::running);
    REQUIRE(stored->steps.size() == 2);
    CHECK(stored->steps[0].boot_id == "boot");
    REQUIRE(stored->steps[0].results.size() == 1);
    CHECK(stored->steps[0].results[0].info == 3);
    CHECK(stored->steps[0].results[0].native == errors::ftp(550));
    CHECK(stored->steps[0].results[0].context == "where");
    CHECK_FALSE(back.ended.has_value());
}

TEST_CASE("every kind of job is stored by name") {
    for (const JobKind kind : {JobKind::script, JobKind::software, JobKind::image, JobKind::upgrade}) {
        CHECK(job_kind(to_string(kind)) == kind);
    }
    CHECK_FALSE(job_kind("").has_value());
    CHECK_FALSE(job_kind("Script").has_value());
}

TEST_CASE("a verdict is final: the end that was decided is the end, and an end record says that it was told") {
    Device device;
    SessionRecord record = full_record();
    auto log = device.store.create(record);
    REQUIRE(log.ok());
    record.phase = Phase::aborted;
    record.ended = WallTime{Millis{1'796'083'300'000}};
    record.results = {{errors::agent(AgentCode::session_cancelled), errors::Severity::warning, 1, "", {}}};
    REQUIRE(log->verdict(record, ReportStage::cancelled).ok());
    auto stored = device.store.load(record.id);
    REQUIRE(stored.ok());
    CHECK(stored->verdict == ReportStage::cancelled);
    CHECK_FALSE(stored->record.ended.has_value());
    REQUIRE(log->end(record).ok());
    stored = device.store.load(record.id);
    REQUIRE(stored.ok());
    CHECK(stored->record.ended == record.ended);
    CHECK(stored->record.phase == Phase::aborted);
    CHECK(has_code(stored->record.results, AgentCode::session_cancelled));
}

TEST_CASE("whatever is torn off the end of a journal, the rest is read and can be written on") {
    Device device;
    device.publish("SF \"conf\" \"/etc/app.conf\"\nEX \"run\"\n", {{"conf", "a\n"}});
    device.processes.on("run", platform::Exit{});
    REQUIRE(device.run(Device::job()).ok());
    const std::string path = "/var/lib/hagent/sessions/" + device.id + "/journal";
    const std::string whole = *device.files.content(path);
    REQUIRE(device.files.content(path + ".copy") == whole);
    std::size_t known_steps = 0;
    for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
        CAPTURE(bytes);
        device.files.put(path, std::string_view(whole).substr(0, bytes));
        device.files.put(path + ".copy", std::string_view(whole).substr(0, bytes / 2));
        const auto stored = device.store.load(device.id);
        REQUIRE(stored.ok());
        CHECK(stored->record.ended.has_value() == (bytes == whole.size()));
        CHECK(stored->steps.size() >= known_steps);
        known_steps = stored->steps.size();
        if (bytes % 16 == 0) {
            auto log = device.store.reopen(device.id);
            REQUIRE(log.ok());
            REQUIRE(log->resumed().ok());
            const auto again = device.store.load(device.id);
            REQUIRE(again.ok());
            CHECK(again->record.resumptions == stored->record.resumptions + 1);
        }
    }
    CHECK(known_steps == 2);
}

TEST_CASE("a record that holds anything but what it should is left out") {
    Device device;
    SessionRecord record = full_record();
    REQUIRE(device.store.create(record).ok());
    auto journal = journal::Journal::open(device.files, "/var/lib/hagent/sessions/000001/journal");
    REQUIRE(journal.ok());
    for (std::uint16_t type = 0; type < 12; ++type) {
        for (const char* payload :
             {"", "[]", "7", "{\"n\":-1}", "{\"phase\":99}", "{\"phase\":\"x\"}", "{\"steps\":7}", "{\"steps\":[7]}",
              "{\"results\":[[]]}", "{\"n\":\"x\",\"state\":99}", "{\"ended\":\"never\"}", "{\"job\":3}",
              "{\"stage\":99}", "{\"job\":{\"artifacts\":[1,{\"bytes\":-2}],\"local\":4}}"}) {
            REQUIRE((*journal).append(type, payload).ok());
        }
    }
    CHECK(device.store.load("000001").ok());
}

/// A session that fetched and ran something, with one byte of its journal changed, in both copies or in one.
struct Damaged : Device {
    explicit Damaged(std::size_t (*where)(std::string_view journal), bool copy_too = true, bool decided = false) {
        publish("SF \"conf\" \"/etc/app.conf\"\nEX \"run\"\n", {{"conf", "a\n"}});
        processes.on("run", platform::Exit{});
        REQUIRE(run(Device::job()).ok());
        path = "/var/lib/hagent/sessions/" + id + "/journal";
        bytes = *files.content(path);
        if (!decided) {
            bytes.resize(bytes.find("\"stage\""));  // behind its phases stands the verdict
            bytes.resize(narrow<std::size_t>(journal::replay(bytes).good_bytes));
        }
        bytes[where(bytes)] ^= 0x20;
        files.put(path, bytes);
        if (copy_too) {
            files.put(path + ".copy", bytes);
        }
    }
    std::string path, bytes;
};

std::size_t in_magic(std::string_view) { return 0; }
std::size_t in_begin(std::string_view journal) { return journal.find("\"job\""); }
std::size_t in_plan(std::string_view journal) { return journal.find("\"reboots\""); }
std::size_t after_verdict(std::string_view journal) { return journal.rfind("\"results\""); }

TEST_CASE("a session whose journal is damaged is an error that names the place, and is shown as failed by it") {
    for (const auto where : {in_begin, in_plan}) {
        Damaged device(where);
        const auto stored = device.store.load(device.id);
        REQUIRE_FALSE(stored.ok());
        CHECK(stored.error().is(AgentCode::corrupt_journal));
        CHECK(plain(stored.error().context).starts_with(device.path + " at byte "));
        const auto shown = device.store.shown(device.id);
        REQUIRE(shown.ok());
        CHECK(shown->id == device.id);
        CHECK(shown->failed());
        CHECK(shown->ended.has_value());
        CHECK(has_code(shown->results, AgentCode::corrupt_journal));
        CHECK(device.files.content(device.path) == device.bytes);  // only looked at
    }
}

TEST_CASE("a session whose journal is damaged gets its verdict in one step, once, and the damaged file is kept") {
    Damaged device(in_plan);
    const WallTime now = device.clock.wall();
    REQUIRE(device.store.mend(device.id, now).ok());
    CHECK(device.files.content(device.path + ".damaged") == device.bytes);
    const auto stored = device.stored();
    CHECK(stored.begun);
    CHECK(stored.record.job.id == "job-1");
    CHECK(stored.verdict == ReportStage::failure);
    CHECK(stored.decided == now);
    CHECK_FALSE(stored.record.ended.has_value());  // nobody has been told
    CHECK(has_code(stored.record.results, AgentCode::corrupt_journal));
    const auto closed = device.files.content(device.path);
    REQUIRE(device.store.mend(device.id, now).ok());
    CHECK(device.files.content(device.path) == closed);
}

TEST_CASE("a session of which not even the job can be read is over, and is kept like any other") {
    for (const auto where : {in_begin}) {
        Damaged device(where);
        REQUIRE(device.store.mend(device.id, device.clock.wall()).ok());
        REQUIRE(device.store.prune().ok());
        const auto stored = device.stored();
        CHECK(stored.begun);
        CHECK(stored.record.ended == device.clock.wall());
        CHECK(stored.record.failed());
        CHECK(stored.record.job.id.empty());
    }
}

TEST_CASE("damage in one copy of a session's journal loses nothing, is named once and made good") {
    for (const auto where : {in_magic, in_begin, in_plan}) {
        Damaged device(where, false, true);
        const auto stored = device.store.load(device.id);
        REQUIRE(stored.ok());
        CHECK(stored->record.job.id == "job-1");
        CHECK(stored->steps.size() == 2);
        const auto mended = device.store.mend(device.id, device.clock.wall());
        REQUIRE(mended.ok());
        REQUIRE(mended->has_value());
        CHECK(plain((*mended)->context).starts_with(device.path + " at byte "));
        CHECK(device.files.content(device.path) == device.files.content(device.path + ".copy"));
        CHECK_FALSE(device.store.mend(device.id, device.clock.wall()).value().has_value());
        CHECK(device.stored().verdict == ReportStage::success);
    }
}

TEST_CASE("damage behind the verdict does not change it") {
    Damaged device(after_verdict, true, true);
    auto bytes = device.bytes + journal::encode({99, "{}"});  // otherwise it would be a torn end
    device.files.put(device.path, bytes);
    device.files.put(device.path + ".copy", bytes);
    REQUIRE(device.store.mend(device.id, device.clock.wall()).ok());
    const auto stored = device.stored();
    CHECK(stored.verdict == ReportStage::success);
    CHECK_FALSE(stored.record.failed());
    CHECK(has_code(stored.record.results, AgentCode::corrupt_journal));  // as a warning
}

TEST_CASE("a session that is not there has a code of its own") {
    Device device;
    for (const char* id : {"000001", "", "x", "../../etc", "0000000000001"}) {
        CAPTURE(id);
        const auto stored = device.store.load(id);
        REQUIRE_FALSE(stored.ok());
        CHECK(stored.error().is(AgentCode::session_not_found));
    }
    CHECK(device.store.list().value_or({"x"}).empty());
}

TEST_CASE("ids grow, also over the end of six digits") {
    Device device;
    device.files.put_directory("/var/lib/hagent/sessions/999999");
    device.files.put_directory("/var/lib/hagent/sessions/not-a-session");
    SessionRecord record = full_record();
    REQUIRE(device.store.create(record).ok());
    CHECK(record.id == "1000000");
    CHECK(device.store.list().value_or({}) == std::vector<std::string>{"999999", "1000000"});
    REQUIRE(device.store.create(record).ok());
    CHECK(record.id == "1000001");
}

TEST_CASE("pruning keeps the newest sessions, every unfinished one and its downloads") {
    Device device;
    const std::size_t made = limits::k_kept_sessions + 10;
    for (std::size_t i = 0; i < made; ++i) {
        SessionRecord record = full_record();
        auto log = device.store.create(record);
        REQUIRE(log.ok());
        device.files.put(device.store.download_directory(record.id, 1) + "/part", "x");
        if (i != 2) {
            record.phase = Phase::completed;
            record.ended = record.started;
            REQUIRE(log->end(record).ok());
        }
    }
    device.files.put_directory("/var/lib/hagent/sessions/999998/package");  // the power went before it began
    REQUIRE(device.store.prune().ok());
    const auto ids = device.store.list().value_or({});
    CHECK(ids.size() == limits::k_kept_sessions);
    CHECK(std::find(ids.begin(), ids.end(), "000003") != ids.end());
    CHECK(std::find(ids.begin(), ids.end(), "000001") == ids.end());
    CHECK(std::find(ids.begin(), ids.end(), "999998") == ids.end());
    CHECK(device.files.exists(device.store.download_directory("000003", 1)));
    CHECK_FALSE(device.files.exists(device.store.download_directory("000020", 1)));
}

TEST_CASE("pruning does not take a session that cannot be read for a finished one") {
    Device device;
    SessionRecord record = full_record();
    REQUIRE(device.store.create(record).ok());
    device.files.fail_path("/var/lib/hagent/sessions/000001/journal", error(AgentCode::io_error));
    device.files.put(device.store.download_directory(record.id, 1) + "/part", "x");
    (void)device.store.prune().ok();
    CHECK(device.files.exists(device.store.download_directory("000001", 1)));
}

}  // namespace
}  // namespace hagent::session
