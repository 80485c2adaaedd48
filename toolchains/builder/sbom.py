# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of a built agent: a CycloneDX document beside the binary, made from what was pinned and linked."""
import json

from . import recipes, store
from .common import ROOT, Failure, sha256

# library -> (licence as an SPDX expression, where its people are)
ABOUT = {
    "mbedtls": ("Apache-2.0 OR GPL-2.0-or-later", "https://www.trustedfirmware.org/projects/mbed-tls/"),
    "curl": ("curl", "https://curl.se/"),
    "json": ("MIT", "https://github.com/nlohmann/json"),
    "zlib": ("Zlib", "https://zlib.net/"),
    "lzma": ("0BSD", "https://tukaani.org/xz/"),
    "zstd": ("BSD-3-Clause OR GPL-2.0-only", "https://facebook.github.io/zstd/"),
    "archive": ("BSD-2-Clause", "https://www.libarchive.org/"),
}
# What the compiler itself adds to a static binary.
RUNTIME = {"linux-i686-musl": [("musl", "MIT"), ("libc++", "Apache-2.0 WITH LLVM-exception"), ("compiler-rt", "Apache-2.0 WITH LLVM-exception")],
           "win-x86_64": [("libstdc++", "GPL-3.0-or-later WITH GCC-exception-3.1"), ("winpthreads", "MIT"), ("mingw-w64", "ZPL-2.1")]}
RUNTIME["win-i686"] = RUNTIME["win-x86_64"]


def component(row, built):
    """One library; `built` is what the prefix that was linked says about its source."""
    licence, address = ABOUT[row["name"]]
    patches = [("hagent:patches", built["patches"] or "none"), ("hagent:patches-missing", built["lacks"] or "none")]
    return {"type": "library", "bom-ref": row["name"], "name": row["name"], "version": row["version"],
            "purl": f"pkg:generic/{row['package']}@{row['version'].replace('+', '%2B')}",
            "licenses": [{"expression": licence}], "externalReferences": [{"type": "website", "url": address}],
            "hashes": [{"alg": "SHA-256", "content": built["sha256"]}], "pedigree": {"notes": built["sentence"]},
            "properties": [{"name": name, "value": value} for name, value in patches]}


def describe(binary, target, groups, versions):
    """The document as a value; the same for the same binary, so without a time."""
    linked = list(dict.fromkeys(name for group in groups for name in recipes.GROUPS[group] if name not in recipes.ONLY_TESTS))
    strangers = [name for name in linked if name not in ABOUT]
    if strangers:
        raise Failure(f"toolchains/builder/sbom.py knows no licence of {', '.join(strangers)}: add a line")
    runtime = [{"type": "library", "bom-ref": name, "name": name, "version": f"of {target}'s compiler", "licenses": [{"expression": licence}]}
               for name, licence in RUNTIME.get(target, [])]
    built = {}
    for group in groups:
        built.update(json.loads((store.lookup(target, group, versions) / "versions.json").read_text())["libraries"])
    components = [component(versions[name], built[name]) for name in linked] + runtime
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"component": {"type": "application", "bom-ref": "hagent", "name": "hagent", "version": project_version(),
                                       "licenses": [{"expression": "Apache-2.0"}], "hashes": [{"alg": "SHA-256", "content": sha256(binary)}]}},
            "components": components, "dependencies": [{"ref": "hagent", "dependsOn": [part["bom-ref"] for part in components]}]}


def project_version():
    text = (ROOT / "CMakeLists.txt").read_text()
    return text.split("project(hagent VERSION ", 1)[1].split()[0]


def write(binary, target, groups, versions):
    """Writes BINARY's bill beside it and returns the path."""
    path = binary.parent / "hagent.cdx.json"
    path.write_text(json.dumps(describe(binary, target, groups, versions), indent=1) + "\n")
    return path
