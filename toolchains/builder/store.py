# SPDX-License-Identifier: Apache-2.0
"""The cache of built dependencies: TARGET-KEY folders, made whole or not at all."""
import hashlib
import json
import os
import shutil
import time

from . import recipes, sources, zig
from .common import TOOLCHAINS, Failure, cache_root, locked, output_of, run, say, sha256

TARGETS = {"native": ["gcc", "g++"], "linux-i686": ["gcc", "g++"], "linux-i686-musl": None,
           "win-x86_64": ["x86_64-w64-mingw32-gcc-posix", "x86_64-w64-mingw32-g++-posix"],
           "win-i686": ["i686-w64-mingw32-gcc-posix", "i686-w64-mingw32-g++-posix"]}

PRESETS = {"dev": "native", "asan-ubsan": "native", "tsan": "native", "fuzz": "native", "release": "native",
           "linux-i686": "linux-i686", "linux-i686-musl": "linux-i686-musl", "win-i686": "win-i686", "win-x86_64": "win-x86_64"}


def compiler_identity(target, versions):
    if TARGETS[target] is None:
        return f"zig {versions['zig']['version']} {versions['zig']['sha256']} {zig.FLAGS[target]}"
    c_compiler = TARGETS[target][0]
    return output_of([c_compiler, "--version"]).split("\n")[0] + " " + output_of([c_compiler, "-dumpmachine"]).strip()


def cached_sources(group, versions):
    """{name: Source} of a group as the cache has them; None while one is not there."""
    found = {name: sources.cached(versions[name]) for name in recipes.GROUPS[group]}
    return found if all(found.values()) else None


def prefix_of(target, group, versions, found):
    """Folder that holds, or will hold, the group built from these sources."""
    parts = [target, group, compiler_identity(target, versions), sha256(TOOLCHAINS / f"{target}.cmake"),
             recipes.text_of(group), sha256(TOOLCHAINS / "mbedtls_config.h") if group == "base" else ""]
    parts += [source.identity() for source in found.values()]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return cache_root() / "deps" / f"{target}-{key}"


def is_built(prefix):
    return (prefix / "versions.json").is_file()


def build(target, group, versions):
    """Builds a group of dependencies for a target unless it is in the cache; returns its prefix."""
    rows = [versions[name] for name in recipes.GROUPS[group]]
    with locked(cache_root() / "sources.lock"):
        found = sources.fetch(rows, versions.release)
    prefix = prefix_of(target, group, versions, found)
    if is_built(prefix):
        return prefix
    with locked(prefix.with_name(prefix.name + ".lock")):
        if not is_built(prefix):
            build_now(target, group, found, prefix)
    return prefix


def build_now(target, group, found, prefix):
    started = time.monotonic()
    work = prefix.with_name(f".{prefix.name}.work")
    stage = work / "prefix"
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(prefix, ignore_errors=True)
    stage.mkdir(parents=True)
    for name, source in found.items():
        step = time.monotonic()
        folder = work / "source" / name
        folder.parent.mkdir(exist_ok=True)
        sources.unpack(source, folder, work / f"{name}.log")
        recipes.recipe(group, name)(work, target, folder, stage)
        say(f"{target}: {name} {source.row['version']} built in {time.monotonic() - step:.0f} s")
    if zig.FLAGS.get(target):
        warm_up(target, work)
    manifest = {"target": target, "group": group, "libraries": {name: describe(source) for name, source in found.items()}}
    (stage / "libraries.def").write_text(table(found))
    (stage / "versions.json").write_text(json.dumps(manifest, indent=1) + "\n")
    os.rename(stage, prefix)
    shutil.rmtree(work, ignore_errors=True)
    say(f"{target}: dependencies ({group}) ready in {time.monotonic() - started:.0f} s")


def describe(source):
    """What a built library came from, for the bill of materials."""
    return {"version": source.row["version"], "sha256": source.digest, "state": source.state, "patches": source.revision,
            "lacks": source.lacks, "sentence": source.sentence()}


def table(found):
    """The same for the agent, as rows of a table in its own language; agent/base/libraries.cpp has the columns."""
    rows = [(name, source.row["version"], source.revision, source.lacks, "false" if source.state == "bare" else "true",
             source.sentence() + "\\n" if source.lacks else "")
            for name, source in found.items() if name not in recipes.ONLY_TESTS]
    text = "// Made by toolchains/build: what the libraries beside this file were built from.\n"
    return text + "".join("HAGENT_LIBRARY(" + ", ".join(f'"{field}"' for field in row) + ")\n" for row in rows)


def warm_up(target, work):
    """Lets zig build its C++ library once, into the lasting cache, so that the agent's first link does not wait for it."""
    program = work / "warm_up.cpp"
    program.write_text("#include <string>\n#include <thread>\nint main(int c, char** v) {\n"
                       "  std::string s(v[0]); std::thread t([&] { s += 'x'; }); t.join(); return c > 9 ? int(s.size()) : 0; }\n")
    run([zig.wrappers(target) / "clang++", "-std=c++20", "-Os", "-DNDEBUG", "-fPIE", "-static", "-pie", "-s", program,
         "-o", work / "warm_up"], log=work / "warm_up.log")


def lookup(target, group, versions):
    found = cached_sources(group, versions)
    prefix = prefix_of(target, group, versions, found) if found else None
    if prefix is None or not is_built(prefix):
        raise Failure(f"the static dependencies for {target} are not built yet")
    return prefix
