// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the serials file.
#include <doctest/doctest.h>

#include "agent/trust/serials.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::trust;
using errors::AgentCode;
using fakes::FakeFiles;

namespace {

constexpr const char* k_path = "/state/serials";
const std::string k_key(64, 'a'), k_other_key(64, 'b');

struct Fixture {
    FakeFiles files;
    Fixture() { files.put_directory("/state"); }
    [[nodiscard]] Serials load() { return Serials::load(files, k_path).value(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the highest serial per key and package is remembered") {
    Serials serials = load();
    CHECK_FALSE(serials.highest(k_key, "demo"));
    REQUIRE(serials.accept(k_key, "demo", 7).ok());
    REQUIRE(serials.accept(k_key, "with blank", UINT64_MAX).ok());
    REQUIRE(serials.accept(k_other_key, "demo", 3).ok());
    REQUIRE(serials.accept(k_key, "demo", 5).ok());
    for (const Serials& s : {serials, load()}) {
        CHECK(s.highest(k_key, "demo") == 7);
        CHECK(s.highest(k_key, "with blank") == UINT64_MAX);
        CHECK(s.highest(k_other_key, "demo") == 3);
        CHECK_FALSE(s.highest(k_other_key, "with blank"));
    }
    REQUIRE(serials.accept(k_key, "demo", 8).ok());
    CHECK(load().highest(k_key, "demo") == 8);
}

TEST_CASE_FIXTURE(Fixture, "a changed or missing byte in one copy is made good by the other, and told") {
    Serials serials = load();
    REQUIRE(serials.accept(k_key, "demo", 7).ok());
    const std::string good = *files.content(k_path);
    for (const std::string& path : {std::string(k_path), std::string(k_path) + ".copy"}) {
        for (std::size_t i = 0; i < good.size(); ++i) {
            for (const std::string& bad :
                 {std::string(good).replace(i, 1, 1, static_cast<char>(good[i] ^ 1)), good.substr(0, i)}) {
                CAPTURE(path);
                CAPTURE(bad);
                files.put(path, bad);
                const auto found = load();
                CHECK(found.highest(k_key, "demo") == 7);
                REQUIRE(found.damage());
                CHECK(found.damage()->context == path);
                CHECK(files.content(std::string(k_path) + ".damaged") == bad);
                CHECK(files.content(path) == good);
                CHECK_FALSE(load().damage());
            }
        }
    }
    REQUIRE(files.remove(k_path).ok());
    CHECK(load().damage());
    CHECK(load().highest(k_key, "demo") == 7);
}

TEST_CASE_FIXTURE(Fixture, "no changed or missing byte is believed") {
    Serials serials = load();
    REQUIRE(serials.accept(k_key, "demo", 7).ok());
    REQUIRE(serials.accept(k_key, "second", 12).ok());
    const std::string good = *files.content(k_path);
    for (std::size_t i = 0; i < good.size(); ++i) {
        CAPTURE(i);
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        files.put(k_path, bad);
        files.put(std::string(k_path) + ".copy", bad);
        CHECK(Serials::load(files, k_path).error().is(AgentCode::corrupt_journal));
        files.put(k_path, good.substr(0, i));
        files.put(std::string(k_path) + ".copy", good.substr(0, i));
        CHECK(Serials::load(files, k_path).error().is(AgentCode::corrupt_journal));
    }
    files.put(k_path, good);
    CHECK(Serials::load(files, k_path).ok());
}

TEST_CASE_FIXTURE(Fixture, "a serial that could not be written is not remembered") {
    Serials serials = load();
    files.set_read_only(true);
    CHECK_FALSE(serials.accept(k_key, "demo", 7).ok());
    CHECK_FALSE(serials.highest(k_key, "demo"));
}

TEST_CASE("a power cut at any call leaves the old or the new serial, and the new one once accepted") {
    for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::kept, fakes::Unsynced::torn}) {
        for (std::uint64_t call = 1;; ++call) {
            Fixture f;
            REQUIRE(f.load().accept(k_key, "demo", 7).ok());
            Serials serials = f.load();
            f.files.forget_calls();
            f.files.cut_power_at(call);
            const bool accepted = serials.accept(k_key, "demo", 8).ok();
            if (!f.files.power_is_off()) {
                CHECK(accepted);
                CHECK(call > 1);
                break;
            }
            f.files.restart(unsynced);
            const auto found = f.load().highest(k_key, "demo");
            CAPTURE(call);
            CHECK((found == 8 || (found == 7 && !accepted)));
        }
    }
}
