// SPDX-License-Identifier: Apache-2.0
// Owns the one place where real platform objects are made.
#include "agent/program.h"

#include <vector>

#include "agent/machine.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"
#include "platform/service.h"

namespace hagent {

/// The process is hardened before it reads a single word of others. The words come from the platform, because Windows
/// gives main() no UTF-8.
int run_program(const work::Kinds& kinds, int argc, char** argv) {
    platform::harden_process();
    auto words = platform::program_arguments(argc, argv);
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (auto& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    Machine machine;
    machine.kinds = kinds;
    machine.command_line = words;
    return verbs::run_command_line(machine, static_cast<int>(words.size()), pointers.data());
}

}  // namespace hagent
