// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the path jail.
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

struct Cell {
    fakes::FakeFiles files;
    Jail jail{{rooted("/data"), rooted("/opt/app")}, "", {rooted("/data/hagent"), rooted("/data/keys/device.pem")}};

    Cell() {
        files.put("/data/plain", "x");
        files.put("/data/hagent/state", "x");
        files.put("/data/keys/device.pem", "x");
        files.put("/etc/passwd", "x");
        files.put_directory("/data/sub");
        files.put_directory("/opt/app");
    }
    std::string code(const std::string& path, PathUse use) {
        const auto real = device_path(rooted(path), use, jail, files);
        if (real) {
            return plain(*real);
        }
        return (real.error().is(AgentCode::path_refused)     ? "refused: "
                : real.error().is(AgentCode::path_protected) ? "protected: "
                                                             : "other: ") +
               plain(real.error().context);
    }
};

TEST_CASE("paths below a root are allowed and tidied") {
    Cell cell;
    CHECK(cell.code("/data/new/file", PathUse::place) == "/data/new/file");
    CHECK(cell.code("//data//./sub/", PathUse::place) == "/data/sub");
    CHECK(cell.code("/data/plain", PathUse::edit) == "/data/plain");
    CHECK(cell.code("/opt/app/x", PathUse::remove) == "/opt/app/x");
}

TEST_CASE("paths outside of the roots, relative ones and those with dots are refused") {
    Cell cell;
    CHECK(cell.code("/etc/passwd", PathUse::edit) ==
          "refused: \"/etc/passwd\" lies outside of the folders in script.roots");
    CHECK(cell.code("/database/x", PathUse::place).starts_with("refused: \"/database/x\" lies outside"));
    CHECK(cell.code("data/x", PathUse::place) == "refused: \"data/x\" is not an absolute path");
    CHECK(cell.code("", PathUse::place) == "refused: \"\" is not an absolute path");
    CHECK(cell.code("/data/../etc/passwd", PathUse::place) == "refused: \"/data/../etc/passwd\" has a part \"..\"");
    CHECK(cell.code("/data/sub/..", PathUse::place) == "refused: \"/data/sub/..\" has a part \"..\"");
    CHECK(cell.code(std::string("/data/a\0b", 9), PathUse::place).starts_with("refused:"));
    CHECK(cell.code("/data/" + std::string(2000, 'a'), PathUse::place).starts_with("other: "));
    cell.jail.roots.clear();
    CHECK(cell.code("/data/plain", PathUse::edit).starts_with("refused:"));
}

TEST_CASE("links do not lead out") {
    Cell cell;
    cell.files.put_symlink("/data/out", "/etc");
    cell.files.put_symlink("/data/passwd", "/etc/passwd");
    cell.files.put_symlink("/data/in", "/data/sub");
    CHECK(cell.code("/data/out/passwd", PathUse::place) ==
          "refused: \"/data/out/passwd\" leads through a link to a place outside of the allowed folders");
    CHECK(cell.code("/data/out/passwd", PathUse::remove).starts_with("refused:"));
    CHECK(cell.code("/data/passwd", PathUse::edit).starts_with("refused:"));
    CHECK(cell.code("/data/in/x", PathUse::place) == "/data/sub/x");
    // The link itself may be replaced or removed: what it points to is not touched.
    CHECK(cell.code("/data/passwd", PathUse::place) == "/data/passwd");
    CHECK(cell.code("/data/passwd", PathUse::remove) == "/data/passwd");
}

