// SPDX-License-Identifier: Apache-2.0
// Owns what disk.h promises, on the machine and on the fake.
#include "platform/disk.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_disks.h"
#include "tests/fakes/temp_directory.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::VolumeType;

TEST_CASE("a path that does not exist yet is on the volume of its nearest parent") {
    const fakes::TempDirectory directory;
    const auto disks = platform::system_disks();
    const auto here = disks->volume_of(directory.path());
    const auto below = disks->volume_of(directory.path() + "/none/deeper/x");
    REQUIRE(here.ok());
    REQUIRE(below.ok());
    CHECK(here->mount_point == below->mount_point);
    CHECK(here->total_bytes > 0);
    CHECK(here->free_bytes <= here->total_bytes);
    CHECK(here->available_bytes <= here->free_bytes);
    CHECK(here->type == VolumeType::normal);
}

TEST_CASE("volumes are listed once each") {
    const auto volumes = platform::system_disks()->volumes();
    REQUIRE(volumes.ok());
    for (std::size_t i = 0; i < volumes->size(); ++i) {
        CHECK(volumes.value()[i].total_bytes > 0);
        for (std::size_t j = 0; j < i; ++j) {
            CHECK(volumes.value()[i].mount_point != volumes.value()[j].mount_point);
        }
    }
}

TEST_CASE("the fake chooses the longest mount point, by whole names") {
    fakes::FakeDisks disks;
    disks.all.push_back({"/data", VolumeType::read_only, 10, 5, 5});
    CHECK(disks.volume_of("/data/x")->mount_point == "/data");
    CHECK(disks.volume_of("/data")->mount_point == "/data");
    CHECK(disks.volume_of("/database")->mount_point == "/");
    disks.all.clear();
    CHECK(disks.volume_of("/x").error().is(AgentCode::file_not_found));
}

}  // namespace
}  // namespace hagent
