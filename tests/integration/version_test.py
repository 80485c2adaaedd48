# SPDX-License-Identifier: Apache-2.0
"""`hagent version`: what the program says about its libraries is what the builder wrote beside them."""
import json
import os
import re
import subprocess
import unittest

import kit


def built():
    """What the libraries that the program under test was linked with were built from, by name."""
    with open(os.path.join(os.path.dirname(kit.binary()), "CMakeCache.txt"), encoding="utf-8") as file:
        prefixes = re.search(r"^HAGENT_LIBRARIES_FROM:INTERNAL=(.*)$", file.read(), re.MULTILINE)[1].split(";")
    found = {}
    for prefix in prefixes:
        with open(os.path.join(prefix, "versions.json"), encoding="utf-8") as file:
            found.update(json.load(file)["libraries"])
    return {name: about for name, about in found.items() if name != "doctest"}


def version(*options):
    return subprocess.run([kit.binary(), "version", *options], capture_output=True, text=True, check=True, env=kit.environment()).stdout


class VersionTest(unittest.TestCase):
    def test_json_names_each_library_and_its_patches(self):
        document, libraries = json.loads(version("--json")), built()
        self.assertTrue(document["version"] and document["target"] and document["libraries"])
        self.assertEqual({entry["name"] for entry in document["built_from"]}, set(libraries))
        for entry in document["built_from"]:
            about = libraries[entry["name"]]
            for key in ("version", "patches", "lacks"):
                self.assertEqual(entry[key], about[key])
            self.assertEqual(entry["patched"], about["state"] != "bare")
        self.assertEqual(document["patched"], all(about["state"] != "bare" for about in libraries.values()))
        self.assertEqual(document["patches_missing"], any(about["lacks"] for about in libraries.values()))

    def test_the_text_tells_what_is_missing_and_nothing_else(self):
        told = version().splitlines()[2:]
        self.assertEqual(told, [about["sentence"] for about in built().values() if about["lacks"]])


if __name__ == "__main__":
    unittest.main()
