#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Links the static musl program: link_musl.py COMPILER ARGUMENT... (the command that CMake would run).

zig's driver knows no way to ask its linker for what makes a static program small, so it is asked what it would run for an
empty program, and that is run with our files and these in addition:
  the whole program optimised as one, from what our modules and the C libraries carry beside their machine code
  relative relocations in a packed form (the C library unpacks them when the program starts)
  a function put in place of its call only where that is no longer than the call: an instruction counts as ten bytes, not as five
  after all else has been optimised, functions that are alike kept once, what branches have in common taken out of them, and parts of
  functions that are alike made a function of their own
  a table of jumps only for a switch of a dozen cases and more
  equal ends of a function's branches kept once, from two instructions on
  equal functions whose address nobody compares kept once
  no tables for unwinding the stack: nothing throws, and where the C++ library would, the program ends either way

Beside the program it writes OUTPUT.sizes, what each module and library takes (module_sizes.py), and prints it with the change against
packaging/size_limits.txt.
"""
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import module_sizes  # noqa: E402

LIMITS = Path(__file__).resolve().parent.parent / "packaging" / "size_limits.txt"
TARGET = "linux-i686-musl"
SMALLER = ["--icf=safe", "--pack-dyn-relocs=relr", "--fat-lto-objects", "-mllvm", "-inline-instr-cost=10", "-mllvm", "-tail-merge-size=2",
           "-mllvm", "-min-jump-table-entries=12",
           "--lto-newpm-passes=lto<O2>,mergefunc,function(simplifycfg<sink-common-insts;hoist-common-insts>),iroutliner,globaldce"]
SCRIPT = "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.gcc_except_table*) *(.comment) } } INSERT AFTER .text;\n"


def own_files(arguments):
    """The output, and the objects and libraries in their order."""
    output = arguments[arguments.index("-o") + 1]
    return output, [name for name in arguments if name.endswith((".o", ".a")) and name != output]


def linker_command(compiler, options, folder):
    """What the driver runs to link an empty program, and that program's object."""
    source, program = folder / "empty.cpp", folder / "empty"
    source.write_text("int main() {}\n")
    empty = folder / "empty.o"
    subprocess.run([compiler, "-c", source, "-o", empty], check=True)
    shown = subprocess.run([compiler, *options, empty, "-o", program], check=True, stderr=subprocess.PIPE, text=True,
                           env={**os.environ, "ZIG_VERBOSE_LINK": "1"}).stderr
    for line in shown.splitlines():
        words = shlex.split(line)
        if words and words[0] == "ld.lld" and str(empty) in words and str(program) in words:
            return words[1:], str(empty), str(program)
    sys.exit(f"link_musl.py: the compiler does not tell how it links; it said:\n{shown}")


def say_sizes(map_path, files, output):
    table = module_sizes.account(map_path, files, output)
    total = sum(table.values())
    before = module_sizes.noted(TARGET, LIMITS.read_text(encoding="utf-8"))
    print(f"{output}: {total} bytes, {total - sum(before.values()):+} against {LIMITS.name}:")
    print("\n".join(module_sizes.changes(table, before)))


def main():
    compiler, arguments = sys.argv[1], sys.argv[2:]
    output, files = own_files(arguments)
    options = [name for name in arguments if name.startswith("-") and not name.startswith(("-o", "-W"))]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        words, empty, program = linker_command(compiler, options, folder)
        script = folder / "smaller.ld"
        script.write_text(SCRIPT)
        command = [str(Path(compiler).with_name("ld.lld"))]
        for word in words:
            command += files if word == empty else [output] if word == program else [] if word == "--eh-frame-hdr" else [word]
        command += [*SMALLER, f"-Map={folder}/map", "-T", str(script), "--gc-sections", "-z", "relro", "-z", "now", "-z", "noexecstack"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        # The C runtime's start file is older than the table that "safe" wants; it is left alone then.
        sys.stderr.write("".join(line + "\n" for line in done.stderr.splitlines() if "conservatively ignores" not in line))
        if done.returncode == 0:
            say_sizes(folder / "map", [word for word in command if word.endswith((".o", ".a")) and word != output], output)
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
