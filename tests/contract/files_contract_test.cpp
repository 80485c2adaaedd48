// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform/files.h, checked over the real file system and FakeFiles.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "tests/contract/files_under_test.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::FileKind;
using platform::Files;
using platform::OpenMode;
using Names = std::vector<std::string>;

constexpr std::size_t k_limit = 1U << 20U;

#define BOTH RealFilesUnderTest, FakeFilesUnderTest

template <class T>
AgentCode code_of(const Result<T>& result) {
    REQUIRE_FALSE(result.ok());
    REQUIRE(result.error().id.protocol == errors::Protocol::agent);
    return static_cast<AgentCode>(result.error().id.number);
}

std::string content(Files& files, const std::string& path) {
    return files.read(path, k_limit).value_or("<unreadable>");
}

Names list(Files& files, const std::string& path) { return files.list(path).value_or({"<unreadable>"}); }

void write(Files& files, const std::string& path, std::string_view bytes) {
    REQUIRE(files.write_durable(path, bytes, 0644).ok());
}

TEST_CASE_TEMPLATE("write_durable makes a file and replaces it whole", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "a long first text");
    CHECK(content(t.files, t.root + "/a") == "a long first text");
    write(t.files, t.root + "/a", "second");
    CHECK(content(t.files, t.root + "/a") == "second");
    write(t.files, t.root + "/a", "");
    CHECK(content(t.files, t.root + "/a").empty());
    CHECK(list(t.files, t.root) == Names{"a"});
}

TEST_CASE_TEMPLATE("write_durable keeps every byte value", T, BOTH) {
    T t;
    std::string bytes;
    for (int i = 0; i < 1024; ++i) {
        bytes += static_cast<char>(i);
    }
    write(t.files, t.root + "/bytes", bytes);
    CHECK(content(t.files, t.root + "/bytes") == bytes);
}

TEST_CASE_TEMPLATE("long aligned writes, which may go past the system's cache, and all others see each other's bytes",
                   T, BOTH) {
    T t;
    constexpr std::size_t k_step = platform::k_direct_step, k_long = platform::k_direct_least * 2;
    const std::unique_ptr<char[]> memory(new char[k_long + k_step]);
    char* const aligned = memory.get() + (k_step - reinterpret_cast<std::uintptr_t>(memory.get()) % k_step);
    const auto file = t.files.open(t.root + "/long", OpenMode::truncate);
    REQUIRE(file.ok());
    std::string expected;
    const auto write_both = [&](std::size_t offset, char fill, std::size_t bytes, std::size_t shift = 0) {
        std::fill_n(aligned + shift, bytes, fill);
        REQUIRE((*file)->write_at(offset, {aligned + shift, bytes}).ok());
        expected.resize(std::max(expected.size(), offset + bytes));
        std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(offset), bytes, fill);
    };
    write_both(0, 'a', k_long);
    write_both(100, 'b', 10);  // short, into what went past the cache
    write_both(k_long, 'c', k_long);
    write_both(2 * k_long, 'd', k_long - 1);         // odd length
    write_both(3 * k_long, 'e', k_long - 512, 512);  // odd address
    write_both(k_step + 1, 'f', k_long);             // odd offset, over the seam of two
    write_both(k_step, 'g', k_long);                 // over bytes that are in the cache
    std::string got(expected.size() + 1, '\0');
    CHECK((*file)->read_at(0, got).value_or(0) == expected.size());
    got.resize(expected.size());
    CHECK(got == expected);
    REQUIRE((*file)->sync().ok());
    CHECK(t.files.read(t.root + "/long", expected.size()).value_or("") == expected);
    CHECK((*file)->size().value_or(0) == expected.size());
}

TEST_CASE_TEMPLATE("write_durable says why it cannot", T, BOTH) {
    T t;
    CHECK(code_of(t.files.write_durable(t.root + "/no/a", "x", 0644)) == AgentCode::file_not_found);
    REQUIRE(t.files.make_directories(t.root + "/d").ok());
    CHECK(code_of(t.files.write_durable(t.root + "/d", "x", 0644)) == AgentCode::is_a_directory);
    CHECK(list(t.files, t.root) == Names{"d"});
}

