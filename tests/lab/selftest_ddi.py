# SPDX-License-Identifier: Apache-2.0
"""The lab manager answers as hawkBit's DDI v1 does: every rule of the project's notes, asked over HTTP."""

import hashlib
import http.client
import io
import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
import unittest
import urllib.parse

from lab_manager import LabManager
from manager_api import ManagerError
from services import Services

DEVICE, TOKEN = "tc-1", "secret"
BLOB = bytes(range(256)) * 40


class LabCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="hagent-lab-")
        cls.services = Services()
        cls.manager = LabManager(os.path.join(cls.folder, "manager"), cls.services)
        cls.manager.start()
        package = os.path.join(cls.folder, "package")
        os.makedirs(os.path.join(package, "fw"))
        for name, data in (("manifest.json", b'{"package":"demo","version":"1.2"}'), ("fw/big", BLOB), ("a b", b"x")):
            with open(os.path.join(package, name), "wb") as file:
                file.write(data)
        cls.package = cls.manager.publish(package)

    @classmethod
    def tearDownClass(cls):
        cls.services.stop()
        shutil.rmtree(cls.folder)

    def setUp(self):
        """Each test has a device of its own."""
        self.device = f"{DEVICE}-{self._testMethodName[-40:]}"
        self.manager.ensure_device(self.device, TOKEN)
        self.connection = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(self.manager.url).port, timeout=10)
        self.addCleanup(self.connection.close)

    def ask(self, method, path, body=None, token=f"TargetToken {TOKEN}", headers=None):
        """(status, fields, parsed body or bytes); path is below the device, or absolute."""
        if not path.startswith("/DEFAULT") and not path.startswith("/OTHER"):
            path = f"/DEFAULT/controller/v1/{self.device}{path}"
        fields = {**({"Authorization": token} if token else {}), **(headers or {})}
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        self.connection.request(method, path, data, fields)
        answer = self.connection.getresponse()
        content = answer.read()
        if content and answer.headers.get("Content-Type") == "application/json":
            content = json.loads(content)
        return answer.status, answer.headers, content

    def status(self, *arguments, **named):
        return self.ask(*arguments, **named)[0]

    def links(self):
        return self.ask("GET", "")[2].get("_links", {})

    def follow(self, link):
        split = urllib.parse.urlsplit(link["href"])
        return self.ask("GET", split.path + (f"?{split.query}" if split.query else ""))

    def assign(self, **named):
        return self.manager.assign(self.device, self.package, **named)

    def state(self, action):
        return self.manager.action_state(self.device, action)

    def report(self, action, execution="closed", finished="success", where="deploymentBase", **more):
        status = {"execution": execution, "result": {"finished": finished}}
        top = {key: more.pop(key) for key in ("timestamp",) if key in more}
        return self.status("POST", f"/{where}/{action}/feedback", {"status": {**status, **more}, **top})

    def entries(self, action):
        return [entry["status"] for entry in self.manager.history(self.device, action)]


