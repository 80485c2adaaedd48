// SPDX-License-Identifier: Apache-2.0
// Owns what files.h promises about symlinks and permission bits, which only POSIX has.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/contract/files_under_test.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::FileKind;
using platform::OpenMode;

#define BOTH RealFilesUnderTest, FakeFilesUnderTest

void link_to(RealFilesUnderTest&, const std::string& path, const std::string& target) {
    REQUIRE(symlink(target.c_str(), path.c_str()) == 0);
}
void link_to(FakeFilesUnderTest& t, const std::string& path, const std::string& target) {
    t.owner.put_symlink(path, target);
}

template <class T>
void fill(T& t) {
    REQUIRE(t.files.make_directories(t.root + "/d/e").ok());
    REQUIRE(t.files.write_durable(t.root + "/d/x", "1", 0644).ok());
    link_to(t, t.root + "/absolute", t.root + "/d");
    link_to(t, t.root + "/relative", "d/e");
    link_to(t, t.root + "/dangling", "d/none/y");
    link_to(t, t.root + "/circle", "circle");
    link_to(t, t.root + "/d/up", "..");
}

TEST_CASE_TEMPLATE("resolve follows every symlink of the existing part", T, BOTH) {
    T t;
    fill(t);
    const auto resolved = [&](const char* path) { return t.files.resolve(t.root + path).value_or("<error>"); };
    CHECK(resolved("/absolute/x") == t.root + "/d/x");
    CHECK(resolved("/relative/new") == t.root + "/d/e/new");
    CHECK(resolved("/relative/../x") == t.root + "/d/x");
    CHECK(resolved("/absolute/../d") == t.root + "/d");
    CHECK(resolved("/dangling/z") == t.root + "/d/none/y/z");
    CHECK(resolved("/d/up/d/up/relative") == t.root + "/d/e");
    CHECK(resolved("/none/../absolute") == t.root + "/d");
    CHECK_FALSE(t.files.resolve(t.root + "/circle").ok());
}

TEST_CASE_TEMPLATE("info, remove and remove_tree look at the link, not behind it", T, BOTH) {
    T t;
    fill(t);
    CHECK(t.files.info(t.root + "/absolute").value()->kind == FileKind::symlink);
    CHECK(t.files.info(t.root + "/dangling").value()->kind == FileKind::symlink);
    CHECK_FALSE(t.files.info(t.root + "/absolute").value()->writable_by_others);
    CHECK(t.files.remove(t.root + "/relative").ok());
    CHECK(t.files.remove_tree(t.root + "/absolute").ok());
    CHECK(t.files.read(t.root + "/d/x", 10).value() == "1");
    CHECK(t.files.info(t.root + "/d/e").value().has_value());
}

TEST_CASE_TEMPLATE("remove_tree does not leave the tree through a symlink", T, BOTH) {
    T t;
    fill(t);
    REQUIRE(t.files.make_directories(t.root + "/tree").ok());
    link_to(t, t.root + "/tree/out", t.root + "/d");
    CHECK(t.files.remove_tree(t.root + "/tree").ok());
    CHECK(t.files.read(t.root + "/d/x", 10).value() == "1");
}

TEST_CASE_TEMPLATE("open and read follow, write_durable replaces the link itself", T, BOTH) {
    T t;
    fill(t);
    link_to(t, t.root + "/link", "d/x");
    CHECK(t.files.read(t.root + "/link", 10).value() == "1");
    CHECK(t.files.read(t.root + "/absolute/x", 10).value() == "1");
    CHECK_FALSE(t.files.open(t.root + "/circle", OpenMode::read).ok());
    CHECK(t.files.write_durable(t.root + "/link", "2", 0644).ok());
    CHECK(t.files.read(t.root + "/d/x", 10).value() == "1");
    CHECK(t.files.info(t.root + "/link").value()->kind == FileKind::regular);
}

TEST_CASE_TEMPLATE("modes are set exactly, whatever the umask says", T, BOTH) {
    T t;
    const auto mode = [&](const char* name) { return t.files.info(t.root + name).value()->mode; };
    const mode_t before = umask(077);
    CHECK(t.files.make_directories(t.root + "/d/e").ok());
    CHECK(t.files.make_directories(t.root + "/secret", 0700).ok());
    CHECK(t.files.write_durable(t.root + "/f", "1", 0644).ok());
    CHECK(t.files.open(t.root + "/g", OpenMode::truncate).ok());
    umask(before);
    CHECK(mode("/d") == 0755);
    CHECK(mode("/d/e") == 0755);
    CHECK(mode("/secret") == 0700);
    CHECK(mode("/f") == 0644);
    CHECK(mode("/g") == 0600);
    CHECK(t.files.set_mode(t.root + "/f", 04751).ok());
    CHECK(mode("/f") == 04751);
}

TEST_CASE_TEMPLATE("what others may write is told", T, BOTH) {
    T t;
    REQUIRE(t.files.write_durable(t.root + "/f", "1", 0644).ok());
    const auto open_to_others = [&] { return t.files.info(t.root + "/f").value()->writable_by_others; };
    CHECK_FALSE(open_to_others());
    REQUIRE(t.files.set_mode(t.root + "/f", 0664).ok());
    CHECK(open_to_others());
    REQUIRE(t.files.set_mode(t.root + "/f", 0602).ok());
    CHECK(open_to_others());
}

TEST_CASE("a pipe in a file's place is refused without waiting for its other end") {
    RealFilesUnderTest t;
    REQUIRE(mkfifo((t.root + "/pipe").c_str(), 0600) == 0);
    CHECK(t.files.read(t.root + "/pipe", 10).error().is(AgentCode::unsupported_here));
    CHECK(t.files.info(t.root + "/pipe").value()->kind == FileKind::other);
}

TEST_CASE("a symlink planted where the new content goes is not followed") {
    RealFilesUnderTest t;
    REQUIRE(t.files.write_durable(t.root + "/victim", "1", 0644).ok());
    link_to(t, t.root + "/a.new~", "victim");
    CHECK(t.files.write_durable(t.root + "/a", "2", 0644).ok());
    CHECK(t.files.read(t.root + "/victim", 10).value() == "1");
}

TEST_CASE("files of /proc are read whole") {
    CHECK(platform::system_files()->read("/proc/self/status", 1U << 16U).value().starts_with("Name:"));
}

}  // namespace
}  // namespace hagent
