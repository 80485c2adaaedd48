# SPDX-License-Identifier: Apache-2.0
"""A gigabyte by `fetch` from a real nginx and vsftpd: the digest is right and the memory small.

The limit is asserted for the static musl program, which HAGENT_MUSL_BINARY names; other builds only print what they took.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import unittest

import kit
from kit import FACTOR
from servers import Nginx, Vsftpd  # from tests/lab, which kit puts on the path
from setup_packages import SERVERS, ensure

SIZE = 1 << 30
BLOCK = 1 << 20
LIMIT_KIB = 4 << 10
MUSL = os.environ.get("HAGENT_MUSL_BINARY", "")


def write_noise(path):
    """Writes SIZE bytes that do not compress or repeat at block distance; returns their SHA-256."""
    noise, digest = bytearray(os.urandom(BLOCK)), hashlib.sha256()
    with open(path, "wb") as file:
        for number in range(SIZE // BLOCK):
            noise[:8] = number.to_bytes(8, "little")
            digest.update(noise)
            file.write(noise)
    return digest.hexdigest()


def peak_kib(pid):
    """The highest resident size so far; it never falls, so that the last sample tells all."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            found = re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.MULTILINE)
            return int(found.group(1)) if found else 0
    except (FileNotFoundError, ProcessLookupError):
        return 0


class BigFetch(kit.OwnServers, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ensure({name: SERVERS[name] for name in ("vsftpd", "nginx")})
        super().setUpClass()
        if shutil.disk_usage(cls.folder).free < 3 * SIZE:
            raise unittest.SkipTest(f"less than 3 GiB free in {cls.folder}")
        served = os.path.join(cls.folder, "served")
        os.mkdir(served)
        cls.digest = write_noise(os.path.join(served, "noise"))
        cls.http = Nginx(cls.services, os.path.join(cls.folder, "nginx"), served)
        cls.ftp = Vsftpd(cls.services, os.path.join(cls.folder, "vsftpd"), served)

    def fetch(self, url):
        """Fetches to a file of its own; prints and returns the peak."""
        program, place = MUSL or kit.binary(), os.path.join(self.folder, "got", "noise")
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        began, peak = time.monotonic(), 0
        command = [program, "fetch", "--json", url, "-o", place, "--sha256", self.digest]
        with open(os.path.join(self.folder, "errors"), "w+b") as errors, \
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, env=kit.environment()) as process:
            while process.poll() is None:
                peak = max(peak, peak_kib(process.pid))
                if time.monotonic() - began > 400 * FACTOR:
                    process.kill()
                time.sleep(0.02)
            output = process.stdout.read()
            errors.seek(0)
            self.assertEqual(0, process.returncode, output.decode() + errors.read().decode("utf-8", "replace"))
        document = json.loads(output)
        self.assertEqual((SIZE, self.digest), (document["bytes"], document["sha256"]))
        with open(place, "rb") as file:
            self.assertEqual(self.digest, hashlib.file_digest(file, "sha256").hexdigest())
        os.unlink(place)
        print(f"1 GiB by {url.partition(':')[0]}: {time.monotonic() - began:.1f} s, peak resident {peak} KiB ({program})", flush=True)
        return peak

    def check(self, url):
        peak = self.fetch(url)
        self.assertGreater(peak, 0)
        if MUSL:
            self.assertLess(peak, LIMIT_KIB)

    def test_a_gibibyte_by_http(self):
        self.check(f"http://127.0.0.1:{self.http.start()}/noise")

    def test_a_gibibyte_by_ftp(self):
        self.check(f"ftp://127.0.0.1:{self.ftp.start()}/noise")


if __name__ == "__main__":
    unittest.main(verbosity=2)
