// SPDX-License-Identifier: Apache-2.0
// Owns the choice of a fake volume.
#include "tests/fakes/fake_disks.h"

namespace hagent::fakes {

Result<platform::Volume> FakeDisks::volume_of(const std::string& path) {
    const platform::Volume* best = nullptr;
    for (const auto& volume : all) {
        const std::string& point = volume.mount_point;
        const bool holds = path.starts_with(point) &&
                           (point.ends_with('/') || path.size() == point.size() || path[point.size()] == '/');
        if (holds && (best == nullptr || point.size() > best->mount_point.size())) {
            best = &volume;
        }
    }
    return best != nullptr ? Result<platform::Volume>(*best) : error(errors::AgentCode::file_not_found, path);
}

}  // namespace hagent::fakes
