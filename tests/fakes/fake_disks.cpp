// SPDX-License-Identifier: Apache-2.0
// Owns the choice of a fake volume.
#include "tests/fakes/fake_disks.h"

#include "tests/fakes/rooted.h"

namespace hagent::fakes {

Result<platform::Volume> FakeDisks::volume_of(const std::string& path) {
    const platform::Volume* best = nullptr;
    const std::string place = plain(path);
    for (const auto& volume : all) {
        const std::string point = plain(volume.mount_point);
        const bool holds = place.starts_with(point) &&
                           (point.ends_with('/') || place.size() == point.size() || place[point.size()] == '/');
        if (holds && (best == nullptr || point.size() > plain(best->mount_point).size())) {
            best = &volume;
        }
    }
    return best != nullptr ? Result<platform::Volume>(*best) : error(errors::AgentCode::file_not_found, path);
}

}  // namespace hagent::fakes
