#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent keeps between check and use, in its state directory: changed there, it is fetched anew or refused, never used."""

import json
import os
import shutil
import unittest

from kit import DONE, BoxTest
from one_job_manager import OneJobManager

SCRIPT = '[Version]\nNumber=1\nOS=SLX\n[Script]\nSF "<regroot>/big" "{root}/big"\nAL "{root}/done" "x"\n'
BIG = os.urandom(300_000)


class KeptState(BoxTest):
    def setUp(self):
        super().setUp()
        self.manager = OneJobManager()
        self.addCleanup(self.manager.close)
        self.box.configure(manager={"urls": [self.manager.url], "interval_s": 3600, "spread_s": 0})
        self.key = self.box.trusted_key()

    def halted(self):
        """A job with everything here that waits for permission to execute; its files in the state directory by their names there."""
        self.box.write("p/big", BIG)
        self.box.script_package("p", 1, SCRIPT.replace("{root}", self.box.root), self.key)
        action = self.manager.offer(self.box.path("p"), window="unavailable")
        self.expect(self.box.run("check-in", "--once"), DONE)
        self.assertFalse(os.listdir(self.box.root))
        kept = {}
        for folder, _, names in os.walk(self.box.state):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.getsize(path) == len(BIG):
                    name = "big"
                if name in ("entry", "manifest.json", "manifest.sig", "big"):
                    kept[name] = path
        self.assertEqual({"entry", "manifest.json", "manifest.sig", "big"}, set(kept))
        return action, kept

    def go_on(self, action, code=DONE):
        self.manager.window = None
        asked = len(self.manager.asked("/files/"))
        done = self.expect(self.box.run("check-in", "--once"), code)
        success, said = self.manager.result(action)
        self.asked = len(self.manager.asked("/files/")) - asked
        return success, said, done

    def make_anew(self, path, content):
        with open(path, "wb") as file:
            file.write(content)

    def check_good(self, action):
        success, said, _ = self.go_on(action)
        self.assertEqual("success", success, said)
        with open(os.path.join(self.box.root, "big"), "rb") as file:
            self.assertEqual(BIG, file.read())
        self.assertEqual({"big", "done"}, set(os.listdir(self.box.root)))

    def test_unchanged_it_is_used_without_a_server(self):
        action, _ = self.halted()
        self.check_good(action)
        self.assertEqual(0, self.asked)

    def test_a_script_that_was_kept_and_changed_is_not_run(self):
        action, kept = self.halted()
        with open(kept["entry"], "ab") as file:
            file.write(f'AL "{self.box.root}/evil" "x"\n'.encode())
        self.check_good(action)

    def test_a_file_that_was_staged_and_changed_is_not_placed(self):
        for change in (lambda b: bytes([b[0] ^ 1]) + b[1:], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:1000], lambda b: b + b"x"):
            action, kept = self.halted()
            self.make_anew(kept["big"], change(BIG))
            self.check_good(action)
            self.box.run("sessions")
            for folder in (self.box.root, self.box.state):
                shutil.rmtree(folder)
                os.mkdir(folder, 0o700)

    def test_a_manifest_that_was_kept_and_changed_is_not_believed(self):
        for name in ("manifest.json", "manifest.sig"):
            action, kept = self.halted()
            with open(kept[name], "rb") as file:
                content = bytearray(file.read())
            content[len(content) // 2] ^= 1
            self.make_anew(kept[name], content)
            self.check_good(action)
            for folder in (self.box.root, self.box.state):
                shutil.rmtree(folder)
                os.mkdir(folder, 0o700)

    def test_what_cannot_be_fetched_anew_changes_nothing(self):
        action, kept = self.halted()
        with open(kept["entry"], "ab") as file:
            file.write(f'AL "{self.box.root}/evil" "x"\n'.encode())
        self.make_anew(kept["big"], b"x" * len(BIG))
        self.manager.served.clear()
        self.manager.window = None
        self.box.run("check-in", "--once")
        self.assertFalse(os.listdir(self.box.root))

    def test_a_look_that_was_killed_leaves_nothing_that_the_next_one_believes(self):
        self.box.write("p/big", BIG)
        self.box.script_package("p", 1, SCRIPT.replace("{root}", self.box.root), self.key)
        self.manager.offer(self.box.path("p"))
        source = f"{self.manager.url}files/1/"
        done = self.expect(self.box.run("script", "check", self.box.path("p/p.rsp"), "--source", source, "--json"), DONE)
        self.assertEqual(2, len(json.loads(done.stdout)["plan"]))
        # as the place that the look used would have been left: with what it had verified then
        stale = self.box.path("state/sessions/check/package")
        os.makedirs(stale, 0o700)
        for name in ("manifest.json", "manifest.sig"):
            shutil.copy(self.box.path("p", name), stale)
        self.make_anew(os.path.join(stale, "entry"), (SCRIPT.replace("{root}", self.box.root) + 'EX "/bin/false"\n').encode())
        done = self.expect(self.box.run("script", "check", self.box.path("p/p.rsp"), "--source", source, "--json"), DONE)
        self.assertEqual(2, len(json.loads(done.stdout)["plan"]), "the plan is of what the server has")


if __name__ == "__main__":
    unittest.main()
