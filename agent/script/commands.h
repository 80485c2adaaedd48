// SPDX-License-Identifier: Apache-2.0
// Owns THE table of script commands: name, arity, arguments, what plans them and what does them.
#pragma once

#include <span>
#include <string_view>

#include "agent/base/result.h"
#include "agent/work/step.h"

namespace hagent::script {

class Planning;  // planning.h: one command while it is analysed
class Acting;    // acting.h: one step while it is done

/// What becomes of a step that a power cut or a kill interrupted. The runner does the first two again in the same way;
/// they differ in what their actions have to see to. Source: spec 4 "Execution".
enum class Repeat : std::uint8_t {
    harmless,  // doing it again after an interruption gives the same state
    guarded,   // the action sees that it was done before
    reported,  // may not be done twice: an interruption is reported
};

/// What a step means for the user whom LU keeps out.
enum class Lock : std::uint8_t { stays, begins, ends };

/// Whether a step may put a file where a later step looks for one, beside those that the plan lists.
enum class Brings : std::uint8_t { nothing, first, target, anything };  // the first argument, the second

/// One command, as spec 4 "Commands" has it.
struct CommandRow {
    std::string_view name;
    unsigned min_arguments;
    unsigned max_arguments;
    std::string_view arguments;  // for complaints: "repository file, device path"
    int repository_argument;     // which one may begin with <regroot>; -1: none
    Repeat repeat;
    void (*plan)(Planning&);   // null: the command is known but this agent cannot run it
    Status (*act)(Acting&);    // null: settled in analysis, nothing to do
    Status (*after)(Acting&);  // what follows once the step's end is journalled; mostly null
    std::string_view undo;     // how a person takes it back
    work::Stage stage = work::Stage::any;
    Lock lock = Lock::stays;
    Brings brings = Brings::nothing;
    std::string_view lacks = {};  // without a plan: what this agent would need for it
};

/// In the order of spec 4.
[[nodiscard]] std::span<const CommandRow> command_table();
/// Null for an unknown opcode. `op` is upper case.
[[nodiscard]] const CommandRow* find_command(std::string_view op);

}  // namespace hagent::script
