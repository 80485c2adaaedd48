#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy (.clang-tidy) over what changed: against the merge base with the upstream branch, or, where there is nothing
between the two as in a fresh clone, in the last commits. Findings in other files do not count. --all looks at everything."""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import lint

PROGRAM, VERSION = "clang-tidy-14", 14
COMMITS = 10   # that are looked at where nothing tells which are new, newest first
FILES = 16     # at most so many are compiled, the newest first: four seconds of one core each
SECONDS = 75   # after which none is begun
PLACES = ("agent/", "platform/")
FINDING = re.compile(r"^(/\S+?):(\d+):\d+: (?:error|warning): (.*)$", re.MULTILINE)


class Git:
    def __init__(self, root):
        self.root = root

    def lines(self, *arguments):
        """What git prints; nothing where it fails."""
        done = subprocess.run(["git", "-C", self.root, *arguments], capture_output=True, text=True, check=False)
        return done.stdout.splitlines() if done.returncode == 0 else []

    def changed(self):
        """(files that changed, the latest change first; since when)"""
        files = self.lines("diff", "--name-only", "HEAD") + self.lines("ls-files", "--others", "--exclude-standard")
        head, base = self.lines("rev-parse", "HEAD"), self.lines("merge-base", "HEAD", "@{upstream}")
        ours = self.lines("rev-list", f"{base[0]}..HEAD") if base and base != head else []
        since = "the merge base with the upstream branch" if ours else f"the last {COMMITS} commits"
        for commit in ours or self.lines("rev-list", f"--max-count={COMMITS}", "HEAD"):
            files += self.lines("diff-tree", "--no-commit-id", "--name-only", "-r", "--root", commit)
        return list(dict.fromkeys(files)), since


class Commands:
    """How the build compiles each file."""

    def __init__(self, tree):
        with open(os.path.join(tree.build, "compile_commands.json"), encoding="utf-8") as file:
            entries = json.load(file)
        self.tree, self.compiled = tree, {os.path.relpath(entry["file"], tree.root).replace(os.sep, "/") for entry in entries}

    def unit_of(self, path):
        """The file that is compiled to see this one; None when the build has none."""
        if path.endswith(".cpp"):
            return path if path in self.compiled else None
        beside = path[:-2] + ".cpp"
        if beside in self.compiled:
            return beside
        users = (unit for unit in sorted(self.compiled) if unit.startswith(PLACES) and self.tree.exists(unit))
        return next((unit for unit in users if any(name == path for _, _, name in self.tree.includes(unit))), None)

    def write(self, folder):
        """The database in this folder, without what is precompiled where that is not there."""
        with open(os.path.join(self.tree.build, "compile_commands.json"), encoding="utf-8") as file:
            entries = json.load(file)
        for entry in entries:
            found = re.search(r"-Xclang -include-pch -Xclang (\S+) -Xclang -include -Xclang \S+", entry["command"])
            if found and not os.path.exists(found.group(1)):
                entry["command"] = entry["command"].replace(found.group(0), "")
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(entries, file)


def units(commands, files):
    """{file to compile: files that it shows}, in the order of the files."""
    found = {}
    for path in files:
        if path.startswith(PLACES) and path.endswith(lint.CPP) and commands.tree.exists(path) and (unit := commands.unit_of(path)):
            found.setdefault(unit, set()).add(path)
    return found


def judge(root, folder, unit, files):
    """The findings in these files, as clang-tidy words them."""
    done = subprocess.run([PROGRAM, "-p", folder, "--quiet", os.path.join(root, unit)], cwd=root, capture_output=True, text=True, errors="replace",
                          check=False)
    findings = {f"{os.path.relpath(path, root)}:{line}: {text}" for path, line, text in FINDING.findall(done.stdout) if os.path.relpath(path, root) in files}
    if done.returncode and not FINDING.search(done.stdout):
        findings.add(f"{unit}: {PROGRAM} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return sorted(findings)


def look(root, commands, chosen, seconds):
    """(findings, units that were looked at): two at a time, none is begun after so many seconds."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hagent-tidy-") as folder:
        commands.write(folder)

        def one(unit):
            return judge(root, folder, unit, chosen[unit]) if time.monotonic() - began < seconds else None

        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("HAGENT_JOBS") or os.cpu_count() or 2)) as pool:
            results = dict(zip(chosen, pool.map(one, chosen)))
    return [text for found in results.values() for text in found or []], [unit for unit, found in results.items() if found is not None]


