# SPDX-License-Identifier: Apache-2.0
"""Images and releases of the agent from a real hawkBit: modules and distributions of types of their own."""

import json
import os
import random

from agent_releases import about, of_version, script, write_program
from demo_package import digest
from hook_slots import HookSlots
from kit import DONE, binary
from manager_api import FINAL_STATES

IMAGE_BYTES = 2 << 20


class SystemStories:
    """Mixed into a test case with `manager`, device(), check_in() and assert_over()."""

    def publish(self, device, folder, *words):
        device.serial += 1
        self.expect(device.box.run("sign", folder, "--key", device.key, "--serial", str(device.serial), *words), DONE)
        return self.manager.publish(folder)

    def test_an_image_is_a_success_after_its_restart_and_its_proof(self):
        device = self.device()
        slots = HookSlots(device.box.folder, device.box.hooks, 2 * IMAGE_BYTES)
        device.sections = {"image": slots.settings()}
        device.log_in(target_token_file=device.box.path("token"))
        raw = random.Random(1).randbytes(IMAGE_BYTES)
        folder = device.box.path("image")
        self.expect(device.box.run("image", "pack", device.box.write("raw", raw), "-o", folder, "--compression", "none"), DONE)
        action = self.manager.assign(device.name, self.publish(device, folder, "--kind", "image", "--entry", "root.img", "--package", "thin", "--version", "2.0"))
        self.check_in(device)
        self.assertTrue(slots.wants_restart(), self.manager.history(device.name, action))
        self.assertEqual(("running", 0), (device.state(action), device.finals(action)), "no success before the proof")
        self.assertEqual("B", slots.restart())
        self.check_in(device)
        self.assert_over(device, action, "finished")
        self.assertEqual(("B", "", raw), (slots.state()["chosen"], slots.state()["trial"], slots.content("B", IMAGE_BYTES)))

    def test_releases_of_the_agent_are_taken_or_given_up_and_the_preinstalled_one_stays(self):
        device = self.device(upgrade={"trial_starts": 2})
        version, target = about(device.box.program)
        with open(device.box.program, "rb") as file:
            program = file.read()
        preinstalled = device.box.program = device.box.path("preinstalled")
        write_program(preinstalled, program)
        for number, content, state in ((1, of_version(program, version, "1.0.0.0"), "finished"), (2, script("2.0.0.0", "exit 0"), "error")):
            folder = device.box.path(f"release-{number}")
            write_program(os.path.join(folder, target, "hagent"), content)
            action = self.manager.assign(device.name, self.publish(device, folder, "--kind", "agent", "--package", "agent", "--version", f"{number}.0.0.0"))
            for _ in range(6):  # a start each; the last one tells that the trial was given up
                if device.state(action) not in FINAL_STATES:
                    device.box.run("check-in", "--once", timeout=90)
            self.assert_over(device, action, state)
            shown = json.loads(device.box.run("upgrade", "status", "--json").stdout)
            self.assertEqual(("1.0.0.0", version, None), (shown["running"]["version"], shown["preinstalled"]["version"], shown["trial"]))
            self.assertEqual(digest(device.box.path("preinstalled")), digest(binary()))
        self.assertIn("agent_given_up", device.told(action) + device.box.run("sessions", "--json").stdout)
