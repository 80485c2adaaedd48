#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every setting that names a file to the list of agent/config/named_files.cpp: what is missing there is neither looked at nor kept from scripts."""
import re

import lint

SETTINGS, NAMED = "agent/config/settings.h", "agent/config/named_files.cpp"
STRUCT = re.compile(r"struct (\w+) \{(.*?)^\};", re.DOTALL | re.MULTILINE)
MEMBER = re.compile(r"^ {4}(?:std::string|std::vector<std::string>|std::vector<std::vector<std::string>>) (\w+)", re.MULTILINE)
SECTION = re.compile(r"^ {4}(\w+Settings) (\w+);", re.MULTILINE)
NAMES_A_FILE = re.compile(r"(^|_)(file|dir|path|program|device|health|watchdog|env|hook|script)s?$")


def check(tree):
    text, named = lint.code_only(tree.text(SETTINGS)), tree.text(NAMED)
    structs = dict(STRUCT.findall(text))
    sections = {kind: f"{name}." for kind, name in SECTION.findall(structs.get("Settings", ""))}
    sections["Settings"] = ""
    findings = []
    for kind, body in structs.items():
        for member in MEMBER.findall(body):
            if not NAMES_A_FILE.search(member):
                continue
            if kind not in sections or not re.search(rf"\bs\.{re.escape(sections[kind])}{member}\b", named):
                findings.append(f"{SETTINGS}: {sections.get(kind, kind + '::')}{member} names a file and is not in {NAMED}")
    return findings


HEAD = "struct LogSettings {\n    std::string file;\n};\nstruct Settings {\n    LogSettings log;\n    std::string state_dir;\n};\n"
SAMPLES = [
    ("all are listed", {SETTINGS: HEAD, NAMED: "s.log.file s.state_dir"}, []),
    ("a section's file is forgotten", {SETTINGS: HEAD, NAMED: "s.log.files s.state_dir"}, ["log.file names a file"]),
    ("one of the top is forgotten", {SETTINGS: HEAD, NAMED: "s.log.file"}, ["state_dir names a file"]),
    ("a list of programs", {SETTINGS: "struct ImageSettings {\n    std::vector<std::string> health;\n};\nstruct Settings {\n    ImageSettings image;\n};\n",
                            NAMED: ""}, ["image.health names a file"]),
    ("a new section", {SETTINGS: "struct NewSettings {\n    std::string ca_file;\n};\n", NAMED: ""}, ["NewSettings::ca_file names a file"]),
    ("a list of programs with arguments", {SETTINGS: "struct ImageSettings {\n    std::vector<std::vector<std::string>> health;\n};\n"
                                           "struct Settings {\n    ImageSettings image;\n};\n", NAMED: ""}, ["image.health names a file"]),
    ("no file", {SETTINGS: "struct SlotSettings {\n    std::string name;\n};\n", NAMED: ""}, []),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