def installed():
    path = shutil.which(PROGRAM)
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout if path else ""
    return f"version {VERSION}." in said


def self_test():
    """A repository with a change that has a fault, on top of a file with one that nobody touched."""
    good, bad = "int twice(int n);\nint twice(int n) { return 2 * n; }\n", "#include <string>\nint size(std::string text);\nint size(std::string text) { return static_cast<int>(text.size()); }\n"
    with tempfile.TemporaryDirectory(prefix="hagent-tidy-") as root:
        git = ["git", "-C", root, "-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false"]

        def commit(**files):
            for name, text in files.items():
                with open(os.path.join(root, "agent", name + ".cpp"), "w", encoding="ascii") as file:
                    file.write(text)
            subprocess.run([*git, "add", "-A"], check=True)
            subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)

        os.mkdir(os.path.join(root, "agent"))
        shutil.copy(os.path.join(lint.ROOT, ".clang-tidy"), root)
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        commit(untouched=bad, touched=good)
        subprocess.run([*git, "branch", "there"], check=True)
        subprocess.run([*git, "branch", "-q", "--set-upstream-to", "there"], check=True)
        commit(touched=good + bad, new=good)
        paths = [os.path.join(root, "agent", name + ".cpp") for name in ("untouched", "touched", "new")]
        with open(os.path.join(root, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([{"directory": root, "file": path, "command": f"clang++-14 -std=gnu++20 -c {path}"} for path in paths], file)
        tree = lint.Tree(root, root)
        commands = Commands(tree)
        chosen = units(commands, Git(root).changed()[0])
        findings, seen = look(root, commands, chosen, SECONDS)
    wrong = [] if sorted(seen) == ["agent/new.cpp", "agent/touched.cpp"] else [f"looked at {seen}"]
    if len(findings) != 1 or not findings[0].startswith("agent/touched.cpp:5: the parameter 'text'"):
        wrong.append(f"found {findings}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(lint.ROOT, "build", "dev"), help="build folder with compile_commands.json (build/dev)")
    parser.add_argument("--all", action="store_true", help="look at every file, however long it takes")
    parser.add_argument("--self-test", action="store_true", help="prove on a sample that it finds what it should, and no more")
    options = parser.parse_args()
    if not installed():
        print(f"{PROGRAM} is not installed: ./toolchains/build --deps-only --with tests dev brings it")
        return 1
    if options.self_test:
        findings = self_test()
        print(*findings or ["tidy.py: the sample as expected"], sep="\n")
        return 1 if findings else 0
    tree = lint.Tree(lint.ROOT, options.build)
    commands = Commands(tree)
    files, since = (tree.files("agent", "platform", ends=lint.CPP), "ever") if options.all else Git(lint.ROOT).changed()
    chosen = units(commands, files)
    taken = chosen if options.all else dict(list(chosen.items())[:FILES])
    findings, seen = look(lint.ROOT, commands, taken, float("inf") if options.all else SECONDS)
    print(*findings, sep="\n", end="\n" if findings else "")
    left = [unit for unit in chosen if unit not in seen]
    print(f"tidy.py: changed since {since}; looked at {len(seen)} files: {' '.join(seen) or 'none'}")
    if left:
        print(f"tidy.py: left out for lack of time: {' '.join(left)}")
    print(f"tidy.py: {len(findings)} finding(s)" if findings else "tidy.py: clean")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