class DdiTest(LabCase):
    def test_a_missing_or_wrong_token_is_401(self):
        for token in (None, "TargetToken wrong", TOKEN, f"targettoken {TOKEN}", "GatewayToken "):
            self.assertEqual(self.status("GET", "", token=token), 401, token)
        self.assertEqual(self.status("GET", f"/OTHER/controller/v1/{self.device}"), 401)
        self.assertEqual(self.status("GET", "/DEFAULT/controller/v1/nobody"), 401)

    def test_a_gateway_token_registers_an_unknown_device(self):
        self.manager.set("gateway_token", "gw")
        self.addCleanup(self.manager.set, "gateway_token", "")
        status, _, body = self.ask("GET", "/DEFAULT/controller/v1/fresh", token="GatewayToken gw")
        self.assertEqual(status, 200)
        self.assertIn("configData", body["_links"])

    def test_a_poll_tells_the_time_and_asks_for_attributes_until_they_come(self):
        status, _, body = self.ask("GET", "")
        self.assertEqual((status, body["config"]["polling"]["sleep"]), (200, "00:00:02"))
        self.assertEqual(list(body["_links"]), ["configData"])
        self.assertTrue(body["_links"]["configData"]["href"].startswith(self.manager.url))
        self.assertEqual(self.status("PUT", "/configData", {"mode": "merge", "data": {"os": "SLX"}}), 200)
        self.assertNotIn("_links", self.ask("GET", "")[2])
        self.assertEqual(self.manager.attributes(self.device), {"os": "SLX"})

    def test_attributes_merge_replace_and_remove(self):
        for mode, data, wanted in ((None, {"a": "1", "b": "2"}, {"a": "1", "b": "2"}), ("merge", {"c": "3"}, {"a": "1", "b": "2", "c": "3"}),
                                   ("remove", {"a": ""}, {"b": "2", "c": "3"}), ("replace", {"z": ""}, {"z": ""})):
            self.assertEqual(self.status("PUT", "/configData", {**({"mode": mode} if mode else {}), "data": data}), 200)
            self.assertEqual(self.manager.attributes(self.device), wanted)

    def test_bad_attributes_are_400_and_too_many_429(self):
        for data in ({"k": "v" * 129}, {"k" * 129: "v"}, {"k": "\u00e9"}, {"k": 1}, {"": "v"}, ["k"], None):
            self.assertEqual(self.status("PUT", "/configData", {"data": data}), 400, data)
        self.assertEqual(self.status("PUT", "/configData", {"mode": "add", "data": {}}), 400)
        self.assertEqual(self.status("PUT", "/configData", {"data": {f"k{n}": "v" for n in range(101)}}), 429)

    def test_an_unchanged_answer_is_304(self):
        etag = self.ask("GET", "")[1]["ETag"]
        self.assertRegex(etag, r'^"[0-9a-f]+"$')
        self.assertEqual(self.status("GET", "", headers={"If-None-Match": etag}), 304)
        self.assign()
        self.assertEqual(self.status("GET", "", headers={"If-None-Match": etag}), 200)

    def test_a_deployment_names_its_files_and_becomes_retrieved(self):
        action = self.assign()
        self.assertEqual(self.state(action), "pending")
        status, _, body = self.follow(self.links()["deploymentBase"])
        self.assertEqual((status, body["id"], self.state(action)), (200, action, "running"))
        job = body["deployment"]
        self.assertEqual((job["download"], job["update"]), ("forced", "forced"))
        self.assertNotIn("maintenanceWindow", job)
        chunk = job["chunks"][0]
        self.assertEqual((chunk["part"], chunk["name"], chunk["version"]), ("os", "demo", "1.2"))
        self.assertEqual(chunk["metadata"], [{"key": "hagent.kind", "value": "script"}])
        self.assertEqual([item["filename"] for item in chunk["artifacts"]], ["a b", "fw~big", "manifest.json"])
        big = chunk["artifacts"][1]
        self.assertEqual((big["size"], big["hashes"]["sha256"]), (len(BLOB), hashlib.sha256(BLOB).hexdigest()))
        self.assertTrue(big["_links"]["download-http"]["href"].endswith("/fw%7Ebig"))
        self.assertEqual(self.follow(chunk["artifacts"][0]["_links"]["download-http"])[2], b"x")

    def test_soft_and_download_only_are_told(self):
        self.assign(kind="soft")
        job = self.follow(self.links()["deploymentBase"])[2]["deployment"]
        self.assertEqual((job["download"], job["update"]), ("attempt", "attempt"))
        action = self.assign(kind="downloadonly")
        self.assertEqual(self.status("POST", f"/cancelAction/{int(action) - 1}/feedback",
                                     {"status": {"execution": "closed", "result": {"finished": "success"}}}), 200)
        job = self.follow(self.links()["deploymentBase"])[2]["deployment"]
        self.assertEqual((job["download"], job["update"]), ("forced", "skip"))
        self.assertEqual(self.report(action, "downloaded", "none"), 200)
        self.assertEqual(self.report(action), 410)
        self.assertEqual(self.state(action), "finished")
        self.assertIn("configData", self.links())

    def test_only_closed_ends_a_deployment(self):
        action = self.assign()
        for execution, entry in (("proceeding", "running"), ("scheduled", "running"), ("resumed", "running"), ("download", "download"),
                                 ("downloaded", "downloaded"), ("rejected", "warning"), ("canceled", "canceled")):
            self.assertEqual(self.report(action, execution, "none"), 200)
            self.assertEqual(self.entries(action)[-1], entry)
            self.assertIn("deploymentBase", self.links())
        self.assertEqual(self.report(action, "closed", "none"), 200)
        self.assertEqual(self.state(action), "finished")
        self.assertEqual(self.report(action), 410)
        self.assertIn("installedBase", self.links())
        self.assertEqual(self.follow(self.links()["installedBase"])[2]["id"], action)

    def test_closed_failure_is_an_error(self):
        action = self.assign()
        self.assertEqual(self.report(action, "closed", "failure", code=7, details=["step 3 failed"]), 200)
        self.assertEqual((self.state(action), self.manager.final_reports(self.device, action)), ("error", 1))
        self.assertNotIn("installedBase", self.links())
        self.assertEqual(self.manager.history(self.device, action)[-1]["messages"], ["step 3 failed"])

    def test_a_timestamp_behind_the_last_one_leaves_the_installed_set(self):
        first = self.assign()
        self.report(first)
        second = self.assign()
        self.assertEqual(self.report(second, timestamp=1000), 200)
        self.assertEqual(self.state(second), "finished")
        self.assertTrue(self.links()["installedBase"]["href"].endswith(f"/{first}"))

    def test_malformed_feedback_is_400(self):
        action = self.assign()
        good = {"execution": "closed", "result": {"finished": "success"}}
        for body in ("", "{", "[]", {}, {"status": {}}, {"status": {**good, "execution": "done"}}, {"status": {"execution": "closed"}},
                     {"status": {**good, "result": {"finished": "yes"}}}, {"status": {**good, "code": "7"}},
                     {"status": {**good, "details": "text"}}, {"status": {**good, "details": ["a <b> c"]}}):
            self.assertEqual(self.status("POST", f"/deploymentBase/{action}/feedback", body), 400, body)
        self.assertEqual(self.state(action), "pending")
        self.assertEqual(self.status("POST", f"/deploymentBase/{action}/feedback", {"id": 1, "time": "", "status": good}), 200)

    def test_fifty_messages_are_taken_after_splitting_at_512_characters(self):
        action = self.assign()
        self.assertEqual(self.report(action, "proceeding", "none", details=["x"] * 50), 200)
        self.assertEqual(self.report(action, "proceeding", "none", details=["x"] * 51), 429)
        self.assertEqual(self.report(action, "proceeding", "none", details=["x" * 513] * 25), 200)
        self.assertEqual(self.report(action, "proceeding", "none", details=["x" * 513] * 26), 429)
        self.assertEqual({len(text) for text in self.manager.history(self.device, action)[-1]["messages"]}, {512, 1})

    def test_a_thousand_entries_are_enough_but_the_final_report_is_taken(self):
        action = self.assign()
        with sqlite3.connect(os.path.join(self.folder, "manager", "lab.sqlite")) as database:
            database.executemany("INSERT INTO entries(action,status,messages,by_server,at) VALUES(?,'RUNNING','[]',0,0)", [(int(action),)] * 1000)
        database.close()
        self.assertEqual(self.report(action, "proceeding", "none"), 429)
        self.assertEqual(self.report(action), 200)

    def test_a_cancel_is_offered_instead_of_the_job_and_closed_ends_it(self):
        action = self.assign()
        self.assertEqual(self.status("GET", f"/cancelAction/{action}"), 404)
        self.assertEqual(self.report(action, where="cancelAction"), 405)
        self.manager.cancel(self.device, action)
        self.assertEqual(set(self.links()) - {"configData"}, {"cancelAction"})
        self.assertEqual(self.follow(self.links()["cancelAction"])[2], {"id": action, "cancelAction": {"stopId": action}})
        self.assertEqual(self.status("GET", f"/deploymentBase/{action}"), 404)
        self.assertEqual(self.report(action, "canceled", "none", where="cancelAction"), 200)
        self.assertEqual(self.report(action, "proceeding", "none", where="cancelAction"), 200)
        self.assertEqual(self.state(action), "canceling")
        self.assertEqual(self.report(action, where="cancelAction"), 200)
        self.assertEqual((self.state(action), self.manager.final_reports(self.device, action)), ("canceled", 1))
        self.assertEqual(self.report(action), 410)

    def test_a_refused_cancel_brings_the_job_back(self):
        action = self.assign()
        for execution, finished in (("rejected", "none"), ("closed", "failure")):
            self.manager.cancel(self.device, action)
            self.assertEqual(self.report(action, execution, finished, where="cancelAction"), 200)
            self.assertIn("deploymentBase", self.links())
        self.assertIn("cancel_rejected", self.entries(action))

    def test_a_job_being_cancelled_may_still_succeed(self):
        action = self.assign()
        self.manager.cancel(self.device, action)
        self.assertEqual(self.report(action), 200)
        self.assertEqual(self.state(action), "finished")

    def test_force_needs_a_cancel_before_it(self):
        action = self.assign()
        with self.assertRaises(ManagerError):
            self.manager.cancel(self.device, action, force=True)
        self.manager.cancel(self.device, action)
        self.manager.cancel(self.device, action, force=True)
        self.assertEqual(self.state(action), "canceled")

    def test_a_newer_assignment_cancels_the_older(self):
        first = self.assign()
        self.assign()
        self.assertEqual(self.state(first), "canceling")
        self.assertIn("cancelAction", self.links())

    def test_the_heavier_and_older_action_comes_first(self):
        self.manager.set("multi_assignment", True)
        self.addCleanup(self.manager.set, "multi_assignment", False)
        self.assign()
        heavy = self.manager.call("POST", "actions", {"device": self.device, "modules": [self.package], "weight": 1001})["id"]
        self.assertIn(f"/{heavy}?", self.links()["deploymentBase"]["href"])

    def test_other_devices_actions_and_unknown_paths_are_404(self):
        action = self.assign()
        self.manager.ensure_device("other", TOKEN)
        self.assertEqual(self.status("GET", f"/DEFAULT/controller/v1/other/deploymentBase/{action}"), 404)
        for path in ("/deploymentBase/999999", "/deploymentBase/abc", "/installedBase/1", "/nothing", f"/deploymentBase/{action}/more"):
            self.assertEqual(self.status("GET", path), 404, path)
        status, fields, _ = self.ask("DELETE", f"/deploymentBase/{action}")
        self.assertEqual((status, fields["Allow"]), (405, "GET"))

    def test_confirmation_is_asked_first(self):
        action = self.manager.assign(self.device, self.package, confirmation=True)
        self.assertIn("confirmationBase", self.links())
        self.assertIn("confirmation", self.follow(self.links()["confirmationBase"])[2])
        self.assertEqual(self.status("GET", f"/deploymentBase/{action}"), 404)
        self.assertEqual(self.report(action), 404)
        self.assertEqual(self.status("POST", f"/confirmationBase/{action}/feedback", {"confirmation": "denied"}), 200)
        self.assertIn("confirmationBase", self.links())
        self.assertEqual(self.status("POST", f"/confirmationBase/{action}/feedback", {"confirmation": "perhaps"}), 400)
        self.assertEqual(self.status("POST", f"/confirmationBase/{action}/feedback", {"confirmation": "confirmed"}), 200)
        self.assertIn("deploymentBase", self.links())
        self.assertEqual(self.status("POST", f"/confirmationBase/{action}/feedback", {"confirmation": "confirmed"}), 404)
        self.report(action)
        self.assertEqual(self.status("POST", f"/confirmationBase/{action}/feedback", {"confirmation": "confirmed"}), 410)

    def test_auto_confirm_confirms_what_waits_and_what_comes(self):
        self.manager.assign(self.device, self.package, confirmation=True)
        self.assertEqual(self.ask("GET", "/confirmationBase")[2]["autoConfirm"], {"active": False})
        self.assertEqual(self.status("POST", "/confirmationBase/activateAutoConfirm", {"initiator": "device"}), 200)
        self.assertEqual(self.status("POST", "/confirmationBase/activateAutoConfirm", {}), 409)
        self.assertIn("deploymentBase", self.links())
        base = self.ask("GET", "/confirmationBase")[2]
        self.assertEqual((base["autoConfirm"]["active"], base["autoConfirm"]["initiator"]), (True, "device"))
        self.assertIn("deactivateAutoConfirm", base["_links"])
        self.assertEqual(self.status("POST", "/confirmationBase/deactivateAutoConfirm"), 200)

    def test_a_closed_window_lets_download_and_not_update(self):
        now = time.gmtime(time.time() - 7200)
        closed = {"schedule": f"0 {now.tm_min} {now.tm_hour} * * ?", "duration": "00:30:00", "timezone": "+00:00"}
        self.assign(maintenance_window=closed)
        first = self.links()["deploymentBase"]["href"]
        job = self.follow({"href": first})[2]["deployment"]
        self.assertEqual((job["download"], job["update"], job["maintenanceWindow"]), ("forced", "skip", "unavailable"))
        action = self.assign(maintenance_window={**closed, "duration": "03:00:00"})
        self.manager.cancel(self.device, int(action) - 1, force=True)
        job = self.follow(self.links()["deploymentBase"])[2]["deployment"]
        self.assertEqual((job["update"], job["maintenanceWindow"]), ("forced", "available"))

    def test_a_lapsed_window_cancels_the_action(self):
        action = self.assign(maintenance_window={"schedule": "0 0 3 1 1 ? 2020", "duration": "01:00:00", "timezone": "+00:00"})
        self.assertIn("cancelAction", self.links())
        self.assertEqual(self.state(action), "canceling")

    def test_the_action_history_holds_the_devices_texts_newest_first(self):
        action = self.assign()
        for text in ("one", "two"):
            self.report(action, "proceeding", "none", details=[text])
        self.assertNotIn("actionHistory", self.ask("GET", f"/deploymentBase/{action}")[2])
        self.assertEqual(self.ask("GET", f"/deploymentBase/{action}?actionHistory=-1")[2]["actionHistory"]["messages"], ["two", "one"])
        self.assertEqual(self.ask("GET", f"/deploymentBase/{action}?actionHistory=1")[2]["actionHistory"]["messages"], ["two"])

    def test_the_device_can_tell_what_is_installed(self):
        body = {"name": "demo", "version": "1.2"}
        self.assertEqual(self.status("PUT", "/installedBase", body), 201)
        self.assertEqual(self.status("PUT", "/installedBase", body), 200)
        self.assertEqual(self.status("PUT", "/installedBase", {"name": "demo"}), 400)

    def test_artifacts_come_whole_in_parts_and_not_after_the_end(self):
        action = self.assign()
        path = f"/softwaremodules/{self.package}/artifacts/fw%7Ebig"
        status, fields, body = self.ask("GET", path)
        etag = fields["ETag"]
        self.assertEqual((status, body, etag), (200, BLOB, hashlib.sha1(BLOB).hexdigest()))
        self.assertEqual(fields["Accept-Ranges"], "bytes")
        self.assertEqual(self.entries(action)[-1], "download")
        before = len(self.entries(action))
        status, fields, body = self.ask("GET", path, headers={"Range": "bytes=100-", "If-Range": etag})
        self.assertEqual((status, body, fields["Content-Range"]), (206, BLOB[100:], f"bytes 100-{len(BLOB) - 1}/{len(BLOB)}"))
        self.assertEqual(self.status("GET", path, headers={"Range": "bytes=100-", "If-Range": f'"{etag}"'}), 200)
        status, fields, _ = self.ask("GET", path, headers={"Range": f"bytes={len(BLOB)}-"})
        self.assertEqual((status, fields["Content-Range"]), (416, f"bytes */{len(BLOB)}"))
        self.assertEqual(self.ask("GET", path, headers={"Range": f"bytes=5-{len(BLOB) * 2}"})[2], BLOB[5:])
        self.assertEqual(self.status("GET", path, headers={"If-Match": "other"}), 412)
        status, fields, body = self.ask("GET", path, headers={"Range": "bytes=0-1,4-5"})
        self.assertEqual((status, body.count(b"Content-Range")), (206, 2))
        self.assertEqual(len(self.entries(action)), before)
        status, fields, body = self.ask("HEAD", path)
        self.assertEqual((status, fields["Content-Length"], body), (200, str(len(BLOB)), b""))
        text = f"{hashlib.md5(BLOB).hexdigest()}  fw~big".encode()
        self.assertEqual(self.ask("GET", f"{path}.MD5SUM")[2], text)
        self.assertEqual(len(self.ask("GET", f"/softwaremodules/{self.package}/artifacts")[2]), 3)
        self.assertEqual(self.status("GET", f"/softwaremodules/{self.package}/artifacts/none"), 404)
        self.report(action)
        self.assertEqual(self.status("GET", path), 404)

    def test_artifacts_of_other_modules_are_404(self):
        self.assertEqual(self.status("GET", f"/softwaremodules/{self.package}/artifacts"), 404)


