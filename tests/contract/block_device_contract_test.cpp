// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform/block_device.h: over plain files of the machine, over a loop device of it where one can
// be had, and over the fake.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <memory>

#include "platform/paths.h"
#include "platform/process.h"
#include "tests/contract/files_under_test.h"
#include "tests/fakes/fake_block_devices.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::Access;

constexpr std::size_t k_device = std::size_t{256} << 10U;

struct RealPlainFile {
    RealFilesUnderTest place;
    platform::Files& files = place.files;
    std::unique_ptr<platform::BlockDevices> owner = platform::system_block_devices();
    platform::BlockDevices& devices = *owner;
    std::string path = place.root + "/slot";
    RealPlainFile() { REQUIRE(files.write_durable(path, std::string(k_device, 'o'), 0600).ok()); }
};

struct FakeDevice {
    FakeFilesUnderTest place;
    platform::Files& files = place.files;
    fakes::FakeBlockDevices owner{place.owner};
    platform::BlockDevices& devices = owner;
    std::string path = place.root + "/slot";
    FakeDevice() { owner.put(path, std::string(k_device, 'o')); }
};

std::string read_all(platform::BlockDevice& device) {
    std::string bytes(k_device + 1, '\0');
    std::size_t at = 0;
    for (std::size_t got = 1; got > 0 && at < bytes.size(); at += got) {
        const auto count = device.read_at(at, std::span(bytes).subspan(at));
        REQUIRE(count.ok());
        got = *count;
    }
    bytes.resize(at);
    return bytes;
}

/// Into memory from which the system can take its way past the cache; the last piece asks for more than there is.
std::string read_in_steps(platform::BlockDevice& device) {
    struct alignas(platform::k_direct_step) Piece {
        std::array<char, platform::k_direct_least * 3> bytes;
    };
    const auto piece = std::make_unique<Piece>();
    std::string bytes;
    for (std::size_t got = 1; got > 0;) {
        const auto count = device.read_at(bytes.size(), piece->bytes);
        REQUIRE(count.ok());
        got = *count;
        bytes.append(piece->bytes.data(), got);
    }
    return bytes;
}

void check_reads_and_writes(platform::BlockDevices& devices, const std::string& path) {
    auto device = devices.open(path, Access::exclusive);
    REQUIRE(device.ok());
    CHECK(*(*device)->size() == k_device);
    std::string expected = read_all(**device);
    CHECK(expected.size() == k_device);
    // One piece that may go past the cache, one that may not, one at the very end.
    for (const auto& [offset, bytes] :
         {std::pair{std::size_t{65536}, std::string(65536, 'a')}, std::pair{std::size_t{1000}, std::string(777, 'b')},
          std::pair{k_device - 10, std::string(10, 'c')}}) {
        REQUIRE((*device)->write_at(offset, bytes).ok());
        expected.replace(offset, bytes.size(), bytes);
    }
    CHECK(read_in_steps(**device) == expected);
    CHECK(read_all(**device) == expected);
    REQUIRE((*device)->sync().ok());
    REQUIRE((*device)->forget_cache().ok());
    CHECK(read_all(**device) == expected);
    CHECK(read_in_steps(**device) == expected);
}

void check_end(platform::BlockDevices& devices, const std::string& path) {
    auto device = devices.open(path, Access::exclusive);
    REQUIRE(device.ok());
    const auto over = (*device)->write_at(k_device - 4, "12345");
    REQUIRE_FALSE(over.ok());
    CHECK(over.error().is(AgentCode::disk_full));
    CHECK_FALSE((*device)->write_at(UINT64_MAX - 1, "12345").ok());
    std::string some(16, '\0');
    CHECK(*(*device)->read_at(k_device, some) == 0);
    CHECK(*(*device)->size() == k_device);
}

void check_holder(platform::BlockDevices& devices, const std::string& path) {
    auto first = devices.open(path, Access::exclusive);
    REQUIRE(first.ok());
    const auto second = devices.open(path, Access::exclusive);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().is(AgentCode::busy));
    CHECK(devices.open(path, Access::read).ok());
    first->reset();
    CHECK(devices.open(path, Access::exclusive).ok());
}

TEST_CASE_TEMPLATE("what is written to a device is what is read, also past the cache", T, RealPlainFile, FakeDevice) {
    T t;
    check_reads_and_writes(t.devices, t.path);
}

TEST_CASE_TEMPLATE("a device has an end and never grows", T, RealPlainFile, FakeDevice) {
    T t;
    check_end(t.devices, t.path);
}

