// SPDX-License-Identifier: Apache-2.0
// Owns what FakeFiles adds to the contract: power cuts and failures on request.
#include "tests/fakes/fake_files.h"

#include <doctest/doctest.h>

#include <set>

#include "platform/paths.h"
#include "tests/fakes/rooted.h"

namespace hagent {
namespace {

using errors::AgentCode;
using fakes::FakeFiles;
using fakes::plain;
using fakes::rooted;
using fakes::Unsynced;
using platform::OpenMode;
using Names = std::vector<std::string>;

TEST_CASE("bytes that were not synced are lost, kept or torn") {
    for (const auto& [unsynced, expected] : {std::pair{Unsynced::lost, "base"}, std::pair{Unsynced::kept, "base+more"},
                                             std::pair{Unsynced::torn, "base+m"}}) {
        FakeFiles files;
        files.put("/f", "base");
        const auto file = files.open("/f", OpenMode::read_write).value();
        REQUIRE(file->write_at(4, "+more").ok());
        files.power_cut();
        CHECK(files.read("/f", 100).error().is(AgentCode::interrupted));
        files.restart(unsynced);
        CHECK(files.read("/f", 100).value() == expected);
        CHECK_FALSE(file->write_at(0, "x").ok());
    }
}

TEST_CASE("synced bytes survive, the name of a new file only after its directory was synced") {
    FakeFiles files;
    const auto make = [&](const char* path) {
        const auto file = files.open(path, OpenMode::truncate).value();
        REQUIRE(file->write_at(0, "1").ok());
        REQUIRE(file->sync().ok());
    };
    make("/a");
    REQUIRE(files.sync_directory("/").ok());
    make("/b");
    files.power_cut();
    files.restart();
    CHECK(files.tree() == Names{"/a"});
    CHECK(files.content("/a") == "1");
}

TEST_CASE("a renamed file whose bytes were not synced is there but empty") {
    FakeFiles files;
    const auto file = files.open("/new", OpenMode::truncate).value();
    REQUIRE(file->write_at(0, "1").ok());
    REQUIRE(files.rename("/new", "/f").ok());
    files.power_cut();
    files.restart();
    CHECK(files.content("/f") == "");
}

TEST_CASE("a removal that was not synced comes back") {
    FakeFiles files;
    files.put("/d/a", "1");
    files.put("/d/b", "2");
    REQUIRE(files.remove("/d/a").ok());
    REQUIRE(files.sync_directory("/d").ok());
    REQUIRE(files.remove("/d/b").ok());
    files.power_cut();
    files.restart();
    CHECK(files.tree() == Names{"/d/", "/d/b"});
}

TEST_CASE("write_durable leaves the old or the new content wherever the power fails") {
    for (const auto unsynced : {Unsynced::lost, Unsynced::kept, Unsynced::torn}) {
        std::set<std::string> seen;
        std::uint64_t call = 1;
        for (;; ++call) {
            FakeFiles files;
            files.put("/f", "the old content");
            files.cut_power_at(call);
            const bool done = files.write_durable("/f", "new", 0644).ok();
            if (!files.power_is_off()) {
                CHECK(done);
                break;
            }
            CHECK_FALSE(done);
            files.restart(unsynced);
            seen.insert(files.content("/f").value_or("<missing>"));
        }
        CHECK(call == 5);
        CHECK(seen == std::set<std::string>{"the old content"});
    }
}

TEST_CASE("after write_durable returned the new content survives") {
    FakeFiles files;
    REQUIRE(files.make_directories("/a/b").ok());
    REQUIRE(files.write_durable("/a/b/f", "new", 0600).ok());
    files.power_cut();
    files.restart();
    CHECK(files.content("/a/b/f") == "new");
}

TEST_CASE("a chosen call fails once and leaves no trace") {
    for (std::uint64_t call = 1; call <= 4; ++call) {
        FakeFiles files;
        files.put("/f", "old");
        files.fail_call(call, error(AgentCode::io_error, "planned"));
        CHECK(files.write_durable("/f", "new", 0644).error().is(AgentCode::io_error));
        CHECK(files.tree() == Names{"/f"});
        CHECK(files.content("/f") == "old");
        CHECK(files.write_durable("/f", "new", 0644).ok());
    }
}

TEST_CASE("a full disk takes what fits") {
    FakeFiles files;
    files.put("/a", "12345");
    files.set_capacity(10);
    const auto file = files.open("/b", OpenMode::truncate).value();
    CHECK(file->write_at(0, "123456789").error().is(AgentCode::disk_full));
    CHECK(files.content("/b") == "12345");
    CHECK(files.write_durable("/c", "1", 0644).error().is(AgentCode::disk_full));
    CHECK(files.remove("/a").ok());
    CHECK(files.write_durable("/c", "1", 0644).ok());
}

TEST_CASE("write protection, chosen paths and volumes fail as asked") {
    FakeFiles files;
    files.put("/d/a", "1");
    files.fail_path("/d/a", error(AgentCode::permission_denied, "/d/a"));
    CHECK(files.read("/d/a", 10).error().is(AgentCode::permission_denied));
    files.put("/d/b", "1");
    files.add_volume("/v");
    CHECK(files.rename("/d/b", "/v/b").error().is(AgentCode::cross_device));
    files.set_read_only(true);
    CHECK(files.remove("/d/b").error().is(AgentCode::read_only));
    CHECK(files.read("/d/b", 10).ok());
}

TEST_CASE("what a test puts by a POSIX path is found by the system's own, and comes back in its form") {
    FakeFiles files;
    files.put("/Data/sub/file", "1");
    files.put_symlink("/link", "/Data/sub");
    CHECK(files.read(rooted("/Data/sub/file"), 10).value() == "1");
    CHECK(files.resolve(rooted("/link/file")).value() == rooted("/Data/sub/file"));
    CHECK(files.resolve("/link/new").value() == rooted("/Data/sub/new"));
    CHECK(files.resolve(rooted("/")).value() == rooted("/"));
    files.fail_path("/data/SUB/file", error(AgentCode::io_error, "planned"));
    CHECK(files.read(rooted("/Data/sub/file"), 10).ok() != platform::same_path("a", "A"));
}

TEST_CASE("a renaming may change nothing but the case") {
    FakeFiles files;
    files.put("/d/name", "1");
    REQUIRE(files.rename("/d/name", "/d/Name").ok());
    CHECK(files.tree() == Names{"/d/", "/d/Name"});
}

TEST_CASE("another drive is another volume, where there are drives") {
    FakeFiles files;
    files.put("/a", "1");
    REQUIRE(files.make_directories("D:/x").ok());
    const auto moved = files.rename(rooted("/a"), "D:/x/a");
    const bool has_drives = rooted("/") != "/";
    CHECK(moved.ok() != has_drives);
    CHECK(files.exists("D:/x/a") != has_drives);
    CHECK(files.resolve("D:/x").value() == (has_drives ? "D:\\x" : "/D:/x"));
}

TEST_CASE("paths of tests become the system's and are read back") {
    CHECK(platform::is_absolute(rooted("/")));
    CHECK(rooted("x/y") == "x/y");
    CHECK(plain(rooted("/a/b.c")) == "/a/b.c");
    CHECK(plain("\"" + rooted("/") + "\"") == "\"/\"");
    CHECK(plain("took \"" + rooted("/a/b") + "\", " + rooted("/c") + " and HKLM\\x") ==
          "took \"/a/b\", /c and HKLM\\x");
    CHECK(fakes::rooted_script("SF \"a/b\" \"/c d/e\"\nDF \"/\"\n") ==
          "SF \"a/b\" \"" + rooted("/c d/e") + "\"\nDF \"" + rooted("/") + "\"\n");
}

TEST_CASE("locks end with the power") {
    FakeFiles files;
    const auto held = files.lock("/lock");
    REQUIRE(held.ok());
    files.power_cut();
    files.restart();
    CHECK(files.lock("/lock").ok());
}

TEST_CASE("calls are numbered and named") {
    FakeFiles files;
    REQUIRE(files.make_directories("/a/b").ok());
    REQUIRE(files.remove_tree("/a").ok());
    CHECK(files.calls() == Names{"make /a", "make /a/b", "remove /a/b", "remove /a"});
}

}  // namespace
}  // namespace hagent