TEST_CASE_TEMPLATE("open for reading needs a regular file", T, BOTH) {
    T t;
    CHECK(code_of(t.files.open(t.root + "/a", OpenMode::read)) == AgentCode::file_not_found);
    CHECK(code_of(t.files.open(t.root, OpenMode::read)) == AgentCode::is_a_directory);
    CHECK(code_of(t.files.read(t.root + "/a", k_limit)) == AgentCode::file_not_found);
    CHECK(code_of(t.files.read(t.root, k_limit)) == AgentCode::is_a_directory);
    CHECK(t.files.read(t.root + "/name", k_limit).error().context.find("/name") != std::string::npos);
}

TEST_CASE_TEMPLATE("an open file tells and changes its own mode, whatever its name means by now", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "12345");
    const auto file = t.files.open(t.root + "/a", OpenMode::read).value();
    CHECK(file->info().value().bytes == 5);
    CHECK(file->info().value().kind == FileKind::regular);
    CHECK(file->info().value().id == t.files.info(t.root + "/a").value()->id);
    REQUIRE(file->set_mode(0444).ok());
    CHECK(t.files.info(t.root + "/a").value()->mode == 0444);
    REQUIRE(file->set_mode(0644).ok());
}

TEST_CASE_TEMPLATE("open for reading and writing keeps what is there", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "12345");
    {
        const auto file = t.files.open(t.root + "/a", OpenMode::read_write).value();
        CHECK(file->size().value() == 5);
        CHECK(file->write_at(1, "xy").ok());
        CHECK(file->write_at(7, "z").ok());
        CHECK(file->sync().ok());
        CHECK(file->size().value() == 8);
    }
    CHECK(content(t.files, t.root + "/a") == std::string("1xy45\0\0z", 8));
    CHECK(t.files.open(t.root + "/new", OpenMode::read_write).ok());
    CHECK(content(t.files, t.root + "/new").empty());
}

TEST_CASE_TEMPLATE("open with truncate empties the file or makes it", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "12345");
    CHECK(t.files.open(t.root + "/a", OpenMode::truncate).ok());
    CHECK(content(t.files, t.root + "/a").empty());
    CHECK(t.files.open(t.root + "/b", OpenMode::truncate).ok());
    CHECK(content(t.files, t.root + "/b").empty());
}

TEST_CASE_TEMPLATE("read_at gives fewer bytes only at the end", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "0123456789");
    const auto file = t.files.open(t.root + "/a", OpenMode::read).value();
    std::array<char, 4> buffer{};
    CHECK(file->read_at(0, buffer).value() == 4);
    CHECK(std::string_view(buffer.data(), 4) == "0123");
    CHECK(file->read_at(8, buffer).value() == 2);
    CHECK(std::string_view(buffer.data(), 2) == "89");
    CHECK(file->read_at(10, buffer).value() == 0);
    CHECK(file->read_at(99, buffer).value() == 0);
}

TEST_CASE_TEMPLATE("a file opened for reading cannot be written", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "1");
    const auto file = t.files.open(t.root + "/a", OpenMode::read).value();
    CHECK_FALSE(file->write_at(0, "2").ok());
    CHECK(content(t.files, t.root + "/a") == "1");
}

TEST_CASE_TEMPLATE("resize cuts and extends with zeros", T, BOTH) {
    T t;
    const auto file = t.files.open(t.root + "/a", OpenMode::truncate).value();
    REQUIRE(file->write_at(0, "abcdef").ok());
    CHECK(file->resize(2).ok());
    CHECK(file->resize(4).ok());
    CHECK(content(t.files, t.root + "/a") == std::string("ab\0\0", 4));
}

TEST_CASE_TEMPLATE("read refuses a file beyond the limit and takes one at the limit", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "12345");
    CHECK(t.files.read(t.root + "/a", 5).value() == "12345");
    CHECK(code_of(t.files.read(t.root + "/a", 4)) == AgentCode::file_too_large);
    CHECK(code_of(t.files.read(t.root + "/a", 0)) == AgentCode::file_too_large);
}