TEST_CASE_TEMPLATE("one holder at a time may write, and readers are welcome", T, RealPlainFile, FakeDevice) {
    T t;
    check_holder(t.devices, t.path);
}

TEST_CASE_TEMPLATE("a device opened to be read is not written", T, RealPlainFile, FakeDevice) {
    T t;
    auto device = t.devices.open(t.path, Access::read);
    REQUIRE(device.ok());
    CHECK_FALSE((*device)->write_at(0, "x").ok());
    CHECK(t.files.read(t.path, k_device)->front() == 'o');
}

TEST_CASE_TEMPLATE("what is not there is not made, and what is no device is refused", T, RealPlainFile, FakeDevice) {
    T t;
    for (const auto access : {Access::read, Access::exclusive}) {
        const auto absent = t.devices.open(t.path + ".not", access);
        REQUIRE_FALSE(absent.ok());
        CHECK(absent.error().is(AgentCode::file_not_found));
        const auto folder = t.devices.open(t.place.root, access);
        REQUIRE_FALSE(folder.ok());
        CHECK(folder.error().is(AgentCode::is_a_directory));
    }
    CHECK_FALSE(t.devices.info(t.path + ".not").ok());
    CHECK_FALSE(t.files.info(t.path + ".not")->has_value());
}

TEST_CASE_TEMPLATE("a device says what it is, the same by each of its names", T, RealPlainFile, FakeDevice) {
    T t;
    const auto about = t.devices.info(t.path);
    REQUIRE(about.ok());
    CHECK(about->bytes == k_device);
    CHECK(about->sector_bytes >= 512);
    CHECK_FALSE(about->mounted);
    CHECK(about->id == t.devices.info(t.place.root + "/./slot")->id);
}

TEST_CASE("a plain file lies on no disk of its own") {
    RealPlainFile t;
    CHECK_FALSE(t.devices.info(t.path)->block);
    CHECK(t.devices.info(t.path)->disk.empty());
}

TEST_CASE("a mounted fake is not written") {
    FakeDevice t;
    t.owner.mount(t.path);
    const auto held = t.devices.open(t.path, Access::exclusive);
    REQUIRE_FALSE(held.ok());
    CHECK(held.error().is(AgentCode::busy));
    CHECK(t.devices.open(t.path, Access::read).ok());
}

TEST_CASE("what a fake device was not made to keep is lost with the power") {
    FakeDevice t;
    {
        auto device = t.devices.open(t.path, Access::exclusive);
        REQUIRE((*device)->write_at(0, "kept").ok());
        REQUIRE((*device)->sync().ok());
        REQUIRE((*device)->write_at(4, "lost").ok());
    }
    t.place.owner.power_cut();
    t.place.owner.restart();
    CHECK(t.place.owner.content(t.path)->substr(0, 8) == "keptoooo");
}

/// A loop device over a file; empty path where this machine has none to give.
class LoopDevice {
public:
    explicit LoopDevice(const std::string& file) {
        const auto made = run({"losetup", "--find", "--show", file});
        path_ = made.substr(0, made.find('\n'));
        if (!path_.starts_with("/dev/")) {
            path_.clear();
        }
    }
    ~LoopDevice() {
        if (!path_.empty()) {
            run({"losetup", "--detach", path_});
        }
    }
    LoopDevice(const LoopDevice&) = delete;
    LoopDevice& operator=(const LoopDevice&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    static std::string run(const std::vector<std::string>& argv) {
        platform::Command command;
        command.argv = argv;
        command.output_limit = 4096;
        const auto end = platform::system_processes()->run(command, CancelToken());
        return end.ok() && end->code == 0 ? end->output : "";
    }
    std::string path_;
};

TEST_CASE("a path lies in a file system of a type, which only Windows does not say") {
    RealPlainFile real;
    const std::string found = real.devices.file_system_at(real.path);
    CHECK(found.find_first_of(" /\n") == std::string::npos);
    CHECK(found.empty() == !platform::is_absolute("/"));
    CHECK(real.devices.file_system_at(real.path + "/not/there") == found);
}

TEST_CASE("a loop device keeps the same promises") {
    RealPlainFile t;
    const LoopDevice loop(t.path);
    if (loop.path().empty()) {
        std::puts("not run: this machine gives no loop device (losetup and root are needed)");
        return;
    }
    CHECK(t.devices.info(loop.path())->block);
    CHECK(t.devices.info(loop.path())->bytes == k_device);
    CHECK(t.devices.info(loop.path())->disk == loop.path());
    check_reads_and_writes(t.devices, loop.path());
    check_end(t.devices, loop.path());
    check_holder(t.devices, loop.path());
}

}  // namespace
}  // namespace hagent
