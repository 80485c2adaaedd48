// SPDX-License-Identifier: Apache-2.0
// Owns the real platform objects; main makes the only one.
#pragma once

#include <memory>

#include "platform/clock.h"
#include "platform/disk.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/process.h"

namespace hagent {

struct Machine {
    platform::SystemClock clock;
    std::unique_ptr<platform::Files> files = platform::system_files();
    std::unique_ptr<platform::Processes> processes = platform::system_processes();
    std::unique_ptr<platform::Disks> disks = platform::system_disks();
    std::unique_ptr<platform::Host> host = platform::system_host();
};

}  // namespace hagent
