// SPDX-License-Identifier: Apache-2.0
// Owns block devices on Linux: what /sys, /proc and the device itself say.
#include "platform/block_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "platform/os_error.h"
#include "platform/posix/mounts.h"
#include "platform/posix/open_file.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

constexpr std::size_t k_small_file = 64U << 10U;  // of /sys and /proc

/// The C libraries do not agree on the type of a request.
template <typename Request>
int ask(int (*call)(int, Request, ...), int fd, unsigned long request, void* answer) {
    return call(fd, static_cast<Request>(request), answer);
}

Result<std::uint64_t> size_of(int fd, const std::string& path) {
    const struct stat found = TRY(stat_of(fd, path));
    if (S_ISREG(found.st_mode)) {
        return static_cast<std::uint64_t>(found.st_size);
    }
    std::uint64_t bytes = 0;
    return ask(&ioctl, fd, BLKGETSIZE64, &bytes) == 0 ? Result<std::uint64_t>(bytes) : file_error(errno, path);
}

class LinuxDevice final : public BlockDevice {
public:
    LinuxDevice(int fd, std::unique_ptr<File> file, std::uint64_t bytes, std::string path)
        : fd_(fd), file_(std::move(file)), bytes_(bytes), path_(std::move(path)) {}

    Result<std::uint64_t> size() override { return bytes_; }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
        return file_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::string_view bytes) override {
        if (offset > bytes_ || bytes.size() > bytes_ - offset) {  // a plain file would grow
            return error(AgentCode::disk_full, path_);
        }
        return file_->write_at(offset, bytes);
    }
    Status sync() override { return file_->sync(); }
    Status forget_cache() override {
        TRY(file_->sync());
        // The first is for root and devices only; where it is refused, the second drops the same pages, now clean.
        (void)ask(&ioctl, fd_, BLKFLSBUF, nullptr);
        posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
        return {};
    }

private:
    int fd_;  // of file_
    std::unique_ptr<File> file_;
    std::uint64_t bytes_;
    std::string path_;
};

/// "8:2", as /sys and the table of mounts name devices.
std::string numbers_of(dev_t device) {
    return concat({std::to_string(major(device)), ":", std::to_string(minor(device))});
}

/// The folder of a device in /sys, without links; empty when it is none of the kernel's.
std::string system_folder(dev_t device) {
    const std::string link = "/sys/dev/block/" + numbers_of(device);
    auto folder = system_files()->resolve(link);
    const bool there = folder.ok() && *folder != link;
    return there ? std::move(folder).value() : "";
}

/// "/dev/sda2" for its folder in /sys.
std::string device_path(const std::string& folder) {
    const auto facts = system_files()->read(folder + "/uevent", k_small_file);
    if (facts.ok()) {
        for (const auto line : split(*facts, '\n')) {
            if (line.starts_with("DEVNAME=")) {
                return concat({"/dev/", line.substr(line.find('=') + 1)});
            }
        }
    }
    return "";
}

bool is_there(const std::string& path) {
    const auto found = system_files()->info(path);
    return found.ok() && found->has_value();
}

/// The whole disk below a partition, and below what is mapped onto one device.
std::string disk_of(std::string folder) {
    constexpr int k_deepest = 8;
    for (int depth = 0; !folder.empty() && depth < k_deepest; ++depth) {
        if (is_there(folder + "/partition")) {
            folder.erase(folder.rfind('/'));
        }
        const auto below = system_files()->list(folder + "/slaves");
        if (!below.ok() || below->size() != 1) {
            return device_path(folder);
        }
        folder = system_files()->resolve(concat({folder, "/slaves/", below->front()})).value_or("");
    }
    return "";
}

Result<bool> is_mounted(const std::string& numbers) {
    const std::string table = TRY(system_files()->read("/proc/self/mountinfo", k_mount_table_bytes));
    for (const auto line : split(table, '\n')) {
        if (const auto fields = words(line); fields.size() > 2 && fields[2] == numbers) {
            return true;
        }
    }
    return false;
}

bool is_swap(dev_t device) {
    const auto table = system_files()->read("/proc/swaps", k_small_file);
    for (const auto line : split(table.ok() ? std::string_view(*table) : std::string_view(), '\n')) {
        struct stat found {};
        const auto fields = words(line);
        if (!fields.empty() && fields[0].starts_with('/') && stat(std::string(fields[0]).c_str(), &found) == 0 &&
            S_ISBLK(found.st_mode) && found.st_rdev == device) {
            return true;
        }
    }
    return false;
}

