// SPDX-License-Identifier: Apache-2.0
// Owns FakeDisks: volumes that a test describes.
#pragma once

#include "platform/disk.h"

namespace hagent::fakes {

/// One normal volume "/" of 8 GiB, half of it free, until the test says otherwise.
class FakeDisks final : public platform::Disks {
public:
    /// The volume whose mount point is the longest prefix of the path; file_not_found when there is none.
    [[nodiscard]] Result<platform::Volume> volume_of(const std::string& path) override;
    [[nodiscard]] Result<std::vector<platform::Volume>> volumes() override { return all; }

    std::vector<platform::Volume> all = {
        {"/", platform::VolumeType::normal, std::uint64_t{8} << 30U, std::uint64_t{4} << 30U, std::uint64_t{4} << 30U}};
};

}  // namespace hagent::fakes
