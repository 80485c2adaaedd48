// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/record.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_files.h"
#include "tests/fakes/rooted.h"
#include "tests/unit/upgrade/values.h"

namespace hagent::upgrade {
namespace {

using fakes::FakeFiles;
using fakes::Unsynced;

Record full() {
    Record record;
    record.generation = 12;
    record.launcher = k_own;
    record.running = Place{"1.2.0.0", program("1.2.0.0").path};
    record.confirmed = program("1.2.0.0");
    record.confirmed->may_be_older = true;
    record.previous = program("1.1.0.0");
    Trial trial;
    trial.program = program("1.3.0.0");
    trial.program.path = fakes::rooted("/my agents/1.3.0.0/hagent");
    trial.session = "000017";
    trial.starts = 1;
    trial.began = at(81).moment;
    trial.ends_at = at(381).wall;
    record.trial = trial;
    record.last = Last{"1.1.0.0", "1.2.0.0", Verdict::confirmed, "a check-in succeeded", "000015", at(5).wall};
    record.started = at(81).moment;
    record.short_lives = 2;
    return record;
}

struct Device {
    Device() { files.put_directory("/state/agent", 0700); }
    FakeFiles files;
    config::StatePaths state{fakes::rooted("/state")};
    RecordFile file{files, state};
    const std::string path = "/state/agent/record";

    [[nodiscard]] Record now() const {
        auto found = file.read();
        REQUIRE(found.ok());
        REQUIRE(found->has_value());
        return **found;
    }
};

TEST_CASE("a record comes back as it was written") {
    const auto record = full();
    const auto again = parse_record(record_text(record));
    REQUIRE(again.ok());
    CHECK(*again == record);
    CHECK(*parse_record(record_text(Record{})) == Record{});
}

/// As the first launcher wrote it. It stands on devices, and launchers of then read what agents of now write: whatever
/// changes, this text stays, and a record with no more than this in it is written so.
std::string of_the_first_launcher() {
    const std::string sum = trust::sha256_hex("program");
    const auto place = [](const std::string& version) {
        return fakes::rooted("/var/lib/hagent/agent/" + version + "/hagent");
    };
    return "hagent-upgrade 1\ngeneration 12\nlauncher 0.1.0.0 " + fakes::rooted("/usr/sbin/hagent") +
           "\nrunning 1.2.0.0 " + place("1.2.0.0") + "\nconfirmed 1.2.0.0 7 " + sum + " " + place("1.2.0.0") +
           "\nconfirmed-may-be-older\nprevious 1.1.0.0 7 " + sum + " " + place("1.1.0.0") + "\ntrial 1.3.0.0 7 " + sum +
           " " + fakes::rooted("/my agents/1.3.0.0/hagent") +
           "\ntrial-session 000017\ntrial-starts 1 3\ntrial-deadline 300\ntrial-began boot-1 81000 1796083581000\n"
           "last 1.1.0.0 1.2.0.0 confirmed 1796083205000\nlast-session 000015\nlast-reason a check-in succeeded\n"
           "started boot-1 81000\nshort-lives 2\n";
}

TEST_CASE("launchers of any age and agents of any age read each other's records") {
    CHECK(record_text(full()) == of_the_first_launcher());
    const auto read = parse_record(of_the_first_launcher());
    REQUIRE(read.ok());
    CHECK(*read == full());
}

TEST_CASE("a record that the first launcher left on the disk is read, and written again in the same form") {
    const std::string copy =
        "hagent-upgrade 1\ngeneration 12\nlast 1.1.0.0 1.2.0.0 confirmed 1796083205000\nlast-session 000015\n"
        "last-reason a check-in succeeded\ncrc 2311717149\n";
    Device device;
    device.files.put(device.path, copy);
    device.files.put(device.path + ".copy", copy);
    Record record = device.now();
    CHECK(record.last == Last{"1.1.0.0", "1.2.0.0", Verdict::confirmed, "a check-in succeeded", "000015", at(5).wall});
    record.generation = 11;
    REQUIRE(device.file.write(record).ok());
    CHECK(device.files.content(device.path) == copy);
}

TEST_CASE("lines of a later agent stay when an old launcher writes the record") {
    const auto text = record_text(full()) + "later-thing 1 2\ntrial-later 7\n";
    const auto record = parse_record(text);
    REQUIRE(record.ok());
    CHECK(record_text(*record) == text);
}

TEST_CASE("what is no record is not taken for one") {
    for (const std::string bad :
         {"", "hagent-upgrade 2\n", "hagent-upgrade 1\ngeneration x\n",
          "hagent-upgrade 1\ngeneration 1\ngeneration 1\n", "hagent-upgrade 1\ntrial-starts 1 3\n",
          "hagent-upgrade 1\nconfirmed 1.0 5 abc /x\n", "hagent-upgrade 1\nlauncher 1.0 relative/path\n",
          "hagent-upgrade 1\nlauncher ../1 /x\n"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_record(bad).ok());
    }
}

TEST_CASE("one damaged copy does not matter, of two whole ones the newer counts") {
    Device device;
    auto record = full();
    REQUIRE(device.file.write(record).ok());
    const auto whole = *device.files.content(device.path);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto bad = whole;
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
        for (const auto& name : {device.path, device.path + ".copy"}) {
            device.files.put(device.path, whole);
            device.files.put(device.path + ".copy", whole);
            device.files.put(name, bad);
            CHECK(device.now() == record);
        }
    }
    device.files.put(device.path, whole);
    device.files.put(device.path + ".copy", whole);
    auto older = *device.files.content(device.path);
    record.short_lives = 9;
    REQUIRE(device.file.write(record).ok());
    device.files.put(device.path, older);  // the power went between the two
    CHECK(device.now().short_lives == 9);
}

TEST_CASE("both copies damaged is told, and the next change begins anew") {
    Device device;
    device.files.put(device.path, "rubbish");
    device.files.put(device.path + ".copy", std::string(512, '\0'));
    CHECK(device.file.read().error().is(errors::AgentCode::corrupt_journal));
    REQUIRE(device.file
                .change([](Record& record) -> Result<bool> {
                    CHECK(record == Record{});
                    record.short_lives = 1;
                    return true;
                })
                .ok());
    CHECK(device.now().short_lives == 1);
}

TEST_CASE("a power cut at any call leaves the old record or the new one") {
    for (const auto unsynced : {Unsynced::lost, Unsynced::kept, Unsynced::torn}) {
        for (std::uint64_t call = 1;; ++call) {
            Device device;
            auto before = full();
            REQUIRE(device.file.write(before).ok());
            device.files.forget_calls();
            device.files.cut_power_at(call);
            auto after = before;
            after.short_lives = 7;
            const bool done = device.file.write(after).ok();
            if (!device.files.power_is_off()) {
                CHECK(done);
                break;
            }
            device.files.restart(unsynced);
            const auto found = device.now();
            CHECK((found == before || found.short_lives == 7));
        }
    }
}

}  // namespace
}  // namespace hagent::upgrade