/// Whether the kernel has mounted the device anywhere that we can see, swaps to it or has put a mapping on it; so with
/// a partition of it when it is a whole disk.
Result<bool> is_in_use(dev_t device, const std::string& folder) {
    const auto holders = system_files()->list(folder + "/holders");
    if (TRY(is_mounted(numbers_of(device))) || is_swap(device) || (holders.ok() && !holders->empty())) {
        return true;
    }
    const auto parts =
        folder.empty() ? Result<std::vector<std::string>>(std::vector<std::string>()) : system_files()->list(folder);
    for (const auto& part : parts.ok() ? *parts : std::vector<std::string>()) {
        const std::string below = concat({folder, "/", part});
        struct stat found {};
        if (is_there(below + "/partition") && stat(device_path(below).c_str(), &found) == 0 &&
            TRY(is_in_use(found.st_rdev, below))) {
            return true;
        }
    }
    return false;
}

Result<Fd> open_place(const std::string& path, int flags) {
    Fd fd(uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); }));
    if (!fd) {
        return errno == EBUSY ? Failure(errors::agent(AgentCode::busy), errno, path) : file_error(errno, path);
    }
    const struct stat found = TRY(stat_of(fd.get(), path));
    if (!S_ISREG(found.st_mode) && !S_ISBLK(found.st_mode)) {
        return error(S_ISDIR(found.st_mode) ? AgentCode::is_a_directory : AgentCode::unsupported_here,
                     {path, " is neither a block device nor a file"});
    }
    return fd;
}

class LinuxDevices final : public BlockDevices {
public:
    Result<std::unique_ptr<BlockDevice>> open(const std::string& path, Access access) override {
        const bool exclusive = access == Access::exclusive;
        const auto about = TRY(info(path));
        if (exclusive && about.mounted) {
            return error(AgentCode::busy, {path, " is mounted or in use"});
        }
        // Without O_CREAT, O_EXCL is for devices: the kernel lets neither a mount nor a second holder in.
        Fd fd = TRY(open_place(path, !exclusive ? O_RDONLY : about.block ? O_RDWR | O_EXCL : O_RDWR));
        // The lock keeps agents apart where the path is a plain file, and udev from looking into a half-written device.
        if (exclusive && flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            return errno == EWOULDBLOCK ? Failure(errors::agent(AgentCode::busy), errno, path)
                                        : file_error(errno, path);
        }
        const std::uint64_t bytes = TRY(size_of(fd.get(), path));
        const int number = fd.get();
        return std::unique_ptr<BlockDevice>(
            std::make_unique<LinuxDevice>(number, open_file(std::move(fd), path, Reads::past_the_cache), bytes, path));
    }

    Result<BlockInfo> info(const std::string& path) override {
        const Fd fd = TRY(open_place(path, O_RDONLY));
        const struct stat found = TRY(stat_of(fd.get(), path));
        BlockInfo about;
        about.block = S_ISBLK(found.st_mode);
        about.bytes = TRY(size_of(fd.get(), path));
        about.id = {found.st_dev, found.st_ino};
        if (about.block) {
            int sector = 0;
            if (ask(&ioctl, fd.get(), BLKSSZGET, &sector) == 0 && sector > 0) {
                about.sector_bytes = static_cast<unsigned>(sector);
            }
            const std::string folder = system_folder(found.st_rdev);
            about.mounted = TRY(is_in_use(found.st_rdev, folder));
            about.disk = disk_of(folder);
            about.id = {0, found.st_rdev};  // whatever its name, and wherever that lies
        }
        return about;
    }

    std::string root_device() override {
        struct stat found {};
        std::string by_number = stat("/", &found) == 0 ? device_path(system_folder(found.st_dev)) : "";
        if (!by_number.empty()) {
            return by_number;
        }
        // Some file systems have numbers of their own; the table of mounts may name their device. The last one covers.
        std::string named;
        for (const auto& mount : mount_table().value_or({})) {
            named = mount.point == "/" ? mount.device : named;
        }
        return named.starts_with("/dev/") ? named : "";
    }

    std::string command_line() override {
        auto line = system_files()->read("/proc/cmdline", k_small_file).value_or("");
        return std::string(trim(line));
    }

    std::string file_system_at(const std::string& path) override {
        const auto place = system_files()->resolve(path);
        std::string point, type;
        for (const auto& mount : place.ok() ? mount_table().value_or({}) : std::vector<Mount>()) {
            if (holds(mount.point, *place) && mount.point.size() >= point.size()) {  // a later mount covers
                point = mount.point;
                type = mount.type;
            }
        }
        return type;
    }
};

}  // namespace

std::unique_ptr<BlockDevices> system_block_devices() { return std::make_unique<LinuxDevices>(); }

}  // namespace hagent::platform
