// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what the file system does with things of other users. Only root can make such things.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/permissions.h"
#include "tests/contract/files_under_test.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::Files;
using platform::Follow;
using platform::OpenMode;

constexpr uid_t k_other = 65534;

struct Machine : RealFilesUnderTest {
    std::string own = root + "/own", other = root + "/other";

    Machine() {
        REQUIRE(files.make_directories(own, 0700).ok());
        REQUIRE(files.make_directories(other, 0755).ok());
        REQUIRE(files.write_durable(own + "/file", "ours", 0600).ok());
        REQUIRE(files.write_durable(other + "/file", "theirs", 0644).ok());
    }

    [[nodiscard]] bool give(const std::string& path) const {
        const bool given = lchown(path.c_str(), k_other, k_other) == 0;
        if (!given) {
            MESSAGE("skipped: only root can give a file away");
        }
        return given;
    }
    [[nodiscard]] static bool insecure(const Error& why, const std::string& path) {
        return why.is(AgentCode::config_insecure_permissions) && why.context.starts_with(path + " ") &&
               why.context.find("user 65534") != std::string::npos;
    }
};

TEST_CASE_FIXTURE(Machine, "a folder of our own refuses links in it, and what others own, by name") {
    if (!give(other) || !give(other + "/file")) {
        return;
    }
    files.keep_own(own);
    CHECK(files.read(own + "/file", 10).value() == "ours");
    REQUIRE(symlink(other.c_str(), (own + "/link").c_str()) == 0);
    REQUIRE(mkdir((own + "/theirs").c_str(), 0755) == 0);
    REQUIRE(files.write_durable(own + "/theirs-file", "x", 0600).ok());
    REQUIRE((give(own + "/link") && give(own + "/theirs") && give(own + "/theirs-file")));
    for (Files* each : {&files, &files.jailed()}) {
        for (const std::string& folder : {own + "/link", own + "/theirs"}) {
            CAPTURE(folder);
            CHECK(insecure(each->read(folder + "/file", 10).error(), folder));
            CHECK(insecure(each->open(folder + "/new", OpenMode::truncate).error(), folder));
            CHECK(insecure(each->write_durable(folder + "/file", "x", 0600).error(), folder));
            CHECK(insecure(each->make_directories(folder + "/a/b", 0700).error(), folder));
            CHECK(insecure(each->make_directories(folder, 0700).error(), folder));
            CHECK(insecure(each->rename(own + "/file", folder + "/file").error(), folder));
            CHECK(insecure(each->remove(folder + "/file").error(), folder));
            CHECK(insecure(each->lock(folder + "/lock").error(), folder));
            CHECK(insecure(each->list(folder + "/x").error(), folder));
        }
        CHECK(insecure(each->read(own + "/theirs-file", 10).error(), own + "/theirs-file"));
        CHECK(insecure(each->open(own + "/link", OpenMode::read_write).error(), own + "/link"));
    }
    CHECK(files.list(other).value() == std::vector<std::string>{"file"});
    CHECK(files.make_directories(own + "/a/b", 0700).ok());
    CHECK(files.write_durable(own + "/a/b/c", "x", 0600).ok());
    CHECK(files.remove_tree(own + "/link").ok());  // the link itself
    CHECK(files.remove_tree(own + "/theirs").ok());
}

TEST_CASE_FIXTURE(Machine,
                  "a folder of our own that is not there yet is made by us, and what stands there instead is refused") {
    const std::string part = root + "/part";
    if (!give(other)) {
        return;
    }
    files.keep_own(part);
    REQUIRE(symlink(other.c_str(), part.c_str()) == 0);
    REQUIRE(give(part));
    CHECK(insecure(files.make_directories(part, 0700).error(), part));
    CHECK(insecure(files.open(part + "/part", OpenMode::truncate).error(), part));
    REQUIRE(unlink(part.c_str()) == 0);
    REQUIRE(mkdir(part.c_str(), 0777) == 0);
    REQUIRE(chmod(part.c_str(), 0777) == 0);
    CHECK(files.make_directories(part, 0700).error().is(AgentCode::config_insecure_permissions));
    REQUIRE(rmdir(part.c_str()) == 0);
    CHECK(files.make_directories(part, 0700).ok());
    CHECK(files.info(part).value()->mode == 0700);
    CHECK(files.open(part + "/part", OpenMode::truncate).ok());
}

