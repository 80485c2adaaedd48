# SPDX-License-Identifier: Apache-2.0
"""A small tree around the real builder and the real lab: two libraries of one file each in place of ours, and an "agent" that
is built by copying what the first one holds. So a whole set-up takes a second, and everything but the recipes is what ships."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import loopback

ROOT = Path(__file__).resolve().parents[2]
RECIPES = '''# SPDX-License-Identifier: Apache-2.0
import shutil
GROUPS, LINKED, ONLY_TESTS = {"base": ["curl", "json"], "archive": []}, ("base",), set()
RECIPES = {name: lambda work, target, source, prefix, name=name: shutil.copytree(source, prefix / name) for name in GROUPS["base"]}
def recipe(group, name):
    return RECIPES[name]
def text_of(group):
    return "sample"
'''
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(hagent VERSION 0.1.0.0 LANGUAGES NONE)
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/toolchains/build --print-prefix --target native OUTPUT_VARIABLE prefix
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
add_custom_target(hagent COMMAND ${CMAKE_COMMAND} -E copy ${prefix}/curl/value.txt ${PROJECT_BINARY_DIR}/hagent)
"""
PRESETS = {"version": 6, "configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}],
           "buildPresets": [{"name": "release", "configurePreset": "release"}]}


class SampleTree:
    """The tree, its own cache, and the loopback archive with `tinycurl` (patched) and `tinyjson` (headers)."""

    def __init__(self, folder):
        self.folder, self.tree, self.cache = Path(folder), Path(folder) / "tree", Path(folder) / "cache"
        self.archive = loopback.Loopback(self.folder / "archive")
        self.curl, self.json = self.folder / "tinycurl-2.0.tar.gz", self.folder / "tinyjson-3.0.tar.gz"
        loopback.tarball(self.curl, "tinycurl-2.0")
        loopback.tarball(self.json, "tinyjson-3.0")
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "toolchains", self.tree / "toolchains", ignore=ignore)
        shutil.copytree(ROOT / "tests/lab", self.tree / "tests/lab", ignore=ignore)
        (self.tree / "toolchains/builder/recipes.py").write_text(RECIPES)
        (self.tree / "CMakeLists.txt").write_text(CMAKE)
        (self.tree / "CMakePresets.json").write_text(json.dumps(PRESETS))
        self.pin()

    def pin(self, curl_origin="", json_origin=""):
        """Writes toolchains/versions; an origin is "SHA-256 or same, address"."""
        (self.tree / "toolchains/versions").write_text(
            f"release {loopback.RELEASE}\npatched curl tinycurl 2.0 {loopback.sha256(self.curl)}\n"
            f"headers json tinyjson 3.0 {loopback.sha256(self.json)}\n"
            + (f"origin curl {curl_origin}\n" if curl_origin else "") + (f"origin json {json_origin}\n" if json_origin else ""))

    def fill(self):
        """A whole archive: the first revision in the release, the second in its updates, the third in the security suite.
        Built once, copied each time."""
        kept = self.folder.parent / "whole-archive"
        if not kept.is_dir():
            add = self.archive.add_source
            add("sample", "tinycurl", "1:2.0-1", self.curl)
            add("sample-updates", "tinycurl", "1:2.0-1+deb13u1", self.curl)
            add("sample-security", "tinycurl", "1:2.0-1+deb13u2", self.curl)
            add("sample", "tinyjson", "3.0-4", self.json)
            shutil.copytree(self.archive.folder, kept)
        shutil.copytree(kept, self.archive.folder, dirs_exist_ok=True)

    def run(self, *command, **environment):
        """Runs a program of the tree; the finished process, its output in `stdout`."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HAGENT_")}
        environment = {**kept, **self.archive.environment(), "XDG_CACHE_HOME": str(self.cache), "TMPDIR": str(self.folder),
                       "PYTHONDONTWRITEBYTECODE": "1", **environment}
        return subprocess.run([self.tree / command[0], *command[1:]], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300)

    def set_up(self, **environment):
        """The set-up of the lab by its real entry."""
        return self.run("tests/lab/run", "--set-up", **environment)

    def agent(self):
        """What the "agent" was built from: the text that the patch wrote, or the upstream's."""
        return (self.tree / "build/release/hagent").read_text().strip()

    def bill(self):
        """The bill of materials, by library."""
        document = json.loads((self.tree / "build/release/hagent.cdx.json").read_text())
        return {part["name"]: part | {entry["name"]: entry["value"] for entry in part.get("properties", [])}
                for part in document["components"]}

    def rows(self):
        """What the agent's table says, by library: (version, patches, lacks, patched, line)."""
        prefix = self.run("toolchains/build", "--print-prefix", "release").stdout.strip()
        found = re.findall(r"^HAGENT_LIBRARY\((.*)\)$", (Path(prefix) / "libraries.def").read_text(), re.MULTILINE)
        return {row[0]: tuple(row[1:]) for row in (json.loads(f"[{line}]") for line in found)}

    def close(self):
        self.archive.stop()


sys.dont_write_bytecode = True