TEST_CASE_TEMPLATE("read takes files of several pieces", T, BOTH) {
    T t;
    const std::string bytes(300'000, 'x');
    write(t.files, t.root + "/a", bytes);
    CHECK(content(t.files, t.root + "/a") == bytes);
}

TEST_CASE_TEMPLATE("info tells kinds and sizes, and nothing for what is absent", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "123");
    const auto file = t.files.info(t.root + "/a").value();
    REQUIRE(file.has_value());
    CHECK(file->kind == FileKind::regular);
    CHECK(file->bytes == 3);
    CHECK(file->modified.since_epoch > Millis{1'600'000'000'000});
    CHECK_FALSE(file->writable_by_others);
    CHECK(t.files.info(t.root).value().value().kind == FileKind::directory);
    CHECK_FALSE(t.files.info(t.root + "/b").value().has_value());
    CHECK_FALSE(t.files.info(t.root + "/no/b").value().has_value());
    CHECK_FALSE(t.files.info(t.root + "/a/b").value().has_value());
}

TEST_CASE_TEMPLATE("list sorts names by their bytes", T, BOTH) {
    T t;
    for (const char* name : {"b", "a10", "a2", "\xC3\xA4", ".hidden", "a b"}) {
        write(t.files, t.root + "/" + name, "");
    }
    REQUIRE(t.files.make_directories(t.root + "/c/d").ok());
    CHECK(list(t.files, t.root) == Names{".hidden", "a b", "a10", "a2", "b", "c", "\xC3\xA4"});
    CHECK(code_of(t.files.list(t.root + "/none")) == AgentCode::file_not_found);
    CHECK(code_of(t.files.list(t.root + "/b")) == AgentCode::not_a_directory);
}

TEST_CASE_TEMPLATE("make_directories makes all that are missing and accepts those that exist", T, BOTH) {
    T t;
    CHECK(t.files.make_directories(t.root + "/a/b/c").ok());
    CHECK(t.files.make_directories(t.root + "/a/b/c").ok());
    CHECK(t.files.make_directories(t.root + "/a/b/d/").ok());
    CHECK(list(t.files, t.root + "/a/b") == Names{"c", "d"});
    write(t.files, t.root + "/file", "");
    CHECK(code_of(t.files.make_directories(t.root + "/file")) == AgentCode::not_a_directory);
    CHECK_FALSE(t.files.make_directories(t.root + "/file/x").ok());
}

TEST_CASE_TEMPLATE("rename replaces an existing file", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "new");
    write(t.files, t.root + "/b", "old");
    CHECK(t.files.rename(t.root + "/a", t.root + "/b").ok());
    CHECK(list(t.files, t.root) == Names{"b"});
    CHECK(content(t.files, t.root + "/b") == "new");
    CHECK(code_of(t.files.rename(t.root + "/a", t.root + "/b")) == AgentCode::file_not_found);
}

TEST_CASE_TEMPLATE("rename moves directories with what they hold", T, BOTH) {
    T t;
    REQUIRE(t.files.make_directories(t.root + "/a/b").ok());
    REQUIRE(t.files.make_directories(t.root + "/c").ok());
    write(t.files, t.root + "/a/b/x", "1");
    CHECK(t.files.rename(t.root + "/a", t.root + "/c/d").ok());
    CHECK(content(t.files, t.root + "/c/d/b/x") == "1");
    CHECK(list(t.files, t.root) == Names{"c"});
}

TEST_CASE_TEMPLATE("rename never mixes up files and directories", T, BOTH) {
    T t;
    REQUIRE(t.files.make_directories(t.root + "/d").ok());
    write(t.files, t.root + "/f", "1");
    CHECK_FALSE(t.files.rename(t.root + "/f", t.root + "/d").ok());
    CHECK_FALSE(t.files.rename(t.root + "/d", t.root + "/f").ok());
    CHECK_FALSE(t.files.rename(t.root + "/d", t.root + "/d/e").ok());
    CHECK(content(t.files, t.root + "/f") == "1");
    CHECK(list(t.files, t.root) == Names{"d", "f"});
}

