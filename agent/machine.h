// SPDX-License-Identifier: Apache-2.0
// Owns Machine: everything outside of the agent that verbs reach, and the table of the kinds of work. The program makes
// the only real one; tests put fakes in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/http/sockets.h"
#include "agent/manager/identity.h"
#include "agent/output.h"
#include "agent/work/kind.h"
#include "platform/block_device.h"
#include "platform/clock.h"
#include "platform/dialog.h"
#include "platform/disk.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/process.h"
#include "platform/program_start.h"
#include "platform/registry.h"

namespace hagent {

/// One for each run of the program; whatever is built borrows from it and ends before it.
struct Machine {
    platform::SystemClock clock;
    std::unique_ptr<platform::Files> files = platform::system_files();
    std::unique_ptr<platform::Processes> processes = platform::system_processes();
    std::unique_ptr<platform::Disks> disks = platform::system_disks();
    std::unique_ptr<platform::BlockDevices> devices = platform::system_block_devices();
    std::unique_ptr<platform::Host> host = platform::system_host();
    std::unique_ptr<platform::Dialogs> dialogs = platform::system_dialogs();
    std::unique_ptr<platform::Registry> registry = platform::system_registry();  // null where there is none
    std::unique_ptr<platform::ProgramStarter> starter = platform::system_program_starter();
    std::unique_ptr<Output> output = standard_output();
    work::Kinds kinds;                          // that this program has
    std::vector<std::string> command_line;      // of this process, its name first; empty: it cannot be started again
    std::vector<std::string> named_managers;    // by name servers, for the next time that the configuration is read
    http::Sockets sockets;                      // of the listener, between two lives of the agent
    std::optional<manager::DeviceId> identity;  // once the agent has found it
};

}  // namespace hagent
