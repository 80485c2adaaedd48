# SPDX-License-Identifier: Apache-2.0
"""The lab's device with two slots. What a slot holds is an agent: the one that a machine has preinstalled when that slot runs."""

import hashlib
import os
import shutil

from agent_releases import about, of_version, script, write_program
from hook_slots import HookSlots
from services import wait_until

ROOM = 1 << 20  # in a slot, beyond the program
BAD = {"exits": "exit 0", "hangs": "exec sleep 1000"}  # programs that pass the self-test only
IMAGE_ENTRY = "root.img.gz"


class SlotDevice:
    """`agents_in_system`: agents that were upgraded lie in the slot too, so that an image takes them away; else they stay with the state."""

    def __init__(self, lab, agents_in_system=False):
        self.lab, self.agent, self.boots, self.serial = lab, lab.agent, 0, 0
        self.own, self.target = about(lab.binary)
        with open(lab.binary, "rb") as file:
            self.program = file.read()
        self.slots = HookSlots(self.agent.folder, self.agent.hooks_dir, len(self.program) + ROOM)
        self.slots.put("A", self.program)
        self.system = os.path.join(self.agent.folder, "system")
        self.agent.binary = os.path.join(self.system, "hagent")
        self._take("A")
        upgrade = {"confirm_deadline_s": 30, "trial_starts": 2, **({"dir": os.path.join(self.system, "agents")} if agents_in_system else {})}
        self.agent.add_settings(image=self.slots.settings(), upgrade=upgrade)

    def _take(self, slot):
        """The system of this slot takes the place of the one before."""
        shutil.rmtree(self.system, ignore_errors=True)
        os.makedirs(os.path.join(self.system, "agents"), mode=0o755)
        write_program(self.agent.binary, self.slots.content(slot))  # zeros behind a program do no harm

    # packages -----------------------------------------------------------------------------------------------------
    def content(self, version, story="good"):
        return script(version, BAD[story]) if story in BAD else of_version(self.program, self.own, version)

    def release(self, version, story="good"):
        """A release of the agent at the manager; the reference for assign()."""
        folder = self.lab.path(f"release-{self.serial}")
        write_program(os.path.join(folder, self.target, "hagent"), self.content(version, story))
        return self._publish(folder, "--kind", "agent", "--package", "agent", "--version", version)

    def image(self, version, agent):
        """A system image that holds this version of the agent."""
        folder, raw = self.lab.path(f"image-{self.serial}"), self.lab.path(f"raw-{self.serial}")
        write_program(raw, self.content(agent))
        self.agent.command("image", "pack", raw, "-o", folder, "--compression", "gzip")
        return self._publish(folder, "--kind", "image", "--entry", IMAGE_ENTRY, "--package", "thin", "--version", version)

    def _publish(self, folder, *words):
        self.serial += 1
        self.agent.sign(folder, ["--key", self.lab.key.private, "--serial", str(self.serial), *words])
        return self.lab.manager.publish(folder)

    # the world around the agent --------------------------------------------------------------------------------------
    def tend(self):
        """The machine restarts when it was asked to, and an agent that ended is started again."""
        if self.slots.wants_restart():
            self.agent.stop()
            self._take(self.slots.restart())
            self.boots += 1
            self.agent.launch()
        elif not self.agent.process.running():
            self.agent.launch()

    def until(self, condition, timeout_s, what):
        def tended():
            self.tend()
            return condition()
        return wait_until(tended, timeout_s, what, every_s=0.2)

    def digest(self):
        with open(self.agent.binary, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def version(self):
        """Of the agent that answers; None while none does."""
        return ((self.agent.status_or_none() or {}).get("agent") or {}).get("version")
