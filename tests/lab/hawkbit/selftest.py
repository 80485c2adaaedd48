#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves HawkbitManager and the traits of hawkBit that the agent relies on, against the real server."""

import datetime
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, LAB)
from hawkbit import provision, server_process  # noqa: E402  (the path above must come first)
from hawkbit.ddi_client import DdiClient  # noqa: E402
from hawkbit.hawkbit_manager import HawkbitManager  # noqa: E402
from manager_api import ManagerError  # noqa: E402
from services import lives  # noqa: E402

TOKEN = "a-token-of-the-device"
SMALL = {"demo.rsp": b"CO a b\n", "fw/kernel": bytes(range(256)) * 512}
LARGE_BYTES = 128 << 20


def write_package(folder, files):
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)
    return folder


def daily_window(hours_from_now):
    """A one hour window that opens once a day, so many hours from now, in UTC."""
    opens = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours_from_now)
    return {"schedule": f"0 {opens.minute} {opens.hour} * * ?", "duration": "01:00:00", "timezone": "+00:00"}


def eventually(condition, timeout_s=60):
    """What `condition` returns once that is true; fails after the time limit."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not seen within {timeout_s} s: {condition.__doc__ or condition}")
        time.sleep(0.05)
    return answer


class HawkbitTest(unittest.TestCase):
    """One server for all cases; every case has a device of its own."""

    manager: HawkbitManager
    folder: tempfile.TemporaryDirectory
    server_folder: str

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="hagent-selftest-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.manager = HawkbitManager(say=print)
        cls.addClassCleanup(cls.stop_and_look)
        cls.server_folder = os.path.join(cls.folder.name, "server")
        os.mkdir(cls.server_folder)
        began = time.monotonic()
        with unittest.mock.patch.object(tempfile, "tempdir", cls.server_folder):
            cls.manager.start()
        print(f"hawkBit {cls.manager.pid} answers at {cls.manager.url} after {time.monotonic() - began:.1f} s")
        manifest = json.dumps({"format": 1, "kind": "script", "package": "demo", "version": "1.2.0.0"})
        cls.package = write_package(os.path.join(cls.folder.name, "demo"),
                                    {**SMALL, "manifest.json": manifest.encode("ascii")})

    @classmethod
    def stop_and_look(cls):
        """stop() ends the process, removes its folder, and may be called again."""
        pid = cls.manager.pid
        assert lives(pid) and os.listdir(cls.server_folder), "the server was gone before stop()"
        cls.manager.stop()
        assert not lives(pid), f"process {pid} outlived stop()"
        assert os.listdir(cls.server_folder) == [], "stop() left files behind"
        cls.manager.stop()

    def device(self):
        """A fresh registered device: (id, client)."""
        device_id = self._testMethodName.replace("_", "-")
        self.manager.ensure_device(device_id, TOKEN)
        return device_id, DdiClient(self.manager.url, device_id, TOKEN)

    def assigned(self, **how):
        """A fresh device with the demonstration package assigned: (id, client, action)."""
        device_id, client = self.device()
        return device_id, client, self.manager.assign(device_id, self.manager.publish(self.package), **how)

    def statuses(self, device_id, action):
        return [entry["status"] for entry in self.manager.history(device_id, action)]

    # Who may talk

    def test_a_device_registers_with_its_own_token_only(self):
        device_id, client = self.device()
        self.assertFalse(self.manager.is_registered(device_id))
        self.assertEqual(DdiClient(self.manager.url, device_id, "wrong").poll().status, 401)
        self.assertEqual(DdiClient(self.manager.url, device_id).poll().status, 401)
        self.assertEqual(client.poll().status, 200)
        self.assertTrue(self.manager.is_registered(device_id))
        self.manager.ensure_device(device_id, "another")
        self.assertEqual(client.poll().status, 401)
        self.assertEqual(DdiClient(self.manager.url, device_id, "another").poll().status, 200)

    def test_a_gateway_token_lets_unknown_devices_in(self):
        client = DdiClient(self.manager.url, "stranger", "of-the-house", token_kind="GatewayToken")
        self.assertEqual(client.poll().status, 401)
        self.assertFalse(self.manager.is_registered("stranger"))
        self.manager.set_gateway_token("of-the-house")
        try:
            self.assertIn("configData", client.links())
            self.assertTrue(self.manager.is_registered("stranger"))
        finally:
            self.manager.set_gateway_token("")
        self.assertEqual(client.poll().status, 401)

    def test_attributes_come_back_as_sent(self):
        device_id, client = self.device()
        self.assertEqual(self.manager.attributes(device_id), {})
        self.assertIn("configData", client.links())
        self.assertEqual(client.send_attributes({"os": "SLX", "mac": "00:11"}).status, 200)
        self.assertEqual(self.manager.attributes(device_id), {"os": "SLX", "mac": "00:11"})
        self.assertNotIn("configData", client.links())
        self.manager.request_attributes(device_id)
        self.assertIn("configData", client.links())

    def test_the_polling_interval_is_told_to_devices(self):
        _, client = self.device()
        self.manager.set_polling_interval(95)
        self.assertEqual(client.poll().json()["config"]["polling"]["sleep"], "00:01:35")
        with self.assertRaises(ManagerError):
            self.manager.set_polling_interval(5)

    # What is offered

    def test_a_deployment_holds_the_package(self):
        _, client, action = self.assigned()
        offer = client.deployment()
        self.assertEqual(offer["id"], action)
        self.assertEqual((offer["deployment"]["download"], offer["deployment"]["update"]), ("forced", "forced"))
        chunk, = offer["deployment"]["chunks"]
        self.assertEqual(chunk["metadata"], [{"key": "hagent.kind", "value": "script"}])
        artifacts = {entry["filename"]: entry for entry in chunk["artifacts"]}
        self.assertEqual(set(artifacts), {"demo.rsp", "fw~kernel", "manifest.json"})
        kernel = artifacts["fw~kernel"]
        self.assertEqual(kernel["size"], len(SMALL["fw/kernel"]))
        self.assertEqual(kernel["hashes"]["sha256"], hashlib.sha256(SMALL["fw/kernel"]).hexdigest())
        fetched = client.call("GET", kernel["_links"]["download-http"]["href"])
        self.assertEqual(fetched.body, SMALL["fw/kernel"])

    def test_only_the_named_artifacts_are_published(self):
        device_id, client = self.device()
        self.manager.assign(device_id, self.manager.publish(self.package, only=["manifest.json"]))
        chunk, = client.deployment()["deployment"]["chunks"]
        self.assertEqual([entry["filename"] for entry in chunk["artifacts"]], ["manifest.json"])
        with self.assertRaisesRegex(ManagerError, "missing.txt"):
            self.manager.publish(self.package, only=["missing.txt"])

    def test_a_soft_assignment_is_an_attempt(self):
        _, client, _ = self.assigned(kind="soft")
        offer = client.deployment()["deployment"]
        self.assertEqual((offer["download"], offer["update"]), ("attempt", "attempt"))

    def test_download_only_ends_with_the_download(self):
        device_id, client, action = self.assigned(kind="downloadonly")
        offer = client.deployment()["deployment"]
        self.assertEqual((offer["download"], offer["update"]), ("forced", "skip"))
        self.assertEqual(client.report(action, "downloaded").status, 200)
        self.assertEqual(self.manager.action_state(device_id, action), "finished")
        self.assertEqual(client.report(action, "downloaded").status, 410)

    def test_a_closed_window_holds_the_update_back(self):
        _, client, _ = self.assigned(maintenance_window=daily_window(12))
        offer = client.deployment()["deployment"]
        self.assertEqual((offer["download"], offer["update"], offer["maintenanceWindow"]),
                         ("forced", "skip", "unavailable"))

    def test_an_open_window_lets_the_update_go(self):
        _, client, _ = self.assigned(maintenance_window=daily_window(-0.5))
        offer = client.deployment()["deployment"]
        self.assertEqual((offer["download"], offer["update"], offer["maintenanceWindow"]),
                         ("forced", "forced", "available"))

    # Transfer

    def test_a_range_resumes_with_the_bare_etag_only(self):
        _, client, _ = self.assigned()
        artifacts = client.deployment()["deployment"]["chunks"][0]["artifacts"]
        link = next(entry["_links"]["download-http"]["href"] for entry in artifacts
                    if entry["filename"] == "fw~kernel")
        content = SMALL["fw/kernel"]
        etag = client.call("GET", link).headers["ETag"]
        self.assertEqual(etag, hashlib.sha1(content).hexdigest())
        rest = client.call("GET", link, headers={"Range": "bytes=1000-", "If-Range": etag})
        self.assertEqual((rest.status, rest.body), (206, content[1000:]))
        self.assertEqual(rest.headers["Content-Range"], f"bytes 1000-{len(content) - 1}/{len(content)}")
        for other in (f'"{etag}"', "0" * 40):
            whole = client.call("GET", link, headers={"Range": "bytes=1000-", "If-Range": other})
            self.assertEqual((whole.status, whole.body), (200, content))
        beyond = client.call("GET", link, headers={"Range": f"bytes={len(content)}-"})
        self.assertEqual((beyond.status, beyond.headers["Content-Range"]), (416, f"bytes */{len(content)}"))

    def test_a_128_mib_artifact_goes_up_and_comes_down(self):
        device_id, client = self.device()
        large = os.path.join(self.folder.name, "large")
        os.mkdir(large)
        with open(os.path.join(large, "image"), "wb") as out:
            out.truncate(LARGE_BYTES)
            out.seek(LARGE_BYTES - 4)
            out.write(b"last")
        self.manager.assign(device_id, self.manager.publish(large))
        os.remove(os.path.join(large, "image"))
        artifact, = client.deployment()["deployment"]["chunks"][0]["artifacts"]
        self.assertEqual(artifact["size"], LARGE_BYTES)
        end = client.call("GET", artifact["_links"]["download-http"]["href"],
                          headers={"Range": f"bytes={LARGE_BYTES - 8}-"})
        self.assertEqual((end.status, end.body), (206, b"\0\0\0\0last"))

    # Reports and cancelling

    def test_success_is_reported_once(self):
        device_id, client, action = self.assigned()
        self.assertEqual(self.manager.action_state(device_id, action), "pending")
        client.deployment()
        self.assertEqual(self.manager.action_state(device_id, action), "running")
        self.assertEqual(client.report(action, "proceeding", messages=["step 1"]).status, 200)
        self.assertEqual(client.report(action, "closed", "success", ["all done"]).status, 200)
        self.assertEqual(client.report(action, "closed", "success", ["all done"]).status, 410)
        self.assertEqual(self.manager.wait_state(device_id, action, ("finished",), 5), "finished")
        self.assertEqual(self.manager.final_reports(device_id, action), 1)
        self.assertEqual(self.statuses(device_id, action)[-3:], ["retrieved", "running", "finished"])
        final = self.manager.history(device_id, action)[-1]
        self.assertIn("all done", final["messages"])
        self.assertLess(abs(final["at"] / 1000 - time.time()), 60)
        self.assertNotIn("deploymentBase", client.links())

    def test_failure_is_an_error(self):
        device_id, client, action = self.assigned()
        self.assertEqual(client.report(action, "closed", "failure").status, 200)
        self.assertEqual(self.manager.action_state(device_id, action), "error")
        self.assertEqual(self.manager.final_reports(device_id, action), 1)

    def test_an_accepted_cancel_ends_the_action(self):
        device_id, client, action = self.assigned()
        self.manager.cancel(device_id, action)
        self.assertEqual(self.manager.action_state(device_id, action), "canceling")
        links = client.links()
        self.assertNotIn("deploymentBase", links)
        stop = client.call("GET", links["cancelAction"]).json()["cancelAction"]["stopId"]
        self.assertEqual(client.report(stop, "closed", "success", base="cancelAction").status, 200)
        self.assertEqual(self.manager.action_state(device_id, action), "canceled")
        self.assertEqual(self.manager.final_reports(device_id, action), 1)

    def test_a_rejected_cancel_puts_the_action_back(self):
        device_id, client, action = self.assigned()
        self.manager.cancel(device_id, action)
        self.assertEqual(client.report(action, "rejected", base="cancelAction").status, 200)
        self.assertIn("deploymentBase", client.links())
        self.assertIn("cancel_rejected", self.statuses(device_id, action))
        self.assertEqual(self.manager.action_state(device_id, action), "running")
        self.assertEqual(client.report(action, "closed", "success").status, 200)
        self.assertEqual(self.manager.action_state(device_id, action), "finished")

    def test_a_forced_cancel_needs_no_device(self):
        device_id, _, action = self.assigned()
        with self.assertRaises(ManagerError):
            self.manager.cancel(device_id, action, force=True)
        self.manager.cancel(device_id, action)
        self.manager.cancel(device_id, action, force=True)
        self.assertEqual(self.manager.action_state(device_id, action), "canceled")

    def test_a_history_longer_than_a_page_is_read_whole(self):
        device_id, client, action = self.assigned()
        client.deployment()
        for number in range(205):
            self.assertEqual(client.report(action, "proceeding", messages=[f"step {number}"]).status, 200)
        told = [entry["messages"] for entry in self.manager.history(device_id, action)][2:]
        self.assertEqual(told, [[f"step {number}"] for number in range(205)])

    def test_the_same_package_assigned_again_is_a_new_action(self):
        device_id, client = self.device()
        package = self.manager.publish(self.package)
        seen = set()
        for _ in range(3):
            action = self.manager.assign(device_id, package)
            self.assertEqual(client.deployment()["id"], action)
            self.assertEqual(client.report(action, "closed", "success").status, 200)
            seen.add(action)
        self.assertEqual(len(seen), 3)

    # What goes wrong

    def test_wrong_calls_are_refused_in_words(self):
        device_id, _ = self.device()
        package = self.manager.publish(self.package)
        with self.assertRaisesRegex(ManagerError, "sometimes"):
            self.manager.assign(device_id, package, kind="sometimes")
        with self.assertRaisesRegex(ManagerError, "nobody"):
            self.manager.assign("nobody", package)
        with self.assertRaisesRegex(ManagerError, "404"):
            self.manager.history(device_id, "999999")


class ServerEndTest(unittest.TestCase):
    """No server outlives the program that started it, and none fails in silence."""

    def test_the_server_ends_when_its_starter_is_killed(self):
        folder = tempfile.TemporaryDirectory(prefix="hagent-selftest-")
        self.addCleanup(folder.cleanup)
        starter = subprocess.Popen(
            [sys.executable, "-c", "import sys\nsys.path.insert(0, sys.argv[1])\n"
             "from hawkbit.hawkbit_manager import HawkbitManager\nHawkbitManager().start()", LAB],
            env=dict(os.environ, TMPDIR=folder.name))
        self.addCleanup(starter.wait)
        self.addCleanup(starter.kill)

        def log_of_main():
            """the first words of the main class in the server's log"""
            return any(b"HawkbitServer" in log.read_bytes() for log in pathlib.Path(folder.name).glob("*/log"))

        eventually(log_of_main)
        with open(f"/proc/{starter.pid}/task/{starter.pid}/children", encoding="ascii") as children:
            server = int(children.read())
        self.assertTrue(lives(server))
        starter.send_signal(signal.SIGKILL)
        eventually(lambda: not lives(server))

    def test_a_server_that_cannot_start_says_why(self):
        server = server_process.ServerProcess()
        with self.assertRaisesRegex(server_process.ServerError, "HawkbitServer"):
            server.start(provision.Installation(provision.ensure().java, "/nonexistent"))
        self.assertEqual(server.pid, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
