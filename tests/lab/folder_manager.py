# SPDX-License-Identifier: Apache-2.0
"""A manager that is only a folder on a real nginx: signed jobs.json, packages, and the reports that devices put there."""

import hashlib
import json
import os
import shutil
import time

import manager_api
from servers import Nginx

REPORTS = "reports/"
STATUS_OF = {"accepted": "running", "downloading": "download", "downloaded": "downloaded", "executing": "running", "success": "finished",
             "failure": "error", "cancelled": "canceled"}


class FolderManager(manager_api.Manager):
    name = "folder"
    dialect = "folder"
    known_by = "by the report that it put there"
    left_out = ("taking a job back",)
    cannot_play = {"cancel": "a folder cannot take back a job that runs; take it out of jobs.json before it begins",
                   "regression": manager_api.NO_RULES}

    def __init__(self, folder, services):
        """`folder`/site is what the web server shows."""
        self.folder, self.key, self.serial, self.jobs = os.path.join(folder, "site"), None, 0, {}
        self.seen, self.entries = {}, {}  # the last report of a device; what it said of a job, in order
        os.makedirs(os.path.join(self.folder, REPORTS))
        self._server = Nginx(services, os.path.join(folder, "nginx"), self.folder, uploads=REPORTS)

    def start(self):
        self.url = self.page_url = f"http://127.0.0.1:{self._server.start()}/"
        return self.url

    def stop(self):
        self._server.stop()

    def sign_with(self, key):
        """Devices are expected to trust this key; from now on there is a jobs.json."""
        self.key = key
        self._write()

    def _write(self):
        self.serial += 1
        jobs = {"format": 1, "serial": self.serial, "expires": None, "reports": REPORTS,
                "devices": {device: {"jobs": [{"id": action, "package": package, "manifest_sha256": self._digest(package)} for action, package in listed.items()]}
                            for device, listed in self.jobs.items()}}
        path = os.path.join(self.folder, "jobs.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(jobs, file, indent=1)
        self.key.sign(path + ".new", os.path.join(self.folder, "jobs.sig.new"))
        for name in ("jobs.json", "jobs.sig"):
            os.replace(os.path.join(self.folder, name + ".new"), os.path.join(self.folder, name))

    def _digest(self, package):
        """Binds a job to its package: whatever else may lie there later is another one."""
        with open(os.path.join(self.folder, package, "manifest.json"), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def report(self, device):
        """The report that lies there, {} before there is one. It holds all that is known, so only what is new becomes an entry."""
        try:
            with open(os.path.join(self.folder, REPORTS, f"{device}.json"), encoding="utf-8") as file:
                report = json.load(file)
        except FileNotFoundError:
            return {}
        if report != self.seen.get(device):
            self.seen[device] = report
            for job in report["jobs"]:
                entries = self.entries.setdefault((device, job["id"]), [])
                if not entries or entries[-1]["status"] not in manager_api.FINAL_ENTRIES:
                    entries.append({"status": STATUS_OF[job["state"]], "messages": job["messages"], "at": int(time.time() * 1000)})
        return report

    def ensure_device(self, device_id, token):
        self.jobs.setdefault(device_id, {})

    def publish(self, package_dir, only=None):
        name = f"package-{len(os.listdir(self.folder))}"
        for path, artifact in manager_api.package_files(package_dir):
            if only is None or artifact in only:
                target = os.path.join(self.folder, name, artifact.replace("~", "/"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target)
        return name + "/"

    def assign(self, device_id, package_ref, *, kind="forced", maintenance_window=None):
        if kind != "forced" or maintenance_window:
            raise manager_api.ManagerError("a folder knows forced jobs without a window only")
        action = f"job-{self.serial}"
        self.jobs[device_id][action] = package_ref
        self._write()
        return action

    def cancel(self, device_id, action_id, force=False):
        raise manager_api.ManagerError(self.cannot_play["cancel"])

    def history(self, device_id, action_id):
        self.report(device_id)
        return list(self.entries.get((device_id, action_id), []))

    def action_state(self, device_id, action_id):
        entries = self.history(device_id, action_id)
        status = entries[-1]["status"] if entries else "pending"
        return status if status in ("pending", *manager_api.FINAL_ENTRIES) else "running"

    def attributes(self, device_id):
        return self.report(device_id).get("attributes", {})

    def is_registered(self, device_id):
        return bool(self.report(device_id))
