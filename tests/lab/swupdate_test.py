#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab manager judged by a client that nobody here wrote: Debian's swupdate in hawkBit mode.

It registers, sends attributes, downloads, installs, reports, and answers a cancel. `python3 tests/lab/swupdate_test.py`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab_manager import LabManager  # noqa: E402
from manager_api import FINAL_STATES  # noqa: E402
from services import Services, wait_until  # noqa: E402
from setup_packages import ensure, program  # noqa: E402

PROGRAMS = {"swupdate": "swupdate", "openssl": "openssl"}
DEVICE, TOKEN, TEXT = "sw-1", "sw-token", b"installed by swupdate\n"
DEADLINE_S = 60


def cpio_entry(name, data, number):
    """One file of a cpio archive in the "070702" form (with checksum) that swupdate reads."""
    fields = (number, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, sum(data))
    head = b"070702" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


class SwupdateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ensure(PROGRAMS)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hagent-lab-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.services = Services(adopt_orphans=True)
        self.addCleanup(self.services.stop)
        self.manager = LabManager(self.path("manager"), self.services)
        self.manager.start()
        self.manager.ensure_device(DEVICE, TOKEN)
        self.make_image()
        with open(self.path("swupdate.cfg"), "w", encoding="ascii") as file:
            file.write(f'globals: {{ loglevel = 4; public-key-file = "{self.path("signer.pem")}"; }};\n'
                       'identify: ( { name = "board"; value = "lab"; } );\n')

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        subprocess.run([program("openssl"), *arguments], check=True, capture_output=True, cwd=self.folder)

    def make_image(self):
        """package/update.swu: one file, described and signed as swupdate wants it."""
        description = ('software = { version = "1.0"; hardware-compatibility: [ "1.0" ]; files: ( { filename = "text"; '
                       f'path = "{self.path("installed")}"; sha256 = "{hashlib.sha256(TEXT).hexdigest()}"; }} ); }}\n').encode()
        with open(self.path("sw-description"), "wb") as file:
            file.write(description)
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "signer.pem", "-subj", "/CN=lab",
                     "-days", "2", "-addext", "extendedKeyUsage=emailProtection", "-addext", "keyUsage=digitalSignature")
        self.openssl("cms", "-sign", "-in", "sw-description", "-out", "signature", "-signer", "signer.pem", "-inkey", "key.pem",
                     "-outform", "DER", "-nosmimecap", "-binary")
        with open(self.path("signature"), "rb") as file:
            signature = file.read()
        os.makedirs(self.path("package"))
        with open(self.path("package/update.swu"), "wb") as file:
            parts = (("sw-description", description), ("sw-description.sig", signature), ("text", TEXT), ("TRAILER!!!", b""))
            for number, (name, data) in enumerate(parts):
                file.write(cpio_entry(name, data, number))

    def swupdate(self, *more):
        options = f"-t DEFAULT -u {self.manager.url.rstrip('/')} -i {DEVICE} -k {TOKEN} -p 2"
        environment = {**os.environ, "TMPDIR": self.folder}
        return self.services.start("swupdate", [program("swupdate"), "-f", self.path("swupdate.cfg"), "-H", "lab:1.0",
                                                "-u", " ".join((options, *more))], self.path("swupdate.log"), environment)

    def test_an_independent_client_registers_installs_reports_and_cancels(self):
        package = self.manager.publish(self.path("package"))
        action = self.manager.assign(DEVICE, package)
        client = self.swupdate()

        def installed():
            return any("All Chunks Installed." in entry["messages"] for entry in self.manager.history(DEVICE, action))
        client.wait(installed, DEADLINE_S, "its installation")
        with open(self.path("installed"), "rb") as file:
            self.assertEqual(file.read(), TEXT)
        client.stop()

        client = self.swupdate("-c 2")  # "the update was tested and is good"
        self.assertEqual(self.manager.wait_state(DEVICE, action, FINAL_STATES, DEADLINE_S), "finished")
        self.assertEqual(self.manager.final_reports(DEVICE, action), 1)
        wait_until(lambda: self.manager.attributes(DEVICE) == {"board": "lab"}, DEADLINE_S, "its attributes")
        client.stop()

        second = self.manager.assign(DEVICE, package)
        self.manager.cancel(DEVICE, second)
        self.swupdate()
        self.assertEqual(self.manager.wait_state(DEVICE, second, FINAL_STATES, DEADLINE_S), "canceled")


if __name__ == "__main__":
    unittest.main(verbosity=2)
