# SPDX-License-Identifier: Apache-2.0
"""`check-in --once` against the lab manager: draining, refusing, waiting for permission, ids that begin again, confirmation, fail-over."""

import datetime
import json
import os
import signal
import unittest

from kit import DONE, FACTOR, FAILED, TRY_LATER, BoxTest, own_port, wait_until

from lab_manager import LabManager

TOKEN = "0123456789abcdef"
DEVICE = "test-1"
SCRIPT = '[Version]\nNumber=test\nOS=SLX\n[Script]\nEX "/bin/true" "+"\nAL "{root}/{file}" "done"\n'


def closed_window():
    """A daily maintenance window that opens about twelve hours from now."""
    hour = (datetime.datetime.now(datetime.timezone.utc).hour + 12) % 24
    return {"schedule": f"0 0 {hour} * * ?", "duration": "01:00:00", "timezone": "+00:00"}


class CheckInTest(BoxTest):
    def setUp(self):
        super().setUp()
        self.manager = self.new_manager("manager")
        self.setting = {"urls": [self.manager.url], "target_token_file": self.box.write("token", TOKEN), "interval_s": 3600, "spread_s": 0}
        self.box.configure(manager=self.setting)
        self.key = self.box.trusted_key()

    def new_manager(self, folder):
        path = self.box.path(folder)
        os.mkdir(path)
        manager = LabManager(path, self.box.services)
        manager.start()
        self.addCleanup(manager.stop)
        manager.ensure_device(DEVICE, TOKEN)
        manager.set("multi_assignment", True)
        return manager

    def package(self, name, serial, script=SCRIPT):
        return self.box.script_package(name, serial, script.format(root=self.box.root, file=name), self.key)

    def assign(self, folder, manager=None, **more):
        manager = manager or self.manager
        return manager.assign(DEVICE, manager.publish(folder), **more)

    def check_in(self, status=DONE):
        done = self.box.run("check-in", "--once", timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def made(self, name):
        return os.path.exists(os.path.join(self.box.root, name))

    def state(self, action, manager=None):
        return (manager or self.manager).action_state(DEVICE, action)

    def test_one_check_in_registers_and_sends_attributes(self):
        self.check_in()
        attributes = self.manager.attributes(DEVICE)
        self.assertEqual((attributes["device.id"], attributes["os.code"]), (DEVICE, "SLX"))
        self.assertIn("agent.version", attributes)
        self.assertEqual("required, 1 key", attributes["agent.trust"])
        self.assertNotIn("session.last", attributes)
        self.assertNotIn("image.slot", attributes)
        self.assign(self.package("told", 1))
        self.check_in()
        self.assertRegex(self.manager.attributes(DEVICE)["session.last"], r"^000001 .*, job \d+$")
        device = json.loads(self.box.run("status", "--json").stdout)["device"]
        self.assertEqual(self.manager.attributes(DEVICE)["session.last"], device["session.last"])

    def test_every_job_that_is_offered_is_done_in_one_check_in(self):
        actions = [self.assign(self.package(f"p{n}", n)) for n in range(1, 4)]
        self.check_in()
        for n, action in enumerate(actions, 1):
            self.assertEqual(self.state(action), "finished")
            self.assertEqual(self.manager.final_reports(DEVICE, action), 1)
            self.assertTrue(self.made(f"p{n}"))

    def test_a_job_of_another_kind_is_closed_as_failed_and_hides_no_other(self):
        module = self.manager.call("POST", "modules", {"name": "x", "version": "1", "metadata": {"hagent.kind": "coffee"}})["id"]
        self.manager.call("PUT", f"modules/{module}/artifacts/x.rsp", stream=b"x", length=1)
        odd = self.manager.assign(DEVICE, module)
        good = self.assign(self.package("good", 1))
        self.check_in()
        self.assertEqual((self.state(odd), self.state(good)), ("error", "finished"))
        self.assertIn("coffee", json.dumps(self.manager.history(DEVICE, odd)))

    def test_a_failed_job_is_reported_and_the_command_says_so(self):
        action = self.assign(self.package("bad", 1, SCRIPT.replace("/bin/true", "/bin/false")))
        self.check_in(FAILED)
        self.assertEqual(self.state(action), "error")
        self.assertFalse(self.made("bad"))

    def test_a_closed_maintenance_window_downloads_and_waits_and_a_forced_cancel_ends_that(self):
        action = self.assign(self.package("later", 1), maintenance_window=closed_window())
        self.check_in()
        self.assertFalse(self.made("later"))
        self.assertIn("downloaded", [entry["status"] for entry in self.manager.history(DEVICE, action)])
        self.manager.cancel(DEVICE, action)
        self.manager.cancel(DEVICE, action, force=True)
        self.check_in()
        self.assertFalse(self.made("later"))
        self.assertEqual(self.manager.final_reports(DEVICE, action), 1)
        sessions = json.loads(self.box.run("sessions", "--json").stdout)["sessions"]
        self.assertNotIn(None, [session["ended"] for session in sessions])

    def test_a_cancel_before_the_beginning_is_honoured(self):
        action = self.assign(self.package("never", 1))
        self.manager.cancel(DEVICE, action)
        self.check_in()
        self.assertEqual(self.state(action), "canceled")
        self.assertFalse(self.made("never"))

    def test_download_only_ends_with_the_download(self):
        action = self.assign(self.package("only", 1), kind="downloadonly")
        self.check_in()
        self.assertEqual(self.state(action), "finished")
        self.assertFalse(self.made("only"))

    def test_a_job_that_waits_for_confirmation_is_confirmed_and_done(self):
        action = self.assign(self.package("asked", 1), confirmation=True)
        self.check_in()
        self.assertEqual(self.state(action), "finished")

    def test_a_manager_that_was_set_up_anew_gets_its_job_done_though_the_id_is_known(self):
        first = self.assign(self.package("one", 1))
        self.check_in()
        other = self.new_manager("anew")
        self.box.configure(manager={**self.setting, "urls": [other.url]})
        second = self.assign(self.package("two", 2), other)
        self.assertEqual(first, second)
        self.check_in()
        self.assertEqual(self.state(second, other), "finished")
        self.assertTrue(self.made("two"))

    def test_a_wrong_token_is_said_in_plain_words(self):
        self.box.write("token", "ffffffffffffffff")
        done = self.box.run("check-in", "--once")
        self.assertNotEqual(done.returncode, DONE)
        self.assertIn("token", done.stderr)

    def test_a_dead_first_address_does_not_keep_the_job_away(self):
        self.box.configure(manager={**self.setting, "urls": [f"http://127.0.0.1:{own_port()}/", self.manager.url]})
        action = self.assign(self.package("over", 1))
        self.check_in()
        self.assertEqual(self.state(action), "finished")

    def test_no_manager_at_all_is_a_temporary_failure(self):
        self.box.configure(manager={**self.setting, "urls": [f"http://127.0.0.1:{own_port()}/"]})
        self.check_in(TRY_LATER)

    def test_a_result_survives_a_manager_that_is_down(self):
        slow = 'EX "/bin/sleep 3" "+"'
        action = self.assign(self.package("kept", 1, SCRIPT.replace('EX "/bin/true" "+"', slow)))
        agent = self.box.daemon()
        wait_until(lambda: any("plan" in text for entry in self.manager.history(DEVICE, action) for text in entry["messages"]),
                   30 * FACTOR, "the job is under way")
        self.manager.stop()
        wait_until(lambda: self.made("kept"), 30 * FACTOR, "the job is done")
        self.manager.start()
        self.assertEqual(self.box.run("check-in").returncode, DONE)
        self.manager.wait_state(DEVICE, action, ("finished",), 30 * FACTOR)
        self.assertEqual(self.manager.final_reports(DEVICE, action), 1)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(20), 0)


if __name__ == "__main__":
    unittest.main()
