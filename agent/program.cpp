// SPDX-License-Identifier: Apache-2.0
// Owns the one place where real platform objects are made.
#include "agent/program.h"

#include <variant>
#include <vector>

#include "agent/machine.h"
#include "agent/options.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"
#include "platform/service.h"

namespace hagent {

int run_program(const work::Kinds& kinds, int argc, char** argv) {
    platform::harden_process();
    auto words = platform::program_arguments(argc, argv);
    std::vector<char*> pointers;
    for (auto& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    const auto parsed = parse_options(static_cast<int>(words.size()), pointers.data());
    if (const auto* wrong = std::get_if<UsageError>(&parsed)) {
        return verbs::wrong_words(*wrong);
    }
    const auto& options = std::get<Options>(parsed);
    if (options.help || options.verb.empty()) {
        verbs::print(help_text(options.verb));
        return verbs::k_done;
    }
    Machine machine;
    machine.kinds = kinds;
    return verbs::dispatch(machine, options);
}

}  // namespace hagent
