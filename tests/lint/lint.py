# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the files of the tree, C++ text without comments and strings, the command line, the self-test."""
import argparse
import os
import re
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CPP = (".h", ".cpp")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^()\s\\]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
                   re.DOTALL)


class Tree:
    """The files below a root, without build folders, caches and version control."""

    def __init__(self, root, build=""):
        self.root, self.build = root, build

    def files(self, *tops, ends=("",)):
        """Paths relative to the root, with `/`, below any of `tops` (all when none is named), sorted."""
        found = []
        for top in tops or ("",):
            for folder, folders, names in os.walk(os.path.join(self.root, top)):
                relative = os.path.relpath(folder, self.root).replace(os.sep, "/")
                folders[:] = [name for name in folders if name not in (".git", "__pycache__") and (relative != "." or name != "build")]
                found += [name if relative == "." else f"{relative}/{name}" for name in names if name.endswith(tuple(ends))]
        return sorted(set(found))

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def includes(self, path):
        """(line, "<" or '"', name) of every include, those in comments left out."""
        text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found.group().count("\n"), self.text(path), flags=re.DOTALL)
        return [(line_of(text, found.start(1)), found.group(1), found.group(2)) for found in INCLUDE.finditer(text)]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def code_only(text):
    """C++ text with comments and the insides of literals blanked; every line keeps its number."""
    def blank(found):
        piece = found.group()
        return ('""' if piece[0] in "\"R" else "0" if piece[0] == "'" else "") + "\n" * piece.count("\n")
    return TOKEN.sub(blank, text)


def literals_emptied(text):
    """C++ text with the insides of its literals taken out and its comments left; every line keeps its number."""
    def empty(found):
        piece = found.group()
        return piece if piece[0] == "/" else '""' + "\n" * piece.count("\n")
    return TOKEN.sub(empty, text)


def self_test(check, samples):
    """Each sample is (what it shows, {path: text}, [piece that exactly one finding has, in order]); returns what went wrong."""
    wrong = []
    for name, files, wanted in samples:
        with tempfile.TemporaryDirectory(prefix="hagent-lint-") as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            got = check(Tree(root, root))
            if len(got) != len(wanted) or not all(piece in finding for piece, finding in zip(wanted, got)):
                wrong.append(f"sample '{name}': expected {wanted}, got {got}")
    return wrong


def main(description, check, samples):
    """Runs a lint over the tree, or over its own samples with --self-test; the exit status tells."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=ROOT)
    parser.add_argument("--build", default="", help="build folder, for lints that look at what was built")
    parser.add_argument("--self-test", action="store_true", help="prove on samples that the lint finds what it should")
    options = parser.parse_args()
    findings = self_test(check, samples) if options.self_test else check(Tree(options.root, options.build))
    for finding in findings:
        print(finding)
    name = os.path.basename(sys.argv[0])
    print(f"{name}: {len(findings)} finding(s)" if findings else f"{name}: {len(samples)} samples as expected" if options.self_test else f"{name}: clean")
    sys.exit(1 if findings else 0)
