// SPDX-License-Identifier: Apache-2.0
// Owns the tests that files of the jail are found without links, also when somebody swaps a folder for a link
// meanwhile.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "agent/script/paths.h"
#include "agent/work/placing.h"
#include "tests/contract/files_under_test.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::Files;
using platform::OpenMode;
using script::PathUse;

constexpr unsigned k_exchange = 2;  // RENAME_EXCHANGE

/// A folder inside, with a link beside it that leads outside; and what must stay as it is there.
struct Prison : RealFilesUnderTest {
    std::string inside = root + "/roots", outside = root + "/outside", folder = inside + "/d", link = inside + "/link";
    Files& jailed = files.jailed();

    Prison() {
        REQUIRE(files.make_directories(folder + "/sub").ok());
        REQUIRE(files.make_directories(outside + "/sub").ok());
        for (const char* name : {"/f", "/sub/f"}) {
            REQUIRE(files.write_durable(outside + name, "outside", 0600).ok());
            REQUIRE(files.write_durable(folder + name, "inside", 0644).ok());
        }
        REQUIRE(symlink(outside.c_str(), link.c_str()) == 0);
    }

    void check_outside() const {
        CHECK(files.list(outside).value() == std::vector<std::string>{"f", "sub"});
        CHECK(files.list(outside + "/sub").value() == std::vector<std::string>{"f"});
        for (const char* name : {"/f", "/sub/f"}) {
            CHECK(files.read(outside + name, 100).value() == "outside");
            CHECK(files.info(outside + name).value()->mode == 0600);
        }
    }
};

TEST_CASE_FIXTURE(Prison, "with jailed files no call goes through a link") {
    const auto refused = [](const Error& error) { return error.is(AgentCode::path_refused); };
    CHECK(refused(jailed.open(link + "/f", OpenMode::read_write).error()));
    CHECK(refused(jailed.open(link + "/new", OpenMode::truncate).error()));
    CHECK(refused(jailed.read(link + "/f", 100).error()));
    CHECK(refused(jailed.write_durable(link + "/f", "x", 0644).error()));
    CHECK(refused(jailed.info(link + "/f").error()));
    CHECK(refused(jailed.list(link + "/sub").error()));
    CHECK(refused(jailed.make_directories(link + "/new/sub").error()));
    CHECK(refused(jailed.rename(folder + "/f", link + "/g").error()));
    CHECK(refused(jailed.rename(link + "/f", folder + "/g").error()));
    CHECK(refused(jailed.remove(link + "/f").error()));
    CHECK(refused(jailed.remove_tree(link + "/sub").error()));
    CHECK(refused(jailed.set_mode(link + "/f", 0777).error()));
    CHECK(refused(jailed.sync_directory(link + "/sub").error()));
    check_outside();
}

TEST_CASE_FIXTURE(Prison, "nor is a link at the end of a path followed") {
    const std::string at_end = folder + "/to-f";
    REQUIRE(symlink((outside + "/f").c_str(), at_end.c_str()) == 0);
    CHECK_FALSE(jailed.open(at_end, OpenMode::read_write).ok());
    CHECK_FALSE(jailed.read(at_end, 100).ok());
    CHECK_FALSE(jailed.set_mode(at_end, 0777).ok());
    CHECK_FALSE(jailed.list(link).ok());
    CHECK(jailed.info(at_end).value()->kind == platform::FileKind::symlink);
    CHECK(jailed.open(at_end, OpenMode::truncate).value()->write_at(0, "x").ok());  // a new file in the link's place
    REQUIRE(::link((outside + "/sub/f").c_str(), (folder + "/hard").c_str()) == 0);
    CHECK(jailed.open(folder + "/hard", OpenMode::truncate).value()->write_at(0, "x").ok());
    check_outside();
}

TEST_CASE_FIXTURE(Prison, "without links jailed files are like the others") {
    CHECK(jailed.make_directories(folder + "/a/b/c", 0750).ok());
    CHECK(jailed.info(folder + "/a/b").value()->mode == 0750);
    CHECK(jailed.make_directories(folder + "/a/b/c").ok());
    CHECK(jailed.make_directories(folder + "/f").error().is(AgentCode::not_a_directory));
    CHECK(jailed.write_durable(folder + "/a/b/c/n", "new", 0640).ok());
    CHECK(jailed.set_mode(folder + "/a/b/c/n", 0600).ok());
    CHECK(jailed.rename(folder + "/a/b/c/n", folder + "/n").ok());
    CHECK(jailed.read(folder + "/n", 100).value() == "new");
    CHECK(jailed.info(folder + "/n").value()->mode == 0600);
    CHECK_FALSE(jailed.info(folder + "/none/n").value().has_value());
    CHECK_FALSE(jailed.info(folder + "/f/n").value().has_value());
    CHECK(jailed.list(folder).value() == std::vector<std::string>{"a", "f", "n", "sub"});
    CHECK(jailed.remove(folder + "/n").ok());
    CHECK(jailed.remove(folder + "/n").error().is(AgentCode::file_not_found));
    CHECK(jailed.remove_tree(folder + "/a").ok());
    CHECK(jailed.remove_tree(folder + "/none/n").ok());
    CHECK(jailed.sync_directory(folder).ok());
    CHECK(&jailed.jailed() == &jailed);
}

TEST_CASE_FIXTURE(Prison, "a folder that is swapped for a link all the time leads no step outside") {
    if (syscall(SYS_renameat2, AT_FDCWD, folder.c_str(), AT_FDCWD, link.c_str(), k_exchange) != 0) {
        MESSAGE("this file system cannot exchange two names");
        return;
    }
    std::atomic<bool> stop = false;
    std::thread swapper([&] {
        while (!stop) {
            (void)syscall(SYS_renameat2, AT_FDCWD, folder.c_str(), AT_FDCWD, link.c_str(), k_exchange);
        }
    });
    const std::string staged = root + "/staged";
    REQUIRE(files.write_durable(staged, "placed", 0644).ok());
    const script::Jail jail{{inside}, "", {}};
    const auto real = [&](const std::string& name, PathUse use) {
        return script::device_path(folder + name, use, jail, files);
    };
    unsigned done = 0, refused = 0;
    const auto count = [&](bool ok) { ++(ok ? done : refused); };
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while ((done < 100 || refused < 30) && std::chrono::steady_clock::now() < until) {
        if (const auto path = real("/f", PathUse::edit); path.ok()) {
            count(jailed.write_durable(*path, "inside", 0644).ok());
            count(jailed.set_mode(*path, 0640).ok());
        }
        if (const auto path = real("/sub/new", PathUse::place); path.ok()) {
            count(work::place({staged, {}}, *path, work::Placing::copy, jailed, CancelToken()).ok());
        }
        if (const auto path = real("/sub/new", PathUse::remove); path.ok()) {
            count(jailed.remove(*path).ok());
        }
        if (const auto path = real("/deep/er", PathUse::remove); path.ok()) {
            count(jailed.make_directories(*path).ok());
            count(jailed.remove_tree(*path).ok());
        }
    }
    stop = true;
    swapper.join();
    MESSAGE(done << " calls done, " << refused << " refused");
    CHECK(done > 0);
    CHECK(refused > 0);
    check_outside();
}

}  // namespace
}  // namespace hagent
