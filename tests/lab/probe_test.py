#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A kind of work that the product has never heard of, in the real program and the lab: it fetches, rests, goes on trial, fails,
is cancelled, and each end is told to the manager once. HAGENT_PROBE names the program (the agent with the tests' own kind)."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from laboratory import Laboratory  # noqa: E402
from manager_api import FINAL_STATES  # noqa: E402

DEADLINE_S = 60
SUSPENDED, READY_FOR_REBOOT, COMPLETED = 3, 4, 6  # seed "Session Phase"


class ProbeTest(unittest.TestCase):
    def setUp(self):
        self.lab = Laboratory("lab", os.environ["HAGENT_PROBE"])
        self.lab.__enter__()
        self.addCleanup(self.lab.__exit__)
        self.agent, self.manager = self.lab.agent, self.lab.manager
        self.serial = 0
        self.agent.start()

    def offer(self, lines):
        """Signs a package with these lines as its entry and assigns it; the action's id."""
        self.serial += 1
        folder = self.lab.path(f"probe-{self.serial}")
        os.makedirs(folder)
        with open(os.path.join(folder, "probe.sw"), "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in lines))
        with open(os.path.join(folder, "content"), "w", encoding="ascii") as file:
            file.write("fetched\n")
        self.agent.sign(folder, ["--key", self.lab.key.private, "--kind", "software", "--entry", "probe.sw", "--package", "probe",
                                 "--version", "1", "--serial", str(self.serial)])
        return self.manager.assign(self.agent.device_id, self.manager.publish(folder))

    def place(self, name):
        return os.path.join(self.agent.root, name)

    def text(self, name):
        with open(self.place(name), encoding="ascii") as file:
            return file.read()

    def wait_phase(self, action, phase):
        return self.agent.wait_session(action, lambda session: session["phase"] == phase, DEADLINE_S, f"phase {phase}")

    def ended(self, action):
        """How the manager says that the action ended, once its one final report is there."""
        state = self.manager.wait_state(self.agent.device_id, action, FINAL_STATES, DEADLINE_S)
        self.assertEqual(self.manager.final_reports(self.agent.device_id, action), 1)
        return state

    def restart_agent(self):
        self.agent.process.kill()
        self.agent.start()

    def test_it_fetches_rests_and_is_on_trial_until_another_life_has_checked_in(self):
        action = self.offer(["look", f"fetch content {self.place('fetched')}", f"once {self.place('once')} one", "suspend",
                             f"write {self.place('second')} two", "fail?", "trial-life"])
        session = self.wait_phase(action, SUSPENDED)
        self.assertEqual((session["kind"], session["phase_name"]), ("software", "SW_SUSPENDED_PHASE"))
        self.assertEqual(self.text("fetched"), "fetched\n")
        self.assertFalse(os.path.exists(self.place("second")))
        self.restart_agent()
        session = self.wait_phase(action, READY_FOR_REBOOT)
        self.assertEqual(self.text("second"), "two")
        self.assertEqual(self.manager.final_reports(self.agent.device_id, action), 0)
        self.restart_agent()
        self.assertEqual(self.ended(action), "finished")
        session = self.wait_phase(action, COMPLETED)
        self.assertEqual([step["state"] for step in session["steps"]], ["done"] * 5 + ["failed", "done"])
        self.assertIn(f">{session['id']}<", self.agent.page())
        self.assertIn("fetch", self.agent.command("sessions", session["id"]).stdout)
        self.assertIn("trial", " ".join(message for entry in self.manager.history(self.agent.device_id, action)
                                        for message in entry["messages"]))

    def test_a_trial_that_was_not_good_is_told_with_its_reason(self):
        action = self.offer(["trial-life-fails"])
        self.wait_phase(action, READY_FOR_REBOOT)
        self.restart_agent()
        self.assertEqual(self.ended(action), "error")
        self.assertIn("the trial was not good", str(self.manager.history(self.agent.device_id, action)))

    def test_what_rests_can_be_cancelled_and_an_odd_package_is_refused(self):
        action = self.offer([f"write {self.place('first')} one", "suspend", f"write {self.place('second')} two"])
        self.wait_phase(action, SUSPENDED)
        self.manager.cancel(self.agent.device_id, action)
        self.assertEqual(self.ended(action), "canceled")
        self.assertFalse(os.path.exists(self.place("second")))
        odd = self.offer(["nonsense"])
        self.assertEqual(self.ended(odd), "error")

    def test_a_shutdown_stops_it_in_a_step_and_the_next_life_goes_on(self):
        action = self.offer([f"write {self.place('first')} one", "wait-once", f"write {self.place('second')} two"])
        self.agent.wait_session(action, lambda session: session["steps"] and session["steps"][1]["state"] == "running", DEADLINE_S,
                                "the second step")
        self.agent.stop()
        self.agent.start()
        self.assertEqual(self.ended(action), "finished")
        self.assertEqual(self.text("second"), "two")


if __name__ == "__main__":
    unittest.main()
