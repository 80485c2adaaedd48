#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab manager: a small hawkBit-compatible server with its state in SQLite, for demonstrations and tests.

As a program:  python3 lab_manager.py --port 0 --state DIR     prints "ready http://127.0.0.1:PORT/".
As a module:   LabManager runs that program and speaks to its management API.
"""

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import manager_api
from lab_actions import Actions
from lab_ddi import Ddi
from lab_http import Server
from lab_manage import Management
from lab_store import Store
from services import Services

TOKEN_FILE = "management-token"
START_DEADLINE_S = 20


def build(port, state):
    """A server that is not serving yet; (server, store)."""
    os.makedirs(state, exist_ok=True)
    store = Store(state)
    token_path = os.path.join(state, TOKEN_FILE)
    if not os.path.exists(token_path):
        with open(os.open(token_path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(16))
    with open(token_path, encoding="ascii") as file:
        token = file.read()
    actions = Actions(store)
    ddi, management = Ddi(store, actions), Management(store, actions, token)
    log = open(os.path.join(state, "access.log"), "a", encoding="utf-8", buffering=1)
    server = Server(port, lambda request: ddi.route(request) or management.route(request), log)
    return server, store


def main():
    parser = argparse.ArgumentParser(description="A small hawkBit-compatible manager for the lab, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--state", required=True, help="folder for its database and artifacts")
    options = parser.parse_args()
    server, store = build(options.port, options.state)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *unused: threading.Thread(target=server.shutdown).start())
    print(f"ready http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    store.close()


class LabManager(manager_api.Manager):
    name = "lab"

    def __init__(self, folder, services=None, polling="00:00:02"):
        self.folder, self.polling, self._port = folder, polling, 0
        self.services = services or Services()
        self._process = None

    def start(self):
        """Also starts again after stop(), with the same state and port."""
        self._process = self.services.start("lab manager", [sys.executable, os.path.abspath(__file__), "--port", str(self._port),
                                                            "--state", self.folder], os.path.join(self.folder, "manager.log"))
        line = self._process.wait_line("ready ", START_DEADLINE_S)
        self.url = self.page_url = line.split()[1]
        self._port = urllib.parse.urlsplit(self.url).port
        with open(os.path.join(self.folder, TOKEN_FILE), encoding="ascii") as file:
            self._token = file.read()
        self.set("polling", self.polling)
        return self.url

    def stop(self):
        if self._process:
            self._process.stop()
            self._process = None

    def call(self, method, path, body=None, stream=None, length=0):
        """One management call; returns the parsed answer, ManagerError with the server's text when it refuses."""
        headers = {"Authorization": f"Bearer {self._token}"}
        data = json.dumps(body).encode() if body is not None else stream
        if stream is not None:
            headers["Content-Length"] = str(length)
        request = urllib.request.Request(f"{self.url}manage/{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            raise manager_api.ManagerError(f"lab manager refused {method} {path} with {error.code}: {text}") from error
        except OSError as error:
            raise manager_api.ManagerError(f"lab manager: {method} {path}: {error}") from error

    def set(self, key, value):
        self.call("PUT", f"settings/{key}", value)

    def upgrade_older_agents(self, package_ref):
        """From now on every device with an older agent is given this release; None ends that."""
        self.set("agent_release", package_ref or 0)

    def default_configuration(self, package_refs, enforce_sequence=False):
        """From now on every device is given these, in this order; [] ends that."""
        self.set("default_configuration", {"modules": package_refs, "enforce_sequence": enforce_sequence} if package_refs else {})

    def jobs_of(self, device_id):
        """[(name, version, state, id)] of all its actions, oldest first."""
        return [(action["name"], action["version"], action["state"].lower(), str(action["id"]))
                for action in reversed(self.call("GET", "actions")) if action["device"] == device_id]

    def ensure_device(self, device_id, token):
        self.call("PUT", f"devices/{urllib.parse.quote(device_id)}", {"token": token})

    def publish(self, package_dir, only=None):
        manifest = {}
        path = os.path.join(package_dir, "manifest.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                try:
                    manifest = json.load(file)
                except ValueError:
                    manifest = {}  # a damaged package is published as it is: refusing it is the device's task
        name = str(manifest.get("package", os.path.basename(package_dir)))
        module = self.call("POST", "modules", {"name": name, "version": str(manifest.get("version", "1")),
                                               "metadata": {"hagent.kind": str(manifest.get("kind", "script"))}})["id"]
        for file_path, artifact in manager_api.package_files(package_dir):
            if only is None or artifact in only:
                with open(file_path, "rb") as file:
                    self.call("PUT", f"modules/{module}/artifacts/{urllib.parse.quote(artifact)}", stream=file,
                              length=os.path.getsize(file_path))
        return module

    def assign(self, device_id, package_ref, *, kind="forced", maintenance_window=None, confirmation=None):
        body = {"device": device_id, "modules": [package_ref], "kind": kind, "window": maintenance_window,
                "confirmation": confirmation}
        return str(self.call("POST", "actions", body)["id"])

    def cancel(self, device_id, action_id, force=False):
        self.call("DELETE", f"actions/{action_id}{'?force=true' if force else ''}")

    def history(self, device_id, action_id):
        return [{"status": entry["status"].lower(), "messages": entry["messages"], "at": entry["at"]}
                for entry in self.call("GET", f"actions/{action_id}")["entries"]]

    def action_state(self, device_id, action_id):
        action = self.call("GET", f"actions/{action_id}")
        if action["state"] == "RUNNING" and not any(e["status"] == "RETRIEVED" for e in action["entries"]):
            return "pending"
        return {"CANCELING": "canceling", "FINISHED": "finished", "DOWNLOADED": "finished", "ERROR": "error",
                "CANCELED": "canceled", "WAIT_FOR_CONFIRMATION": "pending"}.get(action["state"], "running")

    def attributes(self, device_id):
        return self.call("GET", f"devices/{urllib.parse.quote(device_id)}")["attributes"]

    def is_registered(self, device_id):
        return self.last_poll(device_id) is not None

    def last_poll(self, device_id):
        return self.call("GET", f"devices/{urllib.parse.quote(device_id)}")["last_poll"]


if __name__ == "__main__":
    main()
