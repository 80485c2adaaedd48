#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts conditionals on an operating system, and its headers, outside platform/posix and platform/win32; the limit is zero."""
import re

import lint

CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif|elifdef|elifndef)\b(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
SYSTEM = re.compile(r"\b_?_?(?:WIN32|WIN64|WINDOWS|WINNT|MINGW\w*|CYGWIN|MSC_VER|linux|gnu_linux|unix|APPLE|MACH|GLIBC|ANDROID|"
                    r"FreeBSD|OpenBSD|NetBSD|posix|POSIX\w*)(?:__|_)?\b|__has_include")
HEADERS = re.compile(r"^(?:windows|winsock2?|ws2\w+|iphlpapi|psapi|userenv|shlobj|tlhelp32|winioctl|aclapi|io|direct|process|"
                     r"unistd|fcntl|poll|spawn|pwd|grp|netdb|dirent|termios|syslog|dlfcn|pthread|ifaddrs|mntent|sched|utime)\.h$|"
                     r"^(?:sys|linux|netinet|arpa|net|mach)/")


def is_implementation(path):
    return any(part in ("posix", "win32") for part in path.split("/")[:-1])


def check(tree):
    findings = []
    for path in tree.files("agent", "platform", "tests", ends=lint.CPP):
        if is_implementation(path):
            continue
        text = lint.code_only(tree.text(path))
        for found in CONDITIONAL.finditer(text):
            if SYSTEM.search(found.group()):
                findings.append(f"{path}:{lint.line_of(text, found.start())}: {found.group().strip()}")
        if path.startswith("tests/"):
            continue
        for line, kind, name in tree.includes(path):
            if kind == "<" and HEADERS.search(name):
                findings.append(f"{path}:{line}: <{name}> belongs to an operating system")
    return findings


SAMPLES = [
    ("an #ifdef", {"agent/log/a.cpp": "int a;\n#ifdef _WIN32\n#endif\n"}, ["agent/log/a.cpp:2"]),
    ("a continued #if", {"platform/a.h": "#if defined(A) || \\\n    defined(__linux__)\n#endif\n"}, ["platform/a.h:1"]),
    ("a header of an OS", {"agent/log/a.cpp": "#include <unistd.h>\n", "agent/log/b.cpp": "#include <sys/stat.h>\n"}, ["<unistd.h>", "<sys/stat.h>"]),
    ("the implementations may", {"platform/posix/a.cpp": "#ifdef __linux__\n#endif\n#include <unistd.h>\n",
                                 "platform/win32/a.cpp": "#ifdef _WIN32\n#endif\n"}, []),
    ("tests may not branch", {"tests/unit/log/a_test.cpp": "#ifndef _WIN32\n#endif\n"}, ["a_test.cpp:1"]),
    ("other conditionals and comments", {"agent/log/a.cpp": "// #ifdef _WIN32\n#ifdef NDEBUG\n#endif\n"}, []),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