TEST_CASE_TEMPLATE("names are told apart as paths.h says, and keep the spelling they were made with", T, BOTH) {
    T t;
    const bool folds = platform::same_path("a", "A");
    REQUIRE(t.files.make_directories(t.root + "/Folder").ok());
    write(t.files, t.root + "/Folder/Name", "1");
    CHECK(t.files.info(t.root + "/FOLDER/name").value().has_value() == folds);
    CHECK(list(t.files, t.root + "/Folder") == Names{"Name"});
    write(t.files, t.root + "/Folder/name", "2");
    CHECK(list(t.files, t.root + "/Folder").size() == (folds ? 1 : 2));
    CHECK(content(t.files, t.root + "/Folder/Name") == (folds ? "2" : "1"));
}

TEST_CASE_TEMPLATE("the system's own separator works like '/'", T, BOTH) {
    T t;
    REQUIRE(t.files.make_directories(platform::native(t.root + "/a/b")).ok());
    write(t.files, platform::native(t.root + "/a/b/c"), "1");
    CHECK(content(t.files, t.root + "/a/b/c") == "1");
    CHECK(t.files.resolve(t.root + "/a/b/c").value() == t.files.resolve(platform::native(t.root + "/a/b/c")).value());
    CHECK(platform::is_absolute(t.files.resolve(t.root + "/a").value()));
}

TEST_CASE_TEMPLATE("remove takes a file or an empty directory away", T, BOTH) {
    T t;
    write(t.files, t.root + "/f", "1");
    REQUIRE(t.files.make_directories(t.root + "/d/e").ok());
    CHECK(t.files.remove(t.root + "/f").ok());
    CHECK(code_of(t.files.remove(t.root + "/f")) == AgentCode::file_not_found);
    CHECK_FALSE(t.files.remove(t.root + "/d").ok());
    CHECK(t.files.remove(t.root + "/d/e").ok());
    CHECK(t.files.remove(t.root + "/d").ok());
    CHECK(list(t.files, t.root).empty());
}

TEST_CASE_TEMPLATE("remove_tree takes everything and does not mind absence", T, BOTH) {
    T t;
    REQUIRE(t.files.make_directories(t.root + "/d/e/f").ok());
    write(t.files, t.root + "/d/e/x", "1");
    write(t.files, t.root + "/d/y", "2");
    write(t.files, t.root + "/z", "3");
    CHECK(t.files.remove_tree(t.root + "/d").ok());
    CHECK(t.files.remove_tree(t.root + "/d").ok());
    CHECK(t.files.remove_tree(t.root + "/no/such").ok());
    CHECK(t.files.remove_tree(t.root + "/z").ok());
    CHECK(list(t.files, t.root).empty());
}

TEST_CASE_TEMPLATE("a read-only file can be replaced and removed", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "1");
    REQUIRE(t.files.set_mode(t.root + "/a", 0444).ok());
    CHECK((t.files.info(t.root + "/a").value()->mode & 0222U) == 0);
    CHECK(t.files.write_durable(t.root + "/a", "2", 0444).ok());
    CHECK(content(t.files, t.root + "/a") == "2");
    CHECK(t.files.remove_tree(t.root + "/a").ok());
    CHECK(code_of(t.files.set_mode(t.root + "/a", 0644)) == AgentCode::file_not_found);
}

TEST_CASE_TEMPLATE("resolve keeps what does not exist and folds dots", T, BOTH) {
    T t;
    REQUIRE(t.files.make_directories(t.root + "/a").ok());
    const std::string root = t.files.resolve(t.root).value();
    const std::string there = platform::native(root + "/a"), not_there = platform::native(root + "/x/y");
    CHECK(t.files.resolve(t.root + "/a").value() == there);
    CHECK(t.files.resolve(t.root + "/./a/").value() == there);
    CHECK(t.files.resolve(t.root + "/a/../a").value() == there);
    CHECK(t.files.resolve(t.root + "/x/y").value() == not_there);
    CHECK(t.files.resolve(t.root + "/x/../../../../../../../../../../../..").value().size() <= 3);
}

