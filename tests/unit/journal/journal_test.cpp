// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the journal in ordinary times.
#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "agent/journal/journal.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::journal;
using errors::AgentCode;

namespace {

constexpr const char* k_path = "/state/journal";
constexpr const char* k_copy = "/state/journal.copy";

struct Fixture {
    fakes::FakeFiles files;
    Fixture() { files.put_directory("/state"); }

    [[nodiscard]] Journal open() {
        auto journal = Journal::open(files, k_path);
        REQUIRE(journal.ok());
        return std::move(journal).value();
    }
    [[nodiscard]] std::vector<Record> reopened() { return open().take_records(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a new journal is empty and keeps what is appended") {
    Journal journal = open();
    CHECK(journal.records().empty());
    CHECK_FALSE(journal.damage());
    REQUIRE(journal.append(1, "a").ok());
    REQUIRE(journal.append(2, "").ok());
    CHECK(journal.bytes() == files.content(k_path)->size());
    CHECK(reopened() == std::vector<Record>{{1, "a"}, {2, ""}});
    REQUIRE(open().append(3, "c").ok());
    CHECK(reopened().size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a torn tail is cut off, and the next record takes its place") {
    REQUIRE(open().append(1, "a").ok());
    const std::string good = *files.content(k_path);
    files.put(k_path, good + encode({2, "lost"}).substr(0, 9));
    Journal journal = open();
    CHECK_FALSE(journal.damage());
    CHECK(files.content(k_path) == good);
    REQUIRE(journal.append(3, "c").ok());
    CHECK(reopened() == std::vector<Record>{{1, "a"}, {3, "c"}});
}

TEST_CASE_FIXTURE(Fixture,
                  "damage in both copies is reported once, the file kept aside and what stands by itself is kept") {
    {
        Journal journal = open();
        REQUIRE(journal.append(1, "a").ok());
        REQUIRE(journal.append(2, "b").ok());
        REQUIRE(journal.append(3, "c").ok());
    }
    std::string bytes = *files.content(k_path);
    const std::size_t second = k_magic.size() + encode({1, "a"}).size();
    bytes[second + 10] = 'x';
    files.put(k_path, bytes);
    files.put(k_copy, bytes);
    Journal journal = open();
    REQUIRE(journal.damage());
    CHECK(journal.damage()->is(AgentCode::corrupt_journal));
    CHECK(journal.damage()->context.find("byte " + std::to_string(second)) != std::string::npos);
    CHECK(journal.damage()->context.find("lost") != std::string::npos);
    CHECK(journal.records() == std::vector<Record>{{1, "a"}, {k_gap, ""}, {3, "c"}});
    CHECK(files.content(std::string(k_path) + ".damaged") == bytes);
    CHECK_FALSE(open().damage());
    CHECK(reopened() == std::vector<Record>{{1, "a"}, {k_gap, ""}, {3, "c"}});  // that something is missing stays known
}

TEST_CASE_FIXTURE(Fixture, "damage in one copy loses nothing: it is reported once, and both are whole again") {
    {
        Journal journal = open();
        REQUIRE(journal.append(1, "a").ok());
        REQUIRE(journal.append(2, "b").ok());
    }
    const std::string good = *files.content(k_path);
    for (const std::string& path : {std::string(k_path), std::string(k_copy)}) {
        for (const std::string& bad :
             {good.substr(0, 20), std::string("x"), std::string(), std::string(good).replace(12, 1, "?")}) {
            CAPTURE(path);
            CAPTURE(bad);
            files.put(path, bad);
            const bool told = open().damage().has_value();
            CHECK((told || path == k_copy));  // a copy that is short is only behind
            CHECK(reopened() == std::vector<Record>{{1, "a"}, {2, "b"}});
            CHECK_FALSE(open().damage());
            CHECK(files.content(k_path) == good);
            CHECK(files.content(k_copy) == good);
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "a file that the disk cannot read any more, or that is gone, comes back from its copy") {
    REQUIRE(open().append(1, "a").ok());
    SUBCASE("gone") { REQUIRE(files.remove(k_path).ok()); }
    SUBCASE("unreadable") { files.fail_path(k_path, error(AgentCode::io_error, "sector")); }
    Journal journal = open();
    REQUIRE(journal.damage());
    CHECK(journal.records() == std::vector<Record>{{1, "a"}});
}

TEST_CASE_FIXTURE(Fixture,
                  "where nothing can be written a journal can be read, and is written on as soon as it can be") {
    bool there = false;
    SUBCASE("a new one") {}
    SUBCASE("one that needs mending") { there = true; }
    if (there) {
        REQUIRE(open().append(1, "a").ok());
        files.put(k_path, files.content(k_path)->substr(0, 12));
    }
    files.set_read_only(true);
    Journal journal = open();
    REQUIRE(journal.unwritable());
    CHECK(journal.unwritable()->is(AgentCode::read_only));
    CHECK(journal.records().size() == (there ? 1 : 0));
    CHECK(journal.append(2, "b").error().is(AgentCode::read_only));
    files.set_read_only(false);
    REQUIRE(journal.append(2, "b").ok());
    CHECK_FALSE(journal.unwritable());
    CHECK(reopened().size() == (there ? 2 : 1));
}

TEST_CASE_FIXTURE(Fixture, "a foreign file is kept aside and a new journal begins") {
    files.put(k_path, "something else");
    Journal journal = open();
    CHECK(journal.records() == std::vector<Record>{{k_gap, ""}});
    REQUIRE(journal.damage());
    CHECK(files.content(std::string(k_path) + ".damaged") == "something else");
    REQUIRE(journal.append(1, "a").ok());
    CHECK(reopened() == std::vector<Record>{{k_gap, ""}, {1, "a"}});
}

TEST_CASE_FIXTURE(Fixture, "rewriting replaces all records, and appending goes on behind them") {
    Journal journal = open();
    REQUIRE(journal.append(1, "a").ok());
    REQUIRE(journal.append(1, "b").ok());
    const auto before = journal.bytes();
    REQUIRE(journal.rewrite(std::vector<Record>{{9, "b"}}).ok());
    CHECK(journal.bytes() < before);
    REQUIRE(journal.append(2, "c").ok());
    CHECK(reopened() == std::vector<Record>{{9, "b"}, {2, "c"}});
}

TEST_CASE_FIXTURE(Fixture, "a full disk fails the append and spoils nothing") {
    Journal journal = open();
    REQUIRE(journal.append(1, "a").ok());
    files.set_capacity(journal.bytes() + 15);
    const auto failed = journal.append(2, std::string(100, 'b'));
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().is(AgentCode::disk_full));
    CHECK(reopened() == std::vector<Record>{{1, "a"}});
    files.set_capacity(1 << 20);
    REQUIRE(journal.append(3, "c").ok());
    CHECK(reopened() == std::vector<Record>{{1, "a"}, {3, "c"}});
}

TEST_CASE_FIXTURE(Fixture, "what a failed append left behind is gone before the next one") {
    Journal journal = open();
    files.forget_calls();
    files.fail_call(2, error(AgentCode::io_error, "sync"));
    files.fail_call(3, error(AgentCode::io_error, "cutting back"));
    // Bytes that would look like a record behind the next, shorter one.
    REQUIRE_FALSE(journal.append(1, "12345" + encode({9, "ghost"})).ok());
    CHECK(files.content(k_path)->size() > journal.bytes());
    REQUIRE(journal.append(2, "12345").ok());
    CHECK(files.content(k_path)->size() == journal.bytes());
    CHECK(reopened() == std::vector<Record>{{2, "12345"}});
}

TEST_CASE("any single failing call leaves acknowledged records and a journal that can be used") {
    for (std::uint64_t call = 1;; ++call) {
        Fixture f;
        Journal journal = f.open();
        REQUIRE(journal.append(1, "a").ok());
        f.files.forget_calls();
        f.files.fail_call(call, error(AgentCode::io_error, "planned"));
        std::vector<Record> expected = {{1, "a"}};
        bool failed = false;
        const auto note = [&](bool done, Record record) {
            done ? expected.push_back(std::move(record)) : void(failed = true);
        };
        note(journal.append(2, "b").ok(), {2, "b"});
        if (journal.rewrite(std::vector<Record>{{7, "new"}}).ok()) {
            expected = {{7, "new"}};
        } else {
            failed = true;
            const auto now = f.reopened();  // a rewrite that failed late may have happened
            if (now == std::vector<Record>{{7, "new"}}) {
                expected = now;
            }
        }
        note(journal.append(3, "c").ok(), {3, "c"});
        note(journal.append(4, "d").ok(), {4, "d"});
        CAPTURE(call);
        CHECK(f.reopened() == expected);
        CHECK_FALSE(f.open().damage());
        CHECK((failed || call != 1));
        if (f.files.calls().size() < call) {
            CHECK(call > 6);
            break;
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "records and journals beyond their limits are refused") {
    Journal journal = open();
    const std::string big(limits::k_journal_record_bytes, 'x');
    CHECK(journal.append(1, big + "y").error().is(AgentCode::limit_exceeded));
    while (journal.bytes() + big.size() + 10 <= limits::k_journal_bytes) {
        REQUIRE(journal.append(1, big).ok());
    }
    const auto full = journal.append(1, big);
    REQUIRE_FALSE(full.ok());
    CHECK(full.error().is(AgentCode::limit_exceeded));
    CHECK(reopened().size() == 15);
    CHECK(journal.rewrite(std::vector<Record>(17, Record{1, big})).error().is(AgentCode::limit_exceeded));
    REQUIRE(journal.rewrite({}).ok());
    REQUIRE(journal.append(1, "a").ok());
}
