# SPDX-License-Identifier: Apache-2.0
"""`image pack` with the machine's own gzip, xz and zstd, and what other programs make of its files."""
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

import kit

PROGRAMS = {"gzip": ("root.img.gz", ["gzip", "-dc"]), "xz": ("root.img.xz", ["xz", "-dc"]), "zstd": ("root.img.zst", ["zstd", "-dcq"]),
            "none": ("root.img", ["cat"])}
CHUNK = 65536


def raw_image():
    """Text, noise and zeros; the last chunk is not a whole one."""
    rng = random.Random(7)
    noise, text = rng.randbytes(3 * CHUNK + 17), b"a line of the image\n" * 20000
    return text + bytes(20 * CHUNK) + noise + bytes(5000) + text[:777]


class ImagePackTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hagent-pack-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.raw = raw_image()
        with open(self.path("raw"), "wb") as file:
            file.write(self.raw)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def hagent(self, *words, code=kit.DONE):
        done = subprocess.run([kit.binary(), *words], capture_output=True, text=True, env=kit.environment(), check=False, cwd=self.folder)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def pack(self, out, *more, code=kit.DONE):
        return json.loads(self.hagent("image", "pack", "raw", "-o", out, "--chunk-bytes", str(CHUNK), "--json", *more, code=code).stdout)

    def test_each_chunk_and_the_whole_come_back(self):
        for compression, (name, unpack) in PROGRAMS.items():
            with self.subTest(compression):
                if not shutil.which(unpack[0]):
                    self.skipTest(f"there is no {unpack[0]} here")
                said = self.pack(compression, "--compression", compression)
                self.assertEqual((said["file"], said["raw_bytes"]), (name, len(self.raw)))
                self.assertEqual(said["raw_sha256"], hashlib.sha256(self.raw).hexdigest())
                image = self.read(compression, name)
                self.assertEqual(len(image), said["stored_bytes"])
                whole = subprocess.run(unpack, input=image, capture_output=True, check=True).stdout
                self.assertEqual(hashlib.sha256(whole).hexdigest(), said["raw_sha256"])
                at = 0
                lines = self.read(compression, "root.chunks").decode().splitlines()
                self.assertEqual(len(lines), said["chunks"])
                for number, line in enumerate(lines):
                    offset, size, digest = line.split(" ")
                    self.assertEqual(int(offset), at)
                    at += int(size)
                    expected = self.raw[number * CHUNK:(number + 1) * CHUNK]
                    self.assertEqual(digest, hashlib.sha256(expected).hexdigest())
                    if number % 9 == 0 or number + 1 == len(lines):
                        alone = subprocess.run(unpack, input=image[int(offset):at], capture_output=True, check=True).stdout
                        self.assertEqual(alone, expected)
                self.assertEqual(at, len(image))

    def test_the_same_image_gives_the_same_bytes(self):
        for compression, (name, unpack) in PROGRAMS.items():
            if shutil.which(unpack[0]):
                self.pack("first", "--compression", compression)
                self.pack("second", "--compression", compression)
                for file in (name, "root.chunks", "image.json"):
                    self.assertEqual(self.read("first", file), self.read("second", file))

    def test_what_is_signed_is_verified_and_holds_all_parts(self):
        subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", self.path("key.pem")], check=True)
        os.mkdir(self.path("keys"))
        subprocess.run(["openssl", "pkey", "-in", self.path("key.pem"), "-pubout", "-out", self.path("keys", "build.pem")],
                       check=True, capture_output=True)
        self.pack("package", "--compression", "gzip")
        self.pack("package", "--compression", "xz", "--part", "boot")
        self.hagent("sign", "package", "--key", "key.pem", "--kind", "image", "--package", "thin", "--version", "11.2", "--serial", "4")
        self.hagent("verify", "package", "--keys", "keys")
        manifest = json.loads(self.read("package", "manifest.json"))
        self.assertEqual([part["name"] for part in manifest["image"]["parts"]], ["root", "boot"])
        self.assertEqual(manifest["image"]["version"], "11.2")
        self.assertEqual([file["path"] for file in manifest["files"]], ["boot.chunks", "boot.img.xz", "root.chunks", "root.img.gz"])

    def test_a_packer_that_is_killed_leaves_nothing_that_the_next_one_minds(self):
        with open(self.path("raw"), "ab") as file:
            file.write(random.Random(1).randbytes(8 << 20))
        packer = subprocess.Popen([kit.binary(), "image", "pack", "raw", "-o", "out", "--compression", "xz", "--level", "9"],
                                  cwd=self.folder, env=kit.environment())
        kit.wait_until(lambda: os.path.exists(self.path("out", ".pack-root", "0")), 30, "the first chunk")
        packer.kill()
        packer.wait()
        kit.end_children()  # the xz that it left behind
        self.raw = self.raw[:100]
        with open(self.path("raw"), "wb") as file:
            file.write(self.raw)
        self.pack("out")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["image.json", "root.chunks", "root.img.zst"])


if __name__ == "__main__":
    unittest.main(verbosity=2)  # with the reasons of what is skipped
