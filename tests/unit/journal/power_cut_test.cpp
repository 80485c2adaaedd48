// SPDX-License-Identifier: Apache-2.0
// Owns the crash tests: power goes away at every call that changes the disk.
#include <doctest/doctest.h>

#include "agent/journal/journal.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::journal;
using fakes::FakeFiles;
using fakes::Unsynced;

namespace {

constexpr const char* k_path = "/state/journal";

/// What the journal may hold after a cut: what was acknowledged, or that and the step that was under way.
struct Expected {
    std::vector<Record> acknowledged;
    std::vector<Record> under_way;

    void begin(std::vector<Record> next) { under_way = std::move(next); }
    void end() { acknowledged = under_way; }
};

std::vector<Record> with(std::vector<Record> records, Record next) {
    records.push_back(std::move(next));
    return records;
}

/// Opens, appends, compacts and appends again; stops at the first failure.
Status work(FakeFiles& files, Expected& expected) {
    Journal journal = TRY(Journal::open(files, k_path));
    for (std::uint16_t type = 1; type <= 3; ++type) {
        expected.begin(with(expected.acknowledged, {type, std::string(type * 40U, 'x')}));
        TRY(journal.append(type, expected.under_way.back().payload));
        expected.end();
    }
    const std::vector<Record> compact = {{100, "all of it"}};
    expected.begin(compact);
    TRY(journal.rewrite(compact));
    expected.end();
    expected.begin(with(expected.acknowledged, {4, "last"}));
    TRY(journal.append(4, "last"));
    expected.end();
    return {};
}

void check_every_cut(Unsynced unsynced) {
    for (std::uint64_t call = 1;; ++call) {
        FakeFiles files;
        files.put_directory("/state");
        files.forget_calls();
        files.cut_power_at(call);
        Expected expected;
        const bool done = work(files, expected).ok();
        if (!files.power_is_off()) {
            CHECK(done);
            CHECK(call > 10);
            return;
        }
        const auto calls = files.calls();
        const std::string last_call = calls.empty() ? "" : calls.back();
        CAPTURE(call);
        CAPTURE(last_call);
        files.restart(unsynced);
        auto journal = Journal::open(files, k_path);
        REQUIRE(journal.ok());
        CHECK_FALSE(journal->damage());
        const auto found = journal->records();
        CHECK((found == expected.acknowledged || found == expected.under_way));
        REQUIRE(journal->append(50, "after").ok());
        CHECK(Journal::open(files, k_path)->records() == with(found, {50, "after"}));
    }
}

/// The reopening after a first cut is cut as well, at each of its calls.
void check_cut_while_recovering(Unsynced unsynced) {
    for (std::uint64_t call = 1;; ++call) {
        FakeFiles files;
        const std::string good = std::string(k_magic) + encode({1, "a"}) + encode({2, "b"});
        files.put(k_path, good + encode({3, "torn"}).substr(0, 11));
        files.forget_calls();
        files.cut_power_at(call);
        const bool done = Journal::open(files, k_path).ok();
        if (!files.power_is_off()) {
            CHECK(done);
            CHECK(call > 1);
            return;
        }
        files.restart(unsynced);
        CAPTURE(call);
        CHECK(Journal::open(files, k_path)->records() == std::vector<Record>{{1, "a"}, {2, "b"}});
    }
}

}  // namespace

TEST_CASE("after a power cut at any call every acknowledged record is there and nothing torn is seen") {
    SUBCASE("unsynced changes are lost") { check_every_cut(Unsynced::lost); }
    SUBCASE("unsynced changes are kept") { check_every_cut(Unsynced::kept); }
    SUBCASE("unsynced changes are torn") { check_every_cut(Unsynced::torn); }
}

TEST_CASE("a power cut while a torn tail is cut off loses nothing") {
    SUBCASE("unsynced changes are lost") { check_cut_while_recovering(Unsynced::lost); }
    SUBCASE("unsynced changes are kept") { check_cut_while_recovering(Unsynced::kept); }
    SUBCASE("unsynced changes are torn") { check_cut_while_recovering(Unsynced::torn); }
}
