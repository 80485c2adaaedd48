// SPDX-License-Identifier: Apache-2.0
// Owns the agent of the lab's probe test: the real program with one kind of work more, which only tests know.
#include "agent/program.h"
#include "agent/script/script_kind.h"
#include "tests/fakes/probe_kind.h"

int main(int argc, char** argv) {
    const hagent::script::ScriptKind scripts;
    const hagent::fakes::ProbeKind probe;
    hagent::work::Kinds kinds;
    kinds.add(hagent::JobKind::script, scripts);
    kinds.add(hagent::JobKind::software, probe);
    return hagent::run_program(kinds, argc, argv);
}
