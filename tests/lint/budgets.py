#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the budgets: a file has at most 500 lines, a function at most 60; tables (.def) may be longer."""
import ast
import re

import lint

FILE_LINES, FUNCTION_LINES = 500, 60
SCOPE = re.compile(r"(?:^|\s)(?:namespace|class|struct|union)\b|extern\s*\"\"")
NOISE = re.compile(r"\btemplate\s*<[^{}]*?>\s*(?=\w|\[)|\balignas\s*\([^()]*\)|\[\[[^\]]*\]\]|__attribute__\s*\(\(.*?\)\)")
INITIALISED = re.compile(r"\)[^()]*(?<!:):(?!:)")


def kind_of(head):
    """What a brace opens after this text at file, namespace or class level: scope, function, member (part of a longer head) or other."""
    plain = NOISE.sub(" ", head).strip()
    if plain.count("(") > plain.count(")"):
        return "member"  # a default argument
    if "(" not in plain:
        return "scope" if SCOPE.search(plain) else "other"
    if INITIALISED.search(plain) and (plain[-1].isalnum() or plain[-1] in "_>"):
        return "member"
    return "other" if re.search(r"=\s*$|=\s*\w+(::\w+)*\s*$", plain) else "function"


def functions(text):
    """(name, first line, last line) of each function body in C++ text; lambdas count with what they stand in."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda found: "\n" * found.group().count("\n"), lint.code_only(text), flags=re.MULTILINE)
    found, stack, head, line = [], [], "", 1
    for sign in code:
        line += sign == "\n"
        outside = not stack or stack[-1][0] == "scope"
        if sign == "{":
            kind = kind_of(head) if outside else "inner"
            stack.append((kind, line, head))
            if kind != "member":
                head = ""
        elif sign == "}" and stack:
            kind, first, before = stack.pop()
            if kind == "function":
                name = re.search(r"([\w:~]+|operator[^\s(]+)\s*\(", NOISE.sub(" ", before))
                found.append((name.group(1) if name else "?", first, line))
            if kind == "member":
                head = before + "}"
            elif not stack or stack[-1][0] == "scope":
                head = ""
        elif sign == ";" and outside:
            head = ""
        elif outside:
            head += sign
    return found


def python_functions(text):
    return [(node.name, node.lineno, node.end_lineno) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def check(tree):
    findings = []
    for path in tree.files("agent", "platform", "tests", "toolchains", "packaging", ends=(*lint.CPP, ".py", ".cmake", ".txt", "run")):
        text = tree.text(path)
        if path.endswith(".txt") and not path.endswith("CMakeLists.txt"):
            continue
        if (lines := text.count("\n")) > FILE_LINES:
            findings.append(f"{path}: {lines} lines, {FILE_LINES} are allowed")
        listed = functions(text) if path.endswith(lint.CPP) else python_functions(text) if path.endswith(".py") else []
        for name, first, last in listed:
            if last - first > FUNCTION_LINES:
                findings.append(f"{path}:{first}: {name} has {last - first} lines, {FUNCTION_LINES} are allowed")
    return findings


def body(lines):
    return "{\n" + "    step();\n" * (lines - 1) + "}\n"


SAMPLES = [
    ("a long file", {"agent/log/a.cpp": "\n" * 501, "agent/log/b.cpp": "\n" * 500}, ["a.cpp: 501 lines"]),
    ("a long table", {"agent/errors/a.def": "\n" * 900}, []),
    ("a long function", {"agent/log/a.cpp": "namespace x {\nint f(int a) " + body(61) + "int g() " + body(60) + "}\n"}, ["a.cpp:2: f has 61"]),
    ("a long constructor", {"agent/log/a.cpp": "X::X(int a) : a_{a}, b_(a) " + body(61)}, ["a.cpp:1"]),
    ("a long template method", {"agent/log/a.h": "template <class T>\nstruct S : B<T> {\n  T f() const noexcept " + body(70) + "};\n"}, ["a.h:3: f"]),
    ("a long class, a long initialiser", {"agent/log/a.h": "class A {\n" + "  int f() { return 1; }\n" * 99 + "};\nconst int k[] = {\n" + "1,\n" * 99 + "};\n"}, []),
    ("a default argument with braces", {"agent/log/a.cpp": "int f(std::string a = {}) " + body(61)}, ["a.cpp:1: f has 61"]),
    ("braces in literals", {"agent/log/a.cpp": "void f() {\n  g(\"{\", '{', R\"({)\");  // {\n}\n" + "int x;\n" * 99}, []),
    ("a long function in Python", {"tests/a.py": "def f():\n" + "    f()\n" * 61, "tests/b.py": "def f():\n" + "    f()\n" * 60}, ["tests/a.py:1"]),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
