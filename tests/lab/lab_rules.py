# SPDX-License-Identifier: Apache-2.0
"""What the lab manager gives devices by itself at their polls: an agent for those with an older one, and a default configuration.

The two rules of the legacy manager, with its trap: a default configuration that enforces its sequence brings a device back to it
whenever something else was installed last, and an upgraded agent is something else.
"""

import json

from lab_store import now_ms


def numbers(version):
    """The three that count for upgrades."""
    parts = [int(part) if part.isdigit() else 0 for part in version.split(".")]
    return (parts + [0, 0, 0])[:3]


class Rules:
    def __init__(self, store, actions):
        self.store, self.actions = store, actions

    def apply(self, device_id):
        """One job at most, for a device that has none and has told its attributes since the last one."""
        device = self.store.device(device_id)
        if device["want_attributes"] or self.actions.open_of(device_id):
            return
        module = self._older_agent(device) or self._out_of_sequence(device)
        if module and not self._rests(device_id, module):
            self.actions.assign(device_id, [module], "forced", None)

    def _name(self, module):
        found = self.store.module(module)
        return f"{found['name']}:{found['version']}"

    def _older_agent(self, device):
        module = self.store.setting("agent_release")
        runs = json.loads(device["attributes"]).get("agent.version")
        return module if module and runs and numbers(runs) < numbers(self.store.module(module)["version"]) else None

    def _out_of_sequence(self, device):
        """The next of the configuration; with "enforce_sequence" it begins anew after anything that is not of it."""
        configuration = self.store.setting("default_configuration") or {"modules": []}
        modules = configuration["modules"]
        if configuration.get("enforce_sequence"):
            names = [self._name(module) for module in modules]
            at = names.index(device["installed"]) + 1 if device["installed"] in names else 0
            return modules[at] if at < len(modules) else None
        done = [json.loads(action["modules"]) for action in self._ended(device["id"]) if action["state"] == "FINISHED"]
        return next((module for module in modules if [module] not in done), None)

    def _ended(self, device_id):
        return self.store.rows("SELECT * FROM actions WHERE device=? AND active=0 ORDER BY id DESC", device_id)

    def _rests(self, device_id, module):
        """A job that did not end well is not given again at once."""
        last = next((action for action in self._ended(device_id) if json.loads(action["modules"]) == [module]), None)
        wait_ms = self.store.setting("rule_retry_s") * 1000
        return last is not None and last["state"] != "FINISHED" and now_ms() - last["created"] < wait_ms
