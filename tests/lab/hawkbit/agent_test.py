#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent judged by a real hawkBit: what its own action histories say after each story. `HAGENT_BUILD=build/dev ./agent_test.py`.

One server for all stories, a device and an agent for each. The server tells devices to wait five minutes, so the agents are asked to
check in, as an administrator would do it.
"""

import datetime
import json
import os
import random
import sys
import time
import unittest

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [LAB, os.path.join(os.path.dirname(LAB), "integration")]

from kit import DONE, FACTOR, FAILED, Box, BoxTest, binary, wait_until  # noqa: E402
from demo_package import PROGRAMS, WAIT_PROGRAM, snapshot  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from hawkbit.ddi_client import DdiClient  # noqa: E402
from hawkbit.hawkbit_manager import HawkbitManager  # noqa: E402
from hawkbit.system_stories import SystemStories  # noqa: E402
from manager_api import FINAL_STATES, ManagerError  # noqa: E402

TOKEN, HOUSE_TOKEN = "a-token-of-the-device", "the-token-of-the-house"
BLOB_BYTES = 2 << 20
HEAD = "[Version]\nNumber=1\nOS=SLX\n[Script]\n"
LINE = 'AL "{root}/order" "{name}"\n'                            # what was done, in order
WAIT = 'EX "{root}/{wait} {root}/go {root}/starts" "+" "300"\n'  # starts once in its life, and ends when `go` is there
BLOB = 'SF "<regroot>/blob" "{root}/blob"\n'
DEADLINE_S = 60 * FACTOR

manager: HawkbitManager


def setUpModule():
    global manager
    binary()  # without one there is nothing to start a server for
    manager = HawkbitManager(say=print)
    unittest.addModuleCleanup(manager.stop)
    manager.start()


def window(opens, lasts="00:10:00"):
    """A maintenance window that opens once, at this time."""
    at = datetime.datetime.fromtimestamp(opens, datetime.timezone.utc)
    return {"schedule": f"{at.second} {at.minute} {at.hour} {at.day} {at.month} ? {at.year}", "duration": lasts, "timezone": "+00:00"}


class Device:
    """One agent and its box; all that it says to the server passes a proxy that can break it."""

    def __init__(self, name):
        self.name, self.box, self.serial, self.sections = name, Box(), 0, {}
        self.proxy = self.box.services.add(FaultProxy(self._server_port()))
        self.key = self.box.trusted_key()
        self.box.write(f"root/{WAIT_PROGRAM}", PROGRAMS[WAIT_PROGRAM], 0o700)

    @staticmethod
    def _server_port():
        return int(manager.url.rstrip("/").rpartition(":")[2])

    def log_in(self, **secret):
        self.box.configure(device={"id": self.name}, transfer={"attempts": 1000, "backoff_base_ms": 100, "backoff_cap_ms": 500},
                           manager={"urls": [f"http://127.0.0.1:{self.proxy.port}/"], "interval_s": 3600, "spread_s": 0, **secret},
                           **self.sections)

    def server_moved(self):
        self.proxy.target = self._server_port()

    # jobs at the server -------------------------------------------------------------------------------------------
    def package(self, name, script, blob=False):
        self.serial += 1
        if blob:
            self.box.write(f"{name}/blob", random.Random(self.serial).randbytes(BLOB_BYTES))
        text = HEAD + script.format(root=self.box.root, wait=WAIT_PROGRAM, name=name)
        return manager.publish(self.box.script_package(name, self.serial, text, self.key))

    def assign(self, name, script=LINE, blob=False, **how):
        """The id of a new action."""
        return manager.assign(self.name, self.package(name, script, blob), **how)

    def cancel(self, action):
        manager.cancel(self.name, action)

    def state(self, action):
        return manager.action_state(self.name, action)

    def statuses(self, action):
        return [entry["status"] for entry in manager.history(self.name, action)]

    def finals(self, action):
        return manager.final_reports(self.name, action)

    def told(self, action):
        return " | ".join(text for entry in manager.history(self.name, action) for text in entry["messages"])

    # the agent ----------------------------------------------------------------------------------------------------
    def until(self, condition, what):
        """Waits for the condition; the agent that runs is asked to check in every other second."""
        asked = [time.monotonic()]

        def nudged():
            if time.monotonic() - asked[0] > 2:
                self.box.run("check-in")
                asked[0] = time.monotonic()
            return condition()
        return wait_until(nudged, DEADLINE_S, f"{self.name}: {what}", every_s=0.1)

    def until_over(self, action):
        return self.until(lambda: self.state(action) in FINAL_STATES and self.state(action), f"the end of action {action}")

    def until_program_waits(self):
        wait_until(lambda: self.lines("starts"), DEADLINE_S, f"{self.name}: the start of the program")

    def let_program_end(self):
        self.box.write("root/go", "")

    def lines(self, name):
        try:
            with open(os.path.join(self.box.root, name), encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def done(self):
        """What was done to the device, in order."""
        return self.lines("order")

    def sessions(self):
        return json.loads(self.box.run("sessions", "--json").stdout)["sessions"]

    def ended(self):
        """Every session is over, so their results are in the queue at least."""
        return all(session["ended"] for session in self.sessions())

    def reports_queued(self):
        return json.loads(self.box.run("status", "--json").stdout)["reports_queued"]


class StoryTest(BoxTest):
    def device(self, name="", known=True, **sections):
        """A device of this story. Unless it is `known` at the server, it has nothing to log in with either."""
        device = Device(self._testMethodName.replace("_", "-") + name)
        device.sections = sections
        self.addCleanup(device.box.close)
        if known:
            manager.ensure_device(device.name, TOKEN)
            device.log_in(target_token_file=device.box.write("token", TOKEN))
        return device

    def setUp(self):
        """A box comes with each device."""

    def check_in(self, device, code=DONE, *words):
        """All that there is to do, in one go."""
        return self.expect(device.box.run("check-in", "--once", timeout=90), code, *words)

    def assert_over(self, device, action, state, finals=1):
        self.assertEqual((state, finals), (device.state(action), device.finals(action)), manager.history(device.name, action))


class AgentTest(StoryTest):
    # Who may talk

    def test_registers_with_its_own_token_and_sends_attributes(self):
        device = self.device()
        self.assertFalse(manager.is_registered(device.name))
        device.log_in(target_token_file=device.box.write("wrong", "another"))
        refused = device.box.run("check-in", "--once")
        self.assertNotEqual(DONE, refused.returncode)
        self.assertIn("token", refused.stderr)
        self.assertFalse(manager.is_registered(device.name))
        device.log_in(target_token_file=device.box.path("token"))
        self.check_in(device)
        self.assertTrue(manager.is_registered(device.name))
        attributes = manager.attributes(device.name)
        self.assertEqual((device.name, "SLX"), (attributes["device.id"], attributes["os.code"]))

    def test_attributes_that_the_operator_asks_for_are_sent_again(self):
        device = self.device()
        agent = device.box.daemon()
        device.until(lambda: manager.attributes(device.name), "its attributes")
        manager.request_attributes(device.name)
        self.assertTrue(manager.attributes_requested(device.name))
        device.until(lambda: not manager.attributes_requested(device.name), "its attributes once more")
        self.assertTrue(agent.alive())

    def test_attributes_that_find_no_room_keep_no_job_away(self):
        device = self.device()
        full = {f"of another program {n}": "x" for n in range(100)}
        self.assertEqual(200, DdiClient(manager.url, device.name, TOKEN).send_attributes(full).status)
        action = device.assign("anyway")
        self.check_in(device)
        self.assert_over(device, action, "finished")
        self.assertEqual(full, manager.attributes(device.name))

    def test_the_token_of_the_house_registers_a_stranger_who_then_gets_his_job(self):
        device = self.device(known=False)
        device.log_in(gateway_token_file=device.box.write("house", HOUSE_TOKEN))
        manager.set_gateway_token(HOUSE_TOKEN)
        self.addCleanup(manager.set_gateway_token, "")
        self.check_in(device)
        self.assertTrue(manager.is_registered(device.name))
        self.assertEqual(device.name, manager.attributes(device.name)["device.id"])
        action = device.assign("welcome")
        self.check_in(device)
        self.assert_over(device, action, "finished")
        self.assertEqual(["welcome"], device.done())

    # Kinds of assignment

    def test_forced_and_soft_jobs_are_done_and_told_step_by_step(self):
        device = self.device()
        for kind in ("forced", "soft"):
            action = device.assign(kind, kind=kind)
            self.assertEqual("pending", device.state(action))
            self.check_in(device)
            self.assert_over(device, action, "finished")
            statuses = device.statuses(action)
            self.assertEqual(["running", "retrieved"], statuses[:2])
            self.assertEqual("finished", statuses[-1])
            self.assertIn("1 of 1 step done", device.told(action))
        self.assertEqual(["forced", "soft"], device.done())

    def test_download_only_fetches_everything_and_does_nothing(self):
        device = self.device()
        action = device.assign("only", BLOB + LINE, blob=True, kind="downloadonly")
        self.check_in(device)
        self.assertEqual("downloaded", device.statuses(action)[-1])
        self.assert_over(device, action, "finished", finals=0)
        self.assertGreaterEqual(device.proxy.bytes_of("blob"), BLOB_BYTES)
        self.assertEqual([], device.done())
        later = device.assign("then", BLOB + LINE, blob=True)
        self.check_in(device)
        self.assert_over(device, later, "finished")
        self.assertEqual(["then"], device.done())
        self.assertTrue(device.ended(), "what waited for permission to execute is still kept")
        self.assert_over(device, action, "finished", finals=0)

    def test_a_failing_script_is_an_error_with_its_reason(self):
        device = self.device()
        action = device.assign("bad", 'EX "/bin/false" "+"\n' + LINE)
        self.check_in(device, FAILED)
        self.assert_over(device, action, "error")
        self.assertIn("what to do:", device.told(action))
        self.assertEqual([], device.done())

    def test_a_package_that_was_changed_after_signing_is_an_error(self):
        device = self.device()
        device.package("spoilt", LINE)
        device.box.write("spoilt/spoilt.rsp", HEAD + LINE.format(root=device.box.root, name="evil"))
        action = manager.assign(device.name, manager.publish(device.box.path("spoilt")))
        self.check_in(device, FAILED)
        self.assert_over(device, action, "error")
        self.assertEqual([], device.done())

    # Maintenance windows

    def test_a_closed_window_lets_download_and_an_open_one_execute(self):
        device = self.device()
        opens = int(time.time() + 15 * FACTOR)
        action = device.assign("patient", BLOB + LINE, blob=True, maintenance_window=window(opens))
        agent = device.box.daemon()
        device.until(lambda: "downloaded" in device.statuses(action), "its download")
        self.assertEqual([], device.done())
        self.assertLess(time.time(), opens, "too slow to tell")
        self.assertEqual("finished", device.until_over(action))
        entries = {entry["status"]: entry["at"] / 1000 for entry in manager.history(device.name, action)}
        self.assertLess(entries["downloaded"], opens)
        self.assertGreaterEqual(entries["finished"], opens)
        self.assert_over(device, action, "finished")
        self.assertEqual(["patient"], device.done())
        self.assertLess(device.proxy.bytes_of("blob"), BLOB_BYTES * 1.1)
        self.assertTrue(agent.alive())

    def test_a_window_that_is_over_takes_the_job_back(self):
        device = self.device()
        opens = int(time.time() + 8 * FACTOR)
        action = device.assign("late", maintenance_window=window(opens, "00:00:01"))
        self.check_in(device)
        self.assertLess(time.time(), opens, "too slow to tell")
        self.assertIn("downloaded", device.statuses(action))
        wait_until(lambda: time.time() > opens + 2, DEADLINE_S, "the end of the window")
        self.check_in(device)
        self.assert_over(device, action, "canceled")
        self.assertEqual([], device.done())
        self.assertTrue(device.ended())

    # Cancelling

    def test_cancelled_before_the_beginning(self):
        device = self.device()
        action = device.assign("never")
        device.cancel(action)
        self.check_in(device)
        self.assert_over(device, action, "canceled")
        self.assertEqual([], device.done())

    def test_cancelled_while_it_waits_for_its_window(self):
        device = self.device()
        action = device.assign("never", maintenance_window=window(time.time() + 3600))
        self.check_in(device)
        self.assertIn("downloaded", device.statuses(action))
        device.cancel(action)
        self.check_in(device)
        self.assert_over(device, action, "canceled")
        self.assertTrue(device.ended())

    def test_cancelled_during_the_download(self):
        device = self.device()
        stall = device.proxy.cut(BLOB_BYTES // 4, "stall", times=None, path="/blob")
        action, before = device.assign("never", BLOB + LINE, blob=True), snapshot(device.box.root)
        agent = device.box.daemon()
        device.until(lambda: stall.hits, "a quarter of the file")
        device.cancel(action)
        self.assertEqual("canceled", device.until_over(action))
        self.assert_over(device, action, "canceled")
        device.until(device.ended, "the end of its session")
        self.assertEqual(before, snapshot(device.box.root))
        self.assertTrue(agent.alive())

    def test_a_cancel_during_the_execution_is_refused_and_the_job_goes_on_to_its_end(self):
        device = self.device()
        action = device.assign("goes-on", WAIT + LINE)
        agent = device.box.daemon()
        device.until_program_waits()
        device.cancel(action)
        device.until(lambda: "cancel_rejected" in device.statuses(action), "its refusal")
        self.assertEqual("running", device.state(action))
        device.let_program_end()
        self.assertEqual("finished", device.until_over(action))
        self.assert_over(device, action, "finished")
        self.assertEqual(["goes-on"], device.done())
        self.assertTrue(agent.alive())

    def test_a_cancel_after_the_end_that_the_server_had_not_heard_of_yet(self):
        device = self.device()
        action = device.assign("over", WAIT + LINE)
        agent = device.box.daemon()
        device.until_program_waits()
        device.proxy.cut_off()
        device.let_program_end()
        wait_until(device.ended, DEADLINE_S, "the end of its session")
        device.cancel(action)
        self.assertEqual("canceling", device.state(action))
        device.proxy.clear()
        device.until_over(action)
        self.assert_over(device, action, "finished")
        with self.assertRaises(ManagerError):
            device.cancel(action)
        self.assertTrue(agent.alive())

    def test_a_forced_cancel_ends_the_wait_on_the_device_too(self):
        device = self.device()
        action = device.assign("dropped", maintenance_window=window(time.time() + 3600))
        self.check_in(device)
        device.cancel(action)
        manager.cancel(device.name, action, force=True)
        self.check_in(device)
        self.assert_over(device, action, "canceled", finals=2)  # the server's own word, and then the device's, which it notes too
        self.assertIn("cancelled: 0 of 1 step done", device.told(action))
        self.assertTrue(device.ended())
        self.assertEqual([], device.done())

    def test_a_newer_assignment_replaces_one_that_has_not_begun(self):
        device = self.device()
        older, newer = device.assign("older"), device.assign("newer")
        self.assertEqual("canceling", device.state(older))
        self.check_in(device)
        self.assert_over(device, older, "canceled")
        self.assert_over(device, newer, "finished")
        self.assertEqual(["newer"], device.done())

    # What breaks

    def test_a_download_that_breaks_goes_on_where_it_was(self):
        device = self.device()
        cut = device.proxy.cut(BLOB_BYTES // 2, "rst", path="/blob")
        action = device.assign("resumed", BLOB + LINE, blob=True)
        self.check_in(device)
        self.assert_over(device, action, "finished")
        self.assertEqual(1, cut.hits)
        starts = [int(text.removeprefix("bytes=").partition("-")[0]) for text in device.proxy.ranges_of("/blob")]
        self.assertGreater(max(starts, default=0), 0, "no part was asked for")
        self.assertLess(device.proxy.bytes_of("/blob"), BLOB_BYTES * 1.1)

    def test_the_answers_to_the_reports_are_lost_and_the_result_counts_once(self):
        device = self.device()
        action = device.assign("unheard", WAIT + LINE)
        agent = device.box.daemon()
        device.until_program_waits()
        lost = device.proxy.cut(0, "rst", times=None, path="/feedback")
        device.let_program_end()
        self.assertEqual("finished", device.until_over(action))
        self.assertGreater(lost.hits, 0)
        self.assertGreater(device.reports_queued(), 0)
        device.proxy.clear()
        device.until(lambda: device.reports_queued() == 0, "the server's word that it has ended")  # 410
        self.assert_over(device, action, "finished")
        self.assertEqual((["unheard"], 1), (device.done(), len(device.lines("starts"))))
        self.assertTrue(agent.alive())

    def test_an_agent_that_is_killed_between_the_end_and_the_report(self):
        device = self.device()
        action = device.assign("once", WAIT + LINE)
        agent = device.box.daemon()
        device.until_program_waits()
        device.proxy.cut_off()
        device.let_program_end()
        wait_until(device.ended, DEADLINE_S, "the end of its session")
        agent.process.kill()
        self.assertEqual("running", device.state(action))
        device.proxy.clear()
        self.check_in(device)
        self.assert_over(device, action, "finished")
        self.assertEqual((["once"], 1), (device.done(), len(device.lines("starts"))))

    def test_the_server_is_killed_in_the_middle_of_two_devices_jobs(self):
        executes, fetches = self.device("-1"), self.device("-2")
        stall = fetches.proxy.cut(BLOB_BYTES // 2, "stall", path="/blob")
        first, second = executes.assign("executed", WAIT + LINE), fetches.assign("fetched", BLOB + LINE, blob=True)
        agents = [executes.box.daemon(), fetches.box.daemon()]
        executes.until_program_waits()
        fetches.until(lambda: stall.hits, "half of the file")
        manager.crash()
        executes.let_program_end()
        wait_until(executes.ended, DEADLINE_S, "the end of its session")
        self.assertGreater(executes.reports_queued(), 0)
        self.assertFalse(fetches.ended())
        manager.start_again()
        for device, action in ((executes, first), (fetches, second)):
            device.server_moved()
            self.assertEqual("finished", device.until_over(action))
            self.assert_over(device, action, "finished")
            device.until(lambda at=device: at.reports_queued() == 0, "an empty queue")
            self.assertEqual(1, device.finals(action))
        self.assertEqual((["executed"], 1), (executes.done(), len(executes.lines("starts"))))
        self.assertEqual(["fetched"], fetches.done())
        self.assertLess(fetches.proxy.bytes_of("/blob"), BLOB_BYTES * 1.2)
        self.assertTrue(all(agent.alive() for agent in agents))


class SystemTest(SystemStories, StoryTest):
    @property
    def manager(self):
        return manager


class QueueTest(StoryTest):
    """After the others, by its name: that jobs queue cannot be undone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        manager.let_jobs_queue()

    def test_jobs_are_done_in_the_order_that_the_server_gives_them(self):
        device = self.device()
        first, second = device.assign("first", weight=500), device.assign("second", weight=500)
        heavy = device.assign("heavy", weight=900)
        self.check_in(device)
        for action in (first, second, heavy):
            self.assert_over(device, action, "finished")
        self.assertEqual(["heavy", "first", "second"], device.done())

    def test_the_next_job_is_done_after_one_that_failed_and_one_that_was_cancelled(self):
        device = self.device()
        bad = device.assign("bad", 'EX "/bin/false" "+"\n', weight=500)
        never, good = device.assign("never", weight=500), device.assign("good", weight=500)
        device.cancel(never)
        self.check_in(device)
        self.assert_over(device, bad, "error")
        self.assert_over(device, never, "canceled")
        self.assert_over(device, good, "finished")
        self.assertEqual(["good"], device.done())


if __name__ == "__main__":
    unittest.main(verbosity=2)
