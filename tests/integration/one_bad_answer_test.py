#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One bad answer is not for ever: a package that is half there, or signed wrongly once, is asked for again after a wait."""

import json
import os
import time
import unittest

from kit import DONE, FACTOR, FAILED, TRY_LATER, BoxTest
from one_job_manager import OneJobManager

SCRIPT = '[Version]\nNumber=1\nOS=SLX\n[Script]\nSF "<regroot>/big" "{root}/big"\n'
AGAIN = "will be tried again at 20"
PATIENCE_S = 30 * FACTOR  # the first wait is 10 to 13 s


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Rests:
    """Mixed into a test case for each kind of manager; told() is the last state of the job and all that was said of it."""

    def everybody_hears(self, cause):
        state, said = self.told()
        self.assertNotIn(state, ("success", "failure"), said)
        for word in (cause, AGAIN, "what to do: "):
            self.assertIn(word, said)
        self.assertIn(AGAIN, self.expect(self.box.run("status"), DONE).stdout)
        session = self.document(self.expect(self.box.run("sessions", "000001", "--json"), DONE))
        self.assertRegex(session["try_again"], r"^20\d\d-")
        self.assertIn(AGAIN, read(self.box.log).decode())
        self.assertFalse(os.listdir(self.box.root))

    def is_done_by_itself(self, agent):
        agent.process.wait(lambda: self.told()[0] in ("success", "failure"), PATIENCE_S, "the job is tried again")
        state, said = self.told()
        self.assertEqual("success", state, said)
        self.assertEqual(b"b" * 5000, read(os.path.join(self.box.root, "big")))

    def rests_once(self, start, spoil, mend, cause):
        spoil()  # before the agent lives: it looks at once
        agent = start()
        self.expect(self.box.run("check-in"), DONE)
        agent.process.wait(lambda: AGAIN in self.told()[1], PATIENCE_S, "the job rests")
        began = time.monotonic()
        self.everybody_hears(cause)
        mend()
        self.is_done_by_itself(agent)
        self.assertGreater(time.monotonic() - began, 3, "not at once")


class InAFolder(Rests, BoxTest):
    def setUp(self):
        super().setUp()
        self.site = self.box.path("site")
        self.box.configure(manager={"dialect": "folder", "urls": ["file://" + self.site], "interval_s": 3600, "spread_s": 0})
        self.key = self.box.trusted_key()
        self.box.write("site/reports/here", "")
        self.box.write("site/p/big", b"b" * 5000)
        self.box.write("site/p/p.rsp", SCRIPT.replace("{root}", self.box.root))
        self.expect(self.box.run("sign", self.box.path("site/p"), "--key", self.key, "--kind", "script", "--entry", "p.rsp", "--package", "p",
                                 "--version", "1", "--serial", "1"), DONE)
        jobs = {"format": 1, "serial": 1, "reports": "reports/", "all": {"jobs": [{"id": "j1", "package": "p/"}]}}
        self.expect(self.box.run("sign", self.box.write("site/jobs.json", json.dumps(jobs)), "--key", self.key), DONE)
        self.good = {name: read(os.path.join(self.site, "p", name)) for name in ("manifest.json", "manifest.sig", "big")}

    def told(self):
        try:
            jobs = json.loads(read(os.path.join(self.site, "reports", "test-1.json")))["jobs"]
        except (FileNotFoundError, ValueError):
            jobs = []
        return (jobs[0]["state"], json.dumps(jobs)) if jobs else ("", "")

    def put(self, name, content):
        """In one step, as a careful publisher does."""
        path = os.path.join(self.site, "p", name)
        self.box.write("fresh", content)
        os.replace(self.box.path("fresh"), path)

    def mend(self):
        for name, content in self.good.items():
            self.put(name, content)

    def badly_signed(self):
        signature = self.good["manifest.sig"]
        self.put("manifest.sig", signature[:-1] + bytes([signature[-1] ^ 1]))

    def test_a_wrong_signature_once(self):
        self.rests_once(self.box.daemon, self.badly_signed, self.mend, "signature_invalid")

    def test_a_package_that_is_half_published(self):
        self.rests_once(self.box.daemon, lambda: os.remove(os.path.join(self.site, "p", "big")), self.mend, "file_not_found")

    def test_a_manifest_that_is_not_yet_the_one_that_the_job_means(self):
        self.rests_once(self.box.daemon, lambda: self.put("manifest.json", self.good["manifest.json"] + b" "), self.mend, "digest_mismatch")

    def test_the_wait_survives_restarts_and_a_check_in_does_not_hurry_it(self):
        self.badly_signed()
        self.expect(self.box.run("check-in", "--once"), TRY_LATER, "tried_again_later", "session 000001")
        self.everybody_hears("signature_invalid")
        until = self.document(self.box.run("sessions", "000001", "--json"))["try_again"]
        for _ in range(3):
            self.expect(self.box.run("check-in", "--once"), TRY_LATER, "tried_again_later", until)
        agent = self.box.daemon()
        self.assertIn(AGAIN, self.expect(self.box.run("status"), DONE).stdout)
        self.mend()
        self.is_done_by_itself(agent)

    def test_a_job_that_is_taken_out_of_the_list_while_it_rests_is_dropped(self):
        self.badly_signed()
        self.expect(self.box.run("check-in", "--once"), TRY_LATER)
        jobs = {"format": 1, "serial": 2, "reports": "reports/", "all": {"jobs": []}}
        self.expect(self.box.run("sign", self.box.write("site/jobs.json", json.dumps(jobs)), "--key", self.key), DONE)
        self.expect(self.box.run("check-in", "--once"), DONE)
        session = self.document(self.box.run("sessions", "000001", "--json"))
        self.assertIsNotNone(session["ended"])
        self.assertNotIn("try_again", session)

    def test_what_will_not_pass_by_itself_is_told_at_once(self):
        self.expect(self.box.run("sign", self.box.path("site/p"), "--key", self.key, "--kind", "script", "--entry", "p.rsp", "--package", "p",
                                 "--version", "1", "--serial", "1", "--device", "tc-8"), DONE)
        self.expect(self.box.run("sign", self.box.path("site/jobs.json"), "--key", self.key), DONE)
        self.expect(self.box.run("check-in", "--once"), FAILED)
        self.assertEqual("failure", self.told()[0])


class AtHawkbit(Rests, BoxTest):
    def setUp(self):
        super().setUp()
        self.manager = OneJobManager()
        self.addCleanup(self.manager.close)
        self.box.configure(manager={"urls": [self.manager.url], "interval_s": 3600, "spread_s": 0})
        key = self.box.trusted_key()
        self.box.write("p/big", b"b" * 5000)
        self.box.script_package("p", 1, SCRIPT.replace("{root}", self.box.root), key)

    def told(self):
        success, said = self.manager.result(self.manager.action)
        return success or "", said

    def mend(self):
        self.manager.served = dict(self.manager.files)

    def test_a_file_that_the_manager_cannot_give_yet(self):
        self.rests_once(self.box.daemon, lambda: self.manager.offer(self.box.path("p"), change=lambda files: files.pop("big")), self.mend, "no_source")
        finals = [report for _, report in self.manager.reports if report["status"]["execution"] == "closed"]
        self.assertEqual(1, len(finals), json.dumps(finals))

    def test_a_file_that_a_cache_gives_as_it_was(self):
        self.rests_once(self.box.daemon, lambda: self.manager.offer(self.box.path("p"), change=lambda files: files.update(big=b"c" * 5000)),
                        self.mend, "digest_mismatch")


if __name__ == "__main__":
    unittest.main()
