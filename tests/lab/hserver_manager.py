# SPDX-License-Identifier: Apache-2.0
"""The legacy manager of legacy_manager.py as a manager of the lab: unsigned scripts in its replies, all files on an FTP server.

Such a manager knows what its repository holds, and a device does not: XC goes out as one SF a file.
"""

import os
import re

import manager_api
from legacy_manager import LegacyManager

USER, PASSWORD = "anonymous", "lab"
STATUS_OF = {"accepted": "running", "downloading": "download", "downloaded": "downloaded", "executing": "running", "done": "finished",
             "error": "error", "cancelled": "canceled"}
TREE_LINE = re.compile(r'XC(\*?) "<regroot>/([^"]+)" "([^"]+)"')


def expanded(lines, package_dir):
    """The lines with every XC as one SF for each file of its folder, in order of their names."""
    for line in lines:
        tree = TREE_LINE.fullmatch(line)
        if not tree:
            yield line
            continue
        optional, source, target = tree.groups()
        for path, _ in manager_api.package_files(os.path.join(package_dir, source)):
            relative = os.path.relpath(path, os.path.join(package_dir, source))
            yield f'SF{optional} "<regroot>/{source}/{relative}" "{target}/{relative}"'


class HserverManager(manager_api.Manager):
    name = "hserver"
    dialect = "hserver"
    signed = False
    known_by = "by its MAC address, which proves nothing"
    left_out = ("a signature: the dialect has none, the configuration says \"trust\": \"network\"",
                "the copy of a tree: the device is told every file of it, because its server has no list",
                "a page of the manager", "taking a job back")
    cannot_play = {"tampered": "nothing is signed in this dialect", "unknown-key": "nothing is signed in this dialect",
                   "cancel": "this dialect never takes a job back", "image": "an image has to be signed, and nothing is in this dialect",
                   "upgrade": "a release has to be signed, and nothing is in this dialect", "regression": manager_api.NO_RULES}

    def __init__(self):
        self.server, self.manager = None, None

    def start(self):
        self.manager = LegacyManager()
        self.url = self.manager.url
        return self.url

    def stop(self):
        if self.manager:
            self.manager.stop()
            self.manager = None

    def serve_from(self, port):
        """The FTP server that devices are told, by its loopback port."""
        self.server = ("127.0.0.1", port, USER, PASSWORD, False)

    def ensure_device(self, device_id, token):
        """Whoever checks in is a device."""

    def publish(self, package_dir, only=None):
        """The script's lines as they go out; the files lie on the FTP server below the package's name."""
        name = os.path.basename(package_dir)
        with open(os.path.join(package_dir, f"{name}.rsp"), encoding="utf-8") as file:
            lines = file.read().partition("[Script]\n")[2].splitlines()
        return [line.replace("<regroot>", name) for line in expanded(lines, package_dir)]

    def assign(self, device_id, package_ref, *, kind="forced", maintenance_window=None):
        if kind != "forced" or maintenance_window:
            raise manager_api.ManagerError("the hserver dialect knows forced jobs without a window only")
        return f"SI1-UR{self.manager.queue(package_ref, self.server)}"

    def cancel(self, device_id, action_id, force=False):
        raise manager_api.ManagerError(self.cannot_play["cancel"])

    def history(self, device_id, action_id):
        reports = self.manager.timed_reports(int(action_id.partition("-UR")[2]))
        return [{"status": STATUS_OF[state], "messages": messages, "at": int(at * 1000)} for state, messages, at in reports]

    def action_state(self, device_id, action_id):
        entries = self.history(device_id, action_id)
        status = entries[-1]["status"] if entries else "pending"
        return status if status in ("pending", *manager_api.FINAL_ENTRIES) else "running"

    def attributes(self, device_id):
        with self.manager.lock:
            sent = [dict(fields) for verb, _, fields in self.manager.requests if verb == "V01"]
        return sent[-1] if sent else {}

    def is_registered(self, device_id):
        return bool(self.attributes(device_id))