TEST_CASE_TEMPLATE("a lock is held by one and freed with its holder", T, BOTH) {
    T t;
    {
        const auto first = t.files.lock(t.root + "/lock");
        REQUIRE(first.ok());
        CHECK(code_of(t.files.lock(t.root + "/lock")) == AgentCode::busy);
        CHECK(t.files.is_locked(t.root + "/lock").value_or(false));
        CHECK_FALSE(t.files.is_locked(t.root + "/other").value_or(true));
        CHECK(t.files.lock(t.root + "/other").ok());
    }
    CHECK_FALSE(t.files.is_locked(t.root + "/lock").value_or(true));
    CHECK(t.files.lock(t.root + "/lock").ok());
    CHECK_FALSE(t.files.lock(t.root + "/no/lock").ok());
}

TEST_CASE_TEMPLATE("an open file survives its removal and its renaming", T, BOTH) {
    T t;
    write(t.files, t.root + "/a", "1");
    const auto file = t.files.open(t.root + "/a", OpenMode::read_write).value();
    CHECK(t.files.rename(t.root + "/a", t.root + "/b").ok());
    CHECK(file->write_at(0, "2").ok());
    CHECK(content(t.files, t.root + "/b") == "2");
    CHECK(t.files.remove(t.root + "/b").ok());
    CHECK(file->write_at(0, "3").ok());
    CHECK(file->size().value() == 1);
}

TEST_CASE_TEMPLATE("directories can be synced, other things cannot", T, BOTH) {
    T t;
    CHECK(t.files.sync_directory(t.root).ok());
    CHECK(code_of(t.files.sync_directory(t.root + "/none")) == AgentCode::file_not_found);
}

TEST_CASE_TEMPLATE("names beyond ASCII and with blanks work everywhere", T, BOTH) {
    T t;
    const std::string folder = t.root +
                               "/Gr\xC3\xBC\xC3\x9F"
                               "e \xE4\xBD\xA0";
    REQUIRE(t.files.make_directories(folder).ok());
    write(t.files, folder + "/x y", "1");
    CHECK(t.files.rename(folder + "/x y", folder + "/\xF0\x9F\x98\x80").ok());
    CHECK(list(t.files, folder) == Names{"\xF0\x9F\x98\x80"});
    CHECK(t.files.remove_tree(folder).ok());
}

TEST_CASE("paths longer than 260 characters work") {
    RealFilesUnderTest t;
    std::string folder = t.root;
    for (int i = 0; i < 8; ++i) {
        folder += "/" + std::string(60, static_cast<char>('a' + i));
    }
    REQUIRE(t.files.make_directories(folder).ok());
    write(t.files, folder + "/x", "1");
    CHECK(content(t.files, folder + "/x") == "1");
    CHECK(list(t.files, folder) == Names{"x"});
    CHECK(t.files.rename(folder + "/x", folder + "/y").ok());
    CHECK(t.files.info(folder + "/y").value().has_value());
}

TEST_CASE("a name longer than the file system takes is named as such") {
    RealFilesUnderTest t;
    CHECK(code_of(t.files.write_durable(t.root + "/" + std::string(300, 'x'), "1", 0644)) == AgentCode::name_too_long);
    const std::string longest(255, 'y');
    write(t.files, t.root + "/" + longest, "1");
    CHECK(list(t.files, t.root) == Names{longest});
}

TEST_CASE("offsets beyond 4 GiB are exact") {
    RealFilesUnderTest t;
    constexpr std::uint64_t k_far = (std::uint64_t{5} << 30U) + 7;
    const auto file = t.files.open(t.root + "/sparse", OpenMode::truncate).value();
    REQUIRE(file->write_at(k_far, "end").ok());
    CHECK(file->size().value() == k_far + 3);
    CHECK(t.files.info(t.root + "/sparse").value()->bytes == k_far + 3);
    std::array<char, 8> buffer{};
    CHECK(file->read_at(k_far, buffer).value() == 3);
    CHECK(std::string_view(buffer.data(), 3) == "end");
    CHECK(file->read_at(7, buffer).value() == 8);
    CHECK(buffer == std::array<char, 8>{});
    CHECK(file->resize(0).ok());
}

TEST_CASE("the system's error number is kept") {
    RealFilesUnderTest t;
    CHECK(t.files.read(t.root + "/none", k_limit).error().os == 2);  // ENOENT and ERROR_FILE_NOT_FOUND alike
}

}  // namespace
}  // namespace hagent
