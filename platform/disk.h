// SPDX-License-Identifier: Apache-2.0
// Owns the interface to volumes: which one a path is on and how much room it has.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace hagent::platform {

enum class VolumeType : std::uint8_t { normal = 0, nfs = 1, read_only = 2 };  // seed: SW_VOL_NORMAL, _NFS, _READONLY

/// One mounted volume at the moment of the call. Sizes count what the file system can hold, not the partition.
struct Volume {
    std::string mount_point;  // "/", "/data", "C:\\"
    VolumeType type = VolumeType::normal;
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;       // for the superuser
    std::uint64_t available_bytes = 0;  // for everybody else
    bool no_programs = false;           // nothing that lies there can be executed (noexec)
};

class Disks {
public:
    virtual ~Disks() = default;
    /// The volume that holds `path`, or would hold it: the nearest parent that exists decides. Errors: those of Files
    /// for a path that cannot be looked at.
    [[nodiscard]] virtual Result<Volume> volume_of(const std::string& path) = 0;
    /// All real volumes, for the status page: no network volumes, no pseudo file systems of the kernel.
    [[nodiscard]] virtual Result<std::vector<Volume>> volumes() = 0;
};

[[nodiscard]] std::unique_ptr<Disks> system_disks();

}  // namespace hagent::platform
