// SPDX-License-Identifier: Apache-2.0
// Owns volumes on Linux: the mount table and statvfs.
#include "platform/disk.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <optional>

#include "agent/base/text.h"
#include "platform/files.h"
#include "platform/os_error.h"
#include "platform/posix/fd.h"
#include "platform/posix/mounts.h"

namespace hagent::platform {
namespace {

// What the kernel calls file systems whose server may be away (mount(8)).
constexpr std::array<std::string_view, 8> k_network_types = {"nfs",   "nfs4",  "cifs", "smb3",
                                                             "smbfs", "ncpfs", "afs",  "9p"};
// Types that hold files although their device is not a path ("ubi0:rootfs", "overlay").
constexpr std::array<std::string_view, 10> k_disk_types = {"ext2",  "ext3",    "ext4", "vfat",     "ubifs",
                                                           "jffs2", "overlay", "aufs", "squashfs", "rootfs"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Sizes by statvfs. A read-only mount counts before its type: no script can write there either way.
Result<Volume> measured(const Mount& mount) {
    struct statvfs found {};
    if (uninterrupted([&] { return statvfs(mount.point.c_str(), &found); }) != 0) {
        return file_error(errno, mount.point);
    }
    const std::uint64_t unit = found.f_frsize != 0 ? found.f_frsize : found.f_bsize;
    Volume volume;
    volume.mount_point = mount.point;
    volume.type = (found.f_flag & ST_RDONLY) != 0         ? VolumeType::read_only
                  : contains(k_network_types, mount.type) ? VolumeType::nfs
                                                          : VolumeType::normal;
    volume.total_bytes = found.f_blocks * unit;
    volume.free_bytes = found.f_bfree * unit;
    volume.available_bytes = found.f_bavail * unit;
    volume.no_programs = (found.f_flag & ST_NOEXEC) != 0;
    return volume;
}

class LinuxDisks final : public Disks {
public:
    Result<Volume> volume_of(const std::string& path) override {
        const std::string place = TRY(system_files()->resolve(path));
        const auto mounts = TRY(mount_table());
        const Mount* best = nullptr;
        for (const auto& mount : mounts) {  // a later mount on the same point covers an earlier one
            if (holds(mount.point, place) && (best == nullptr || mount.point.size() >= best->point.size())) {
                best = &mount;
            }
        }
        return best != nullptr ? measured(*best) : measured({"", "/", ""});
    }

    /// Without network volumes: asking a server that is away would hold the caller for minutes.
    Result<std::vector<Volume>> volumes() override {
        std::vector<Volume> volumes;
        const auto mounts = TRY(mount_table());
        for (const auto& mount : mounts) {
            const bool real = mount.device.starts_with("/") || contains(k_disk_types, mount.type);
            if (!real || contains(k_network_types, mount.type)) {
                continue;
            }
            auto volume = measured(mount);
            if (!volume.ok() || volume->total_bytes == 0) {
                continue;
            }
            std::erase_if(volumes, [&](const Volume& older) { return older.mount_point == mount.point; });
            volumes.push_back(std::move(volume).value());
        }
        return volumes;
    }
};

}  // namespace

std::unique_ptr<Disks> system_disks() { return std::make_unique<LinuxDisks>(); }

}  // namespace hagent::platform
