# SPDX-License-Identifier: Apache-2.0
"""The command line of toolchains/build."""
import argparse
import sys

from . import machine, recipes, sbom, store, zig
from .common import ROOT, Failure, Versions, cache_root, run, say, sha256

EXIT_FAILED, EXIT_ABSENT = 1, 4


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="toolchains/build", description="Sets up what the presets need, builds their static dependencies (kept in "
        f"{cache_root()}) and the agent into build/PRESET/.",
        epilog="HAGENT_SOURCES=dir: look there for sources before the network is asked. HAGENT_MIRROR=address: a mirror of the "
        "distribution in place of the machine's own. HAGENT_JOBS=n: jobs at once.")
    parser.add_argument("presets", nargs="*", metavar="PRESET",
                        help="one or more of: " + ", ".join(store.PRESETS))
    parser.add_argument("--deps-only", action="store_true", help="build the dependencies only and print where they are")
    parser.add_argument("--print-prefix", action="store_true",
                        help="build nothing, print where the dependencies are; exit code 4 when they are not there")
    parser.add_argument("--with", dest="extras", action="append", default=[], choices=["archive", "tests"],
                        help="archive: the libraries for tar streams as well; tests: also install what running the preset's tests needs")
    parser.add_argument("--target", choices=list(store.TARGETS), help="for --print-prefix: a target in place of presets")
    parser.add_argument("--group", choices=list(recipes.GROUPS), default="base", help="for --print-prefix: which group")
    options = parser.parse_args(arguments)
    unknown = [preset for preset in options.presets if preset not in store.PRESETS]
    if unknown:
        parser.error(f"no such preset: {', '.join(unknown)}; there are {', '.join(store.PRESETS)}")
    if not options.presets and not (options.print_prefix and options.target):
        parser.error("name at least one preset: " + ", ".join(store.PRESETS))
    return options


def groups(options):
    return [*recipes.LINKED] + [extra for extra in options.extras if extra in recipes.GROUPS]


def print_prefixes(options, versions):
    for target in [options.target] if options.target else [store.PRESETS[preset] for preset in options.presets]:
        print(store.lookup(target, options.group, versions))


def build_dependencies(options, versions):
    targets = list(dict.fromkeys(store.PRESETS[preset] for preset in options.presets))
    machine.install(machine.needed(options.presets, targets, "tests" in options.extras))
    prefixes = []
    for target in targets:
        if store.TARGETS[target] is None:
            zig.set_up(target, versions["zig"])
        for group in groups(options):
            prefixes.append(store.build(target, group, versions))
    return prefixes


def build_agent(preset):
    say(f"building the agent for {preset}")
    run(["cmake", "--preset", preset], cwd=ROOT)
    run(["cmake", "--build", "--preset", preset, "--target", "hagent"], cwd=ROOT)
    name = "hagent.exe" if preset.startswith("win-") else "hagent"
    return ROOT / "build" / preset / name


def main(arguments):
    options = parse(arguments)
    versions = Versions()
    try:
        if options.print_prefix:
            print_prefixes(options, versions)
            return 0
        prefixes = build_dependencies(options, versions)
        if options.deps_only:
            print("\n".join(str(prefix) for prefix in prefixes))
            return 0
        for preset, binary in [(preset, build_agent(preset)) for preset in options.presets]:
            print(f"{binary}  {binary.stat().st_size} bytes  sha256 {sha256(binary)}")
            say(f"bill of materials: {sbom.write(binary, store.PRESETS[preset], groups(options), versions)}")
        return 0
    except Failure as failure:
        print(f"toolchains/build: {failure}", file=sys.stderr)
        return EXIT_ABSENT if options.print_prefix else EXIT_FAILED
    except KeyboardInterrupt:
        print("toolchains/build: interrupted; what was finished is kept", file=sys.stderr)
        return EXIT_FAILED
