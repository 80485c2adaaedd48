# SPDX-License-Identifier: Apache-2.0
"""A manager that is only a folder on a web server: signed jobs.json, packages, and the reports that devices put there."""

import http.server
import json
import os
import re
import shutil
import threading
import time

import manager_api

REPORTS = "reports/"
REPORT_LIMIT = 1 << 20
STATUS_OF = {"accepted": "running", "downloading": "download", "downloaded": "downloaded", "executing": "running", "success": "finished",
             "failure": "error", "cancelled": "canceled"}


class FolderManager(manager_api.Manager):
    name = "folder"
    dialect = "folder"

    def __init__(self, folder):
        self.folder, self.key, self.serial, self.jobs = folder, None, 0, {}
        self.reports, self.entries, self.lock = {}, {}, threading.Lock()
        self._server = None
        os.makedirs(folder)

    def start(self):
        manager = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __init__(self, *arguments):
                super().__init__(*arguments, directory=manager.folder)

            def do_PUT(self):
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), REPORT_LIMIT))
                found = re.fullmatch(rf"/{REPORTS}([^/]+)\.json", self.path)
                self.send_response(manager.take_report(found.group(1), body) if found else 405)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        return self.url

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def sign_with(self, key):
        """Devices are expected to trust this key; from now on there is a jobs.json."""
        self.key = key
        self._write()

    def _write(self):
        self.serial += 1
        jobs = {"format": 1, "serial": self.serial, "expires": None, "reports": REPORTS,
                "devices": {device: {"jobs": [{"id": action, "package": package} for action, package in listed.items()]}
                            for device, listed in self.jobs.items()}}
        path = os.path.join(self.folder, "jobs.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(jobs, file, indent=1)
        self.key.sign(path + ".new", os.path.join(self.folder, "jobs.sig.new"))
        for name in ("jobs.json", "jobs.sig"):
            os.replace(os.path.join(self.folder, name + ".new"), os.path.join(self.folder, name))

    def take_report(self, device, body):
        """The HTTP status for it. A report holds all that is known, so only what is new becomes an entry."""
        try:
            report = json.loads(body)
        except ValueError:
            return 400
        with self.lock:
            self.reports[device] = report
            for job in report["jobs"]:
                entries = self.entries.setdefault((device, job["id"]), [])
                status = STATUS_OF[job["state"]]
                if not entries or entries[-1]["status"] not in manager_api.FINAL_ENTRIES:
                    entries.append({"status": status, "messages": job["messages"], "at": int(time.time() * 1000)})
        return 204

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
        raise manager_api.ManagerError("a folder cannot take back a job that runs; take it out of jobs.json before it begins")

    def history(self, device_id, action_id):
        with self.lock:
            return list(self.entries.get((device_id, action_id), []))

    def action_state(self, device_id, action_id):
        entries = self.history(device_id, action_id)
        status = entries[-1]["status"] if entries else "pending"
        return status if status in ("pending", *manager_api.FINAL_ENTRIES) else "running"

    def attributes(self, device_id):
        with self.lock:
            return self.reports.get(device_id, {}).get("attributes", {})

    def is_registered(self, device_id):
        with self.lock:
            return device_id in self.reports