TEST_CASE_FIXTURE(Machine, "a link of another user is followed to what is theirs, and to nothing else") {
    REQUIRE(symlink(other.c_str(), (root + "/to-theirs").c_str()) == 0);
    REQUIRE(symlink(own.c_str(), (root + "/to-ours").c_str()) == 0);
    REQUIRE(symlink("other/../own", (root + "/around").c_str()) == 0);
    REQUIRE(symlink("nothing", (root + "/to-nothing").c_str()) == 0);
    CHECK(files.resolve(root + "/to-ours/file", Follow::trusted).value() == own + "/file");  // of ours
    for (const char* name : {"/other", "/to-theirs", "/to-ours", "/around", "/to-nothing"}) {
        if (!give(root + name)) {
            return;
        }
    }
    CHECK(files.resolve(root + "/to-theirs/new/deep", Follow::trusted).value() == other + "/new/deep");
    for (const char* name : {"/to-ours", "/around", "/to-nothing"}) {
        const auto resolved = files.resolve(root + name + "/file", Follow::trusted);
        REQUIRE_FALSE(resolved.ok());
        CHECK(resolved.error().is(AgentCode::path_refused));
        CHECK(resolved.error().context.find(std::string("the link ") + root + name + " of user 65534") !=
              std::string::npos);
        CHECK(files.resolve(root + name + "/file").ok());
    }
}

TEST_CASE_FIXTURE(Machine, "what jailed files write anew stays whose it was") {
    if (!give(other + "/file")) {
        return;
    }
    REQUIRE(files.jailed().write_durable(other + "/file", "edited", 0640).ok());
    const auto info = files.info(other + "/file").value();
    CHECK(info->owner == k_other);
    CHECK(info->mode == 0640);
    REQUIRE(files.write_durable(other + "/file", "replaced", 0640).ok());
    CHECK_FALSE(files.info(other + "/file").value()->foreign);
}

TEST_CASE_FIXTURE(Machine, "jailed files open no second name of a file where somebody else may have given it") {
    const std::string name = other + "/name";
    REQUIRE(link((own + "/file").c_str(), name.c_str()) == 0);
    CHECK(files.jailed().read(name, 10).ok());  // in a folder of ours
    REQUIRE(chmod(other.c_str(), 01777) == 0);
    CHECK(files.jailed().read(name, 10).error().is(AgentCode::path_refused));
    REQUIRE(chmod(other.c_str(), 0755) == 0);
    if (!give(other)) {
        return;
    }
    CHECK(files.jailed().open(name, OpenMode::read_write).error().is(AgentCode::path_refused));
    CHECK(files.read(name, 10).ok());
}

TEST_CASE_FIXTURE(Machine, "the way to a path tells every link and folder, and a weak one of them is found") {
    REQUIRE(symlink("own", (root + "/link").c_str()) == 0);
    const auto way = files.way(root + "/link/file").value();
    CHECK(way.front() == "/");
    CHECK(way.back() == own + "/file");
    CHECK(std::find(way.begin(), way.end(), root + "/link") != way.end());
    CHECK(std::find(way.begin(), way.end(), own) != way.end());
    CHECK_FALSE(platform::weak_place(files, root + "/link/file").value().has_value());
    if (!give(root + "/link")) {
        return;
    }
    CHECK(platform::weak_place(files, root + "/link/file").value()->path == root + "/link");
    CHECK(platform::weak_place(files, root + "/link/none").value()->path == root + "/link");
    CHECK_FALSE(platform::weak_place(files, own + "/none").value().has_value());
}

}  // namespace
}  // namespace hagent
