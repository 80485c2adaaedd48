#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab manager judged by a client that nobody here wrote: Debian's swupdate in hawkBit mode.

It registers, polls, sends attributes, downloads, installs, reports good and bad ends, and answers a cancel. `python3 tests/lab/swupdate_test.py`.
"""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import swupdate_package  # noqa: E402
from lab_manager import LabManager  # noqa: E402
from manager_api import FINAL_STATES  # noqa: E402
from services import Services, wait_until  # noqa: E402
from setup_packages import ensure, program  # noqa: E402

PROGRAMS = {"swupdate": "swupdate", "openssl": "openssl", "cpio": "cpio"}
DEVICE, TOKEN, TEXT = "sw-1", "sw-token", b"installed by swupdate\n"
BASE = f"/DEFAULT/controller/v1/{DEVICE}"
DEADLINE_S = 60


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
        self.settings = swupdate_package.settings(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_image(self):
        """package/update.swu: one file, described and signed as swupdate wants it."""
        description = ('software = { version = "1.0"; hardware-compatibility: [ "1.0" ]; files: ( { filename = "text"; '
                       f'path = "{self.path("installed")}"; sha256 = "{hashlib.sha256(TEXT).hexdigest()}"; }} ); }}\n').encode()
        swupdate_package.describe(self.folder, description)
        with open(self.path("text"), "wb") as file:
            file.write(TEXT)
        os.makedirs(self.path("package"))
        swupdate_package.write(self.path("package/update.swu"), self.folder, ["text"])

    def swupdate(self, *more, token=TOKEN):
        options = f"-t DEFAULT -u {self.manager.url.rstrip('/')} -i {DEVICE} -k {token} -p 2"
        environment = {**os.environ, "TMPDIR": self.folder}
        return self.services.start("swupdate", [program("swupdate"), "-f", self.settings, "-H", "lab:1.0",
                                                "-u", " ".join((options, *more))], self.path("swupdate.log"), environment)

    def answered(self, request, status=200):
        """How often a request like this one was answered so."""
        with open(self.path("manager/access.log"), encoding="utf-8") as log:
            return len(re.findall(f'"{request} HTTP/1.[01]" {status} ', log.read()))

    def wait_answered(self, request, status=200, times=1):
        wait_until(lambda: self.answered(request, status) >= times, DEADLINE_S, f"{request} answered with {status}")

    def told(self, action, text):
        return any(text in message for entry in self.manager.history(DEVICE, action) for message in entry["messages"])

    def test_it_registers_with_its_token_polls_and_sends_attributes(self):
        client = self.swupdate(token="wrong")
        self.wait_answered(f"GET {BASE}", 401)
        client.stop()
        self.assertFalse(self.manager.is_registered(DEVICE))
        self.swupdate()
        wait_until(lambda: self.manager.is_registered(DEVICE), DEADLINE_S, "its registration")
        self.wait_answered(f"PUT {BASE}/configData")
        self.assertEqual(self.manager.attributes(DEVICE), {"board": "lab"})
        self.wait_answered(f"GET {BASE}", times=3)

    def test_it_downloads_installs_and_reports(self):
        action = self.manager.assign(DEVICE, self.manager.publish(self.path("package")))
        client = self.swupdate()
        client.wait(lambda: self.told(action, "All Chunks Installed."), DEADLINE_S, "its installation")
        with open(self.path("installed"), "rb") as file:
            self.assertEqual(file.read(), TEXT)
        self.assertTrue(self.answered(f"GET {BASE}/deploymentBase/{action}\\S*"))
        self.assertEqual(self.answered(f"GET {BASE}/softwaremodules/\\d+/artifacts/update.swu"), 1)
        self.assertEqual(self.manager.action_state(DEVICE, action), "running")
        client.stop()

        self.swupdate("-c 2")  # "the update was tested and is good"
        self.assertEqual(self.manager.wait_state(DEVICE, action, FINAL_STATES, DEADLINE_S), "finished")
        statuses = [entry["status"] for entry in self.manager.history(DEVICE, action)]
        self.assertEqual(statuses[:2], ["running", "retrieved"])
        self.assertIn("download", statuses)
        self.assertEqual(self.manager.final_reports(DEVICE, action), 1)

    def test_it_reports_an_image_that_it_does_not_take(self):
        with open(self.path("package/update.swu"), "r+b") as file:
            image = file.read()
            at = image.index(TEXT)
            file.seek(at)
            file.write(TEXT.upper())
        action = self.manager.assign(DEVICE, self.manager.publish(self.path("package")))
        self.swupdate()
        self.assertEqual(self.manager.wait_state(DEVICE, action, FINAL_STATES, DEADLINE_S), "error")
        self.assertEqual(self.manager.final_reports(DEVICE, action), 1)

    def test_it_cancels_before_the_beginning_and_takes_the_next_job(self):
        self.manager.set("multi_assignment", True)
        package = self.manager.publish(self.path("package"))
        action, following = self.manager.assign(DEVICE, package), self.manager.assign(DEVICE, package)
        self.manager.cancel(DEVICE, action)
        client = self.swupdate()
        self.assertEqual(self.manager.wait_state(DEVICE, action, FINAL_STATES, DEADLINE_S), "canceled")
        self.assertEqual(self.manager.final_reports(DEVICE, action), 1)
        self.assertEqual(self.answered(f"GET {BASE}/cancelAction/{action}"), 1)
        self.assertEqual(self.answered(f"POST {BASE}/cancelAction/{action}/feedback"), 1)
        client.wait(lambda: self.told(following, "All Chunks Installed."), DEADLINE_S, "the installation of the next")


if __name__ == "__main__":
    unittest.main(verbosity=2)
