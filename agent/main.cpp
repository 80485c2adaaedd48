// SPDX-License-Identifier: Apache-2.0
// Owns main: the one place where real platform objects are made.
#include <variant>
#include <vector>

#include "agent/machine.h"
#include "agent/options.h"
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
    const auto parsed = hagent::parse_options(static_cast<int>(words.size()), pointers.data());
    if (const auto* wrong = std::get_if<hagent::UsageError>(&parsed)) {
        return hagent::verbs::wrong_words(*wrong);
    }
    const auto& options = std::get<hagent::Options>(parsed);
    if (options.help || options.verb.empty()) {
        hagent::verbs::print(hagent::help_text(options.verb));
        return hagent::verbs::k_done;
    }
    hagent::Machine machine;
    return hagent::verbs::dispatch(machine, options);
}
