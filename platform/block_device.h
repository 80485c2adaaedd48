// SPDX-License-Identifier: Apache-2.0
// Owns the interface to the devices that system images are written to: every change to one goes through here, so that a
// test can cut the power at each.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "platform/files.h"

namespace hagent::platform {

/// A slot's device, open: a block device, or a plain file (tests, file targets of one slot). It never grows.
class BlockDevice {
public:
    virtual ~BlockDevice() = default;
    [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
    /// Bytes read into `out` at `offset`; 0 only at the end. They come past the system's cache where a write of that
    /// offset, length and address would go past it (platform/files.h).
    [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) = 0;
    /// Writes all of `bytes` at `offset`, or fails: disk_full where the end lies before theirs, io_error ...
    [[nodiscard]] virtual Status write_at(std::uint64_t offset, std::string_view bytes) = 0;
    /// Once this returns success, what was written survives a power cut.
    [[nodiscard]] virtual Status sync() = 0;
    /// Syncs; reads from now on come from the device, not from what the system still remembers of our writes.
    [[nodiscard]] virtual Status forget_cache() = 0;
};

enum class Access : std::uint8_t {
    read,
    exclusive  // read and write; until it is closed nobody else has it so, and it is not mounted; else `busy`
};

struct BlockInfo {
    bool block = false;       // false: a plain file
    std::uint64_t bytes = 0;  // its size
    unsigned sector_bytes = 512;
    bool mounted = false;  // or in use otherwise: swap space, below a device mapper
    std::string disk;      // the whole disk that it lies on, "/dev/sda"; empty: a file, or the system does not say
    FileId id;             // the same for two names of one device
};

/// Paths as Files takes them. Errors: those of Files; unsupported_here for what is neither a block device nor a file.
class BlockDevices {
public:
    virtual ~BlockDevices() = default;
    [[nodiscard]] virtual Result<std::unique_ptr<BlockDevice>> open(const std::string& path, Access access) = 0;
    [[nodiscard]] virtual Result<BlockInfo> info(const std::string& path) = 0;
    /// The device of the file system at "/" (on Windows that of the system); empty where none is known.
    [[nodiscard]] virtual std::string root_device() = 0;
    /// What the boot loader told the kernel; empty where there is none.
    [[nodiscard]] virtual std::string command_line() = 0;
    /// The type of the file system in which a path lies, "ext4"; empty where the system does not say.
    [[nodiscard]] virtual std::string file_system_at(const std::string& path) = 0;
};

/// The machine's devices.
[[nodiscard]] std::unique_ptr<BlockDevices> system_block_devices();

}  // namespace hagent::platform
