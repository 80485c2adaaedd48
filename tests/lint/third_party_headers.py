#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps each library behind its adapter, out of headers, and JSON parsing in its non-throwing mode."""
import re

import lint

# library: (start of its include, folders whose .cpp files, or files, may include it)
LIBRARIES = {
    "libcurl": ("curl/", ("agent/transfer", "agent/loop")),
    "mbedTLS": (("mbedtls/", "psa/"), ("agent/trust",)),
    "the JSON library": ("nlohmann/", ("agent/base/json.cpp",)),  # each user would cost tens of kilobytes of templates
    "libarchive": (("archive.h", "archive_entry.h"), ("agent/software",)),
    "the decoders": (("zlib.h", "lzma.h", "zstd"), ("agent/decode",)),
    "the test library": ("doctest/", ()),
}
PARSE = re.compile(r"\bjson::(?:parse|from_\w+)\s*\(")


def argument_text(code, start):
    """The text between the parenthesis that ends at `start` and its partner."""
    depth = 1
    for end in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[end], 0)
        if depth == 0:
            return code[start:end]
    return code[start:]


def check(tree):
    findings = []
    for path in tree.files("agent", "platform", ends=lint.CPP):
        folder = "/".join(path.split("/")[:2])
        for line, _, name in tree.includes(path):
            for library, (prefix, folders) in LIBRARIES.items():
                if not name.startswith(prefix):
                    continue
                if path.endswith(".h"):
                    findings.append(f"{path}:{line}: {library} in a header")
                elif folder not in folders and path not in folders:
                    findings.append(f"{path}:{line}: {library} is not for {folder}")
        code = lint.code_only(tree.text(path))
        for found in PARSE.finditer(code):
            if not re.search(r",\s*false\s*[,)]?", argument_text(code, found.end())):
                findings.append(f"{path}:{lint.line_of(code, found.start())}: {found.group()}...) may throw; give it nullptr, false")
    return findings


SAMPLES = [
    ("curl in its place", {"agent/transfer/a.cpp": "#include <curl/curl.h>\n", "agent/loop/a.cpp": "#include <curl/multi.h>\n"}, []),
    ("curl elsewhere", {"agent/http/a.cpp": "#include <curl/curl.h>\n"}, ["libcurl is not for agent/http"]),
    ("curl in a header", {"agent/transfer/a.h": "#include <curl/curl.h>\n"}, ["in a header"]),
    ("mbedTLS", {"agent/trust/a.cpp": "#include <mbedtls/pk.h>\n", "agent/log/a.cpp": "#include <psa/crypto.h>\n"}, ["mbedTLS is not for agent/log"]),
    ("JSON", {"agent/base/json.cpp": "#include <nlohmann/json.hpp>\n", "agent/base/a.cpp": "#include <nlohmann/json.hpp>\n",
              "agent/log/a.h": "#include <nlohmann/json_fwd.hpp>\n"}, ["the JSON library is not for agent/base", "a.h:1"]),
    ("parsing that throws", {"agent/log/a.cpp": "auto a = json::parse(f(x), nullptr, false);\nauto b = json::parse(f(x));\n"}, ["a.cpp:2"]),
    ("doctest in shipped code", {"platform/posix/a.cpp": "#include <doctest/doctest.h>\n"}, ["the test library"]),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
