// SPDX-License-Identifier: Apache-2.0
// Owns FakeBlockDevices: devices that are files of a FakeFiles, so that their writes are numbered among its calls and
// are lost, kept or torn with the power as its files are.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "platform/block_device.h"
#include "tests/fakes/fake_files.h"

namespace hagent::fakes {

class FakeBlockDevices final : public platform::BlockDevices {
public:
    explicit FakeBlockDevices(FakeFiles& files) : files_(files) {}

    [[nodiscard]] Result<std::unique_ptr<platform::BlockDevice>> open(const std::string& path,
                                                                      platform::Access access) override;
    [[nodiscard]] Result<platform::BlockInfo> info(const std::string& path) override;
    [[nodiscard]] std::string root_device() override { return root; }
    [[nodiscard]] std::string command_line() override { return line; }
    [[nodiscard]] std::string file_system_at(const std::string& /*path*/) override { return file_system; }

    // The test's own hands.
    /// A device that is there from now on; its content is a file of the FakeFiles.
    void put(const std::string& path, std::string_view bytes, const std::string& disk = "/dev/sda");
    void mount(const std::string& path) { of_[path].mounted = true; }
    void set_sector_bytes(const std::string& path, unsigned bytes) { of_[path].sector_bytes = bytes; }
    /// The device gives back one changed byte at this place once its cache is forgotten: it has lied when it said that
    /// the byte was written.
    void forget_at(const std::string& path, std::uint64_t offset) { lies_[path] = offset; }

    std::string root, line, file_system;
    std::uint64_t bytes_read = 0;  // of all devices

private:
    class Device;

    FakeFiles& files_;
    std::map<std::string, platform::BlockInfo> of_;  // what stands in no file
    std::map<std::string, std::uint64_t> lies_;
};

}  // namespace hagent::fakes
