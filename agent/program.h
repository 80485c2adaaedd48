// SPDX-License-Identifier: Apache-2.0
// Owns the program around its kinds of work: arguments, machine, verb.
#pragma once

#include "agent/work/kind.h"

namespace hagent {

/// Does what the command line says with the real machine; the exit code is that of spec 11. What `kinds` names
/// outlives the call.
[[nodiscard]] int run_program(const work::Kinds& kinds, int argc, char** argv);

}  // namespace hagent
