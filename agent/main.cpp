// SPDX-License-Identifier: Apache-2.0
// Owns main: the one place where real platform objects are made.
#include <vector>

#include "agent/machine.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"
#include "platform/service.h"

int main(int argc, char** argv) {
    hagent::platform::harden_process();
    auto words = hagent::platform::program_arguments(argc, argv);
    std::vector<char*> pointers;
    for (auto& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    hagent::Machine machine;
    return hagent::verbs::run_command_line(machine, static_cast<int>(words.size()), pointers.data());
}