TEST_CASE("the agent's own files are protected, also through links and from above") {
    Cell cell;
    cell.files.put_symlink("/data/alias", "/data/hagent");
    CHECK(cell.code("/data/hagent/state", PathUse::edit) == "protected: \"/data/hagent/state\" belongs to the agent");
    CHECK(cell.code("/data/hagent/new", PathUse::place).starts_with("protected:"));
    CHECK(cell.code("/data/alias/state", PathUse::edit).starts_with("protected:"));
    CHECK(cell.code("/data/keys/device.pem", PathUse::remove).starts_with("protected:"));
    CHECK(cell.code("/data/keys", PathUse::remove) == "protected: \"/data/keys\" holds files of the agent");
    CHECK(cell.code("/data/keys/other", PathUse::place) == "/data/keys/other");
    CHECK(cell.code("/data/hagent2", PathUse::remove) == "/data/hagent2");
}

TEST_CASE("a root is not removed, nor the file system's") {
    Cell cell;
    CHECK(cell.code("/data", PathUse::remove) ==
          "refused: \"/data\" is a folder that scripts may work in, not one that they may remove");
    cell.jail = {{rooted("/")}, "", {}};
    CHECK(cell.code("/", PathUse::remove) == "refused: \"/\" is the root of a volume");
    CHECK(cell.code("/./", PathUse::remove).starts_with("refused:"));
    CHECK(cell.code("/etc/passwd", PathUse::edit) == "/etc/passwd");
}

TEST_CASE("with a relocation every path lies below it, links included") {
    Cell cell;
    cell.jail.relocation = rooted("/mnt/image/");
    cell.files.put_directory(in_image("/data"));
    cell.files.put_symlink(in_image("/data/abs"), "/data/sub");
    CHECK(cell.code("/data/x", PathUse::place) == in_image("/data/x"));
    CHECK(cell.code("/data/abs/x", PathUse::place).starts_with("refused:"));
    CHECK(cell.code("/etc/passwd", PathUse::edit).starts_with("refused:"));
    // protected paths are real ones, so the relocated copy of the agent's folder is free
    CHECK(cell.code("/data/hagent/state", PathUse::place) == in_image("/data/hagent/state"));
}

TEST_CASE("a link of another user leads to that user's own things only") {
    Cell cell;
    cell.files.put("/data/home/f", "x");
    cell.files.give_away("/data/home");
    cell.files.give_away("/data/home/f");
    for (const auto& [link, target] :
         {std::pair("/data/own", "/data/home"), std::pair("/data/own-file", "/data/home/f"),
          std::pair("/data/to-dir", "/data/sub"), std::pair("/data/to-file", "/data/plain"),
          std::pair("/data/to-none", "/data/none"), std::pair("/data/to-link", "to-dir")}) {
        cell.files.put_symlink(link, target);
        cell.files.give_away(link);
    }
    CHECK(cell.code("/data/own/f", PathUse::edit) == "/data/home/f");
    CHECK(cell.code("/data/own/new", PathUse::place) == "/data/home/new");
    CHECK(cell.code("/data/own-file", PathUse::edit) == "/data/home/f");
    for (const auto use : {PathUse::place, PathUse::edit, PathUse::remove}) {
        for (const char* path : {"/data/to-dir/x", "/data/to-dir/x/y", "/data/to-link/x", "/data/to-none/x"}) {
            CAPTURE(path);
            const auto said = cell.code(path, use);
            CHECK(said.starts_with("refused: "));
            CHECK(said.find(" leads through the link /data/to-") != said.npos);
            CHECK(said.find(" of user 65534") != said.npos);
        }
    }
    CHECK(cell.code("/data/to-file", PathUse::edit).starts_with("refused: "));
    CHECK(cell.code("/data/to-none", PathUse::edit).starts_with("refused: "));
    CHECK(cell.code("/data/to-file", PathUse::remove) == "/data/to-file");  // the link itself may go
}

TEST_CASE("a folder contains itself and what is below, not its neighbours") {
    CHECK(is_within("/a/b", "/a"));
    CHECK(is_within("/a", "/a/"));
    CHECK(is_within("/a", "/"));
    CHECK_FALSE(is_within("/ab", "/a"));
    CHECK_FALSE(is_within("/", "/a"));
}

}  // namespace
}  // namespace hagent::script
