# SPDX-License-Identifier: Apache-2.0
"""The lab manager's standing rules: who is given an agent, who is brought back to the default configuration."""

import os
import tempfile
import unittest

from lab_actions import Actions
from lab_rules import Rules
from lab_store import Store

DEVICE = "tc-1"


class RulesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hagent-lab-")
        self.addCleanup(folder.cleanup)
        self.store = Store(os.path.join(folder.name, "state"))
        self.addCleanup(self.store.close)
        self.actions = Actions(self.store)
        self.rules = Rules(self.store, self.actions)
        self.store.ensure_device(DEVICE, "")
        self.image, self.screens = self.store.add_module("thin", "11.1", "os", {}), self.store.add_module("screens", "1", "os", {})
        self.release = self.store.add_module("agent", "1.2.0.7", "os", {})
        self.tells("1.1.9.0")

    def tells(self, agent):
        self.store.set_attributes(DEVICE, {"agent.version": agent})

    def given(self):
        """The name of what the device is given at its next poll."""
        self.rules.apply(DEVICE)
        found = self.actions.open_of(DEVICE)
        return found[0]["name"] if found else None

    def ends(self, finished="success"):
        action = self.actions.open_of(DEVICE)[0]
        self.actions.deployment_feedback(DEVICE, str(action["id"]), {"status": {"execution": "closed", "result": {"finished": finished}}})

    def test_without_rules_nobody_is_given_anything(self):
        self.assertIsNone(self.given())

    def test_an_older_agent_by_three_numbers_is_upgraded(self):
        self.store.set_setting("agent_release", self.release)
        for agent, given in (("1.2.0.0", None), ("1.3.0.0", None), ("1.10.0.0", None), ("1.1.9.9", "agent")):
            self.tells(agent)
            self.assertEqual(given, self.given(), agent)
        self.ends()
        self.assertIsNone(self.given(), "it has not told its new version yet")
        self.tells("1.2.0.7")
        self.assertIsNone(self.given())

    def test_a_configuration_is_done_once_in_its_order(self):
        self.store.set_setting("default_configuration", {"modules": [self.image, self.screens], "enforce_sequence": False})
        for name in ("thin", "screens", None):
            self.assertEqual(name, self.given())
            if name:
                self.ends()
                self.tells("1.1.9.0")
        self.actions.assign(DEVICE, [self.release], "forced", None)
        self.ends()
        self.tells("1.2.0.7")
        self.assertIsNone(self.given(), "something else may be installed beside it")

    def test_an_enforced_sequence_begins_anew_after_anything_else(self):
        self.store.set_setting("default_configuration", {"modules": [self.image, self.screens], "enforce_sequence": True})
        self.store.set_setting("agent_release", self.release)
        given = []
        for agent in ("1.1.9.0", "1.2.0.7", "1.1.9.0", "1.2.0.7"):  # the image holds the old agent
            self.tells(agent)
            given.append(self.given())
            self.ends()
        self.assertEqual(["agent", "thin", "agent", "thin"], given, "the regression")
        self.tells("1.2.0.7")
        self.assertEqual("screens", self.given())
        self.ends()
        self.tells("1.2.0.7")
        self.assertIsNone(self.given())

    def test_what_failed_rests_before_it_is_given_again(self):
        self.store.set_setting("agent_release", self.release)
        self.assertEqual("agent", self.given())
        self.ends("failure")
        self.tells("1.1.9.0")
        self.assertIsNone(self.given())
        self.store.set_setting("rule_retry_s", 0)
        self.assertEqual("agent", self.given())


if __name__ == "__main__":
    unittest.main()