class ManagementTest(LabCase):
    def raw(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")

    def test_the_page_lists_devices_jobs_and_reports_and_hides_markup(self):
        action = self.assign()
        self.ask("PUT", "/configData", {"data": {"name": "<script>"}})
        self.report(action, "closed", "failure", details=["the reason & more"])
        status, page = self.raw("GET", "/")
        self.assertEqual(status, 200)
        for text in (self.device, "demo 1.2", "the reason &amp; more", "&lt;script&gt;"):
            self.assertIn(text, page)
        self.assertNotIn("http://", page)

    def test_changes_need_the_token_and_a_loopback_name(self):
        self.assertEqual(self.raw("PUT", "/manage/devices/x", "{}")[0], 401)
        self.assertEqual(self.raw("POST", "/form/assign", "token=wrong&device=x&module=1")[0], 401)
        self.assertEqual(self.raw("GET", "/", headers={"Host": "rebound.example"})[0], 403)

    def test_rules_are_set_on_the_page_and_give_a_device_its_job(self):
        self.addCleanup(self.manager.default_configuration, [])
        token = re.search(r'name="token" value="(\w+)"', self.raw("GET", "/")[1])[1]
        self.assertEqual(self.raw("POST", "/form/rules", f"token=wrong&configuration={self.package}")[0], 401)
        self.assertEqual(self.raw("POST", "/form/rules", f"token={token}&release=&configuration={self.package}&enforce=on")[0], 303)
        page = self.raw("GET", "/")[1]
        self.assertIn(f'<option value="{self.package}" selected>demo 1.2', page)
        self.assertIn('name="enforce" checked', page)
        self.assertNotIn("deploymentBase", self.links(), "it has not told its attributes yet")
        self.ask("PUT", "/configData", {"data": {"agent.version": "1.0.0.0"}})
        self.assertIn("deploymentBase", self.links())

    def test_a_module_takes_fifty_artifacts_as_in_hawkbit(self):
        module = self.manager.call("POST", "modules", {"name": "many", "version": "1"})["id"]
        for n in range(50):
            self.manager.call("PUT", f"modules/{module}/artifacts/{n}", stream=io.BytesIO(b"x"), length=1)
        with self.assertRaisesRegex(ManagerError, "50 artifacts"):
            self.manager.call("PUT", f"modules/{module}/artifacts/50", stream=io.BytesIO(b"x"), length=1)

    def test_state_outlives_a_restart(self):
        action = self.assign()
        url = self.manager.url
        self.manager.stop()
        self.connection.close()
        self.assertEqual(self.manager.start(), url)
        self.assertIn(f"/{action}?", self.links()["deploymentBase"]["href"])
