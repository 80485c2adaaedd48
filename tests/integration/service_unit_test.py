# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: its exposure as systemd computes it, and the lab job under the same restrictions where no systemd runs.

The restrictions that a process carries by itself (capabilities, no new privileges, limits, mask) are set with setpriv and prlimit; the
system calls that the agent and its children make are recorded with strace and compared with the list that the unit allows.
"""

import glob
import os
import re
import subprocess
import tempfile
import unittest

from kit import SANITIZED, binary
from findings import Findings
from laboratory import Laboratory
from scenarios import SCENARIOS
from setup_packages import ensure

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "systemd", "hagent.service")
IMAGES = os.path.join(os.path.dirname(UNIT), "images.conf")
OK = 4.0  # systemd-analyze: from here on "MEDIUM"
# What the kernel or the loader does for a program and no filter can see or forbid.
NOT_FILTERED = {"exit", "exit_group", "restart_syscall", "rt_sigreturn", "sigreturn"}


def setting(name, path=UNIT):
    """The words of a setting of the unit, or of a drop-in."""
    with open(path, encoding="utf-8") as file:
        return [word for line in file if line.startswith(f"{name}=") for word in line.split("=", 1)[1].split()]


def members(group, seen):
    """The system calls of a group, those of the groups in it included."""
    if group in seen:
        return set()
    seen.add(group)
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    words = {line.strip() for line in done.stdout.splitlines()[1:] if line.strip() and not line.strip().startswith("#")}
    return {word for word in words if not word.startswith("@")}.union(*(members(word, seen) for word in words if word.startswith("@")))


class Starts(unittest.TestCase):
    def test_the_unit_has_no_limit_of_starts_and_comes_back_always(self):
        self.assertEqual((["0"], ["always"]), (setting("StartLimitIntervalSec"), setting("Restart")))


class Images(unittest.TestCase):
    def test_what_the_unit_closes_is_open_where_images_are_renewed(self):
        self.assertEqual((["closed"], ["yes"]), (setting("DevicePolicy"), setting("ProtectKernelTunables")))
        self.assertIn("block-*", setting("DeviceAllow", IMAGES))
        self.assertIn("/dev/watchdog", setting("DeviceAllow", IMAGES))
        self.assertEqual((["no"], ["CAP_LINUX_IMMUTABLE"]),
                         (setting("ProtectKernelTunables", IMAGES), setting("CapabilityBoundingSet", IMAGES)))


class ServiceUnit(unittest.TestCase):
    def setUp(self):
        ensure({"systemd-analyze": "systemd", "strace": "strace", "setpriv": "util-linux"})

    def test_its_exposure_is_ok(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT], capture_output=True, text=True, check=False)
        verdict = re.search(r"Overall exposure level for hagent\.service: ([0-9.]+) (\w+)", done.stdout)
        self.assertTrue(verdict, done.stdout + done.stderr)
        print(verdict.group())
        self.assertLess(float(verdict.group(1)), OK)

    def test_the_lab_job_passes_under_its_restrictions(self):
        if SANITIZED:
            self.skipTest("sanitizers make system calls of their own")
        if os.geteuid() != 0:
            self.skipTest("only root can give up capabilities")
        capabilities = ",".join("+" + word.removeprefix("CAP_").lower() for word in setting("CapabilityBoundingSet"))
        with tempfile.TemporaryDirectory(prefix="hagent-unit-") as folder:
            record = os.path.join(folder, "calls")
            runner = ["strace", "-D", "-ff", "-qq", "-e", "signal=none", "-o", record, "setpriv", "--no-new-privs", f"--bounding-set=-all,{capabilities}",
                      f"--inh-caps=-all,{capabilities}", "prlimit", "--core=0:0", "--"]
            findings = Findings("demo", "lab", False)
            with Laboratory("lab", binary(), runner) as lab:
                SCENARIOS["demo"](lab, findings)
            self.assertTrue(findings.ok, "the job did not end as it should under the unit's restrictions")
            used = set()
            for path in glob.glob(record + "*"):
                with open(path, encoding="utf-8", errors="replace") as file:
                    used |= {found for found in re.findall(r"^(\w+)\(", file.read(), re.MULTILINE)}
        self.assertIn("execve", used)
        allowed = set().union(*(members(word, set()) if word.startswith("@") else {word} for word in setting("SystemCallFilter")))
        refused = used - allowed - NOT_FILTERED
        print(f"{len(used)} kinds of system calls were made, all of them allowed" if not refused else f"not allowed: {sorted(refused)}")
        self.assertEqual(set(), refused)


if __name__ == "__main__":
    unittest.main(verbosity=2)
