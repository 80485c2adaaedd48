# SPDX-License-Identifier: Apache-2.0
"""The agent replaces itself: good releases and bad ones, one after the other, offered by a manager that is a folder. Whatever they do,
the device ends with the right agent, says once for each what became of it, and the preinstalled program stays the one that it was.

  HAGENT_UPGRADES=100 upgrade_test.py     as many in a row instead of 30"""

import hashlib
import json
import os
import shutil
import stat
import threading
import time
import unittest

import kit
from certificates import openssl
from kit import DONE, FAILED, NOT_FOUND, REFUSED, USAGE, BoxTest, wait_until

OWN = "0.1.0.0"
TARGET = "linux-x86_64"
DEADLINE_S = 4 * kit.FACTOR
STORIES = ("good", "crashes", "good", "hangs", "exits", "wrong-machine", "no-check-in", "good", "bad-signature", "older", "same-release", "cut-off")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def of_version(program, version):
    """The same program with another version: the text has one place in it, and the new one the same length."""
    assert len(version) == len(OWN) and program.count(OWN.encode() + b"\0") == 1
    return program.replace(OWN.encode() + b"\0", version.encode() + b"\0")


def script(version, run):
    """An agent that passes its self-test, whatever comes then."""
    return f'#!/bin/sh\nif [ "$1" = self-test ]; then echo \'{{"version":"{version}"}}\'; exit 0; fi\n{run}\n'.encode()


class Supervisor:
    """Starts `hagent run` again whenever it ends, as systemd does."""

    def __init__(self, box):
        self.box, self.starts, self.stopping = box, 0, False
        self.process = None
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while not self.stopping:
            self.starts += 1
            self.process = self.box.spawn("run")
            self.process.popen.wait()
            time.sleep(0.05)  # as a service manager does; nothing waits for it

    def pid(self):
        return self.process.pid

    def stop(self):
        self.stopping = True
        self.process.popen.terminate()
        self.thread.join()


class Upgrades(BoxTest):
    def setUp(self):
        super().setUp()
        with open(self.box.program, "rb") as file:
            self.program = file.read()
        self.preinstalled = self.box.path("preinstalled")
        self.put(self.preinstalled, self.program)
        self.box.program, self.built = self.preinstalled, self.box.program
        self.key = self.box.trusted_key()
        self.stranger = self.box.path("stranger.pem")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.stranger)
        self.site, self.reports = self.box.path("site"), self.box.path("site", "reports")
        os.makedirs(self.reports)
        self.serial, self.jobs = 0, []
        self.box.configure(manager={"dialect": "folder", "urls": [f"file://{self.site}/"], "interval_s": 3600, "spread_s": 0})
        self.supervisor = None
        self.publish()

    def configure(self, **upgrade):
        # the interval may not be longer than a deadline of one's own
        self.box.configure(manager={"dialect": "folder", "urls": [f"file://{self.site}/"], "interval_s": 1, "spread_s": 0}, upgrade=upgrade)

    def put(self, path, content):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o755)

    def release(self, name, version, content, *more, key=None):
        """A signed package with that program for this machine; its folder."""
        self.serial += 1
        folder = os.path.join(self.site, name)
        self.put(os.path.join(folder, TARGET, "hagent"), content)
        self.expect(self.box.run("sign", folder, "--key", key or self.key, "--kind", "agent", "--package", "agent", "--version", version,
                                 "--serial", str(self.serial), *more), DONE)
        return folder

    def publish(self, *names):
        self.jobs += [{"id": "job-" + name, "package": name + "/"} for name in names]
        self.serial += 1
        path = os.path.join(self.site, "jobs.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump({"format": 1, "serial": self.serial, "reports": "reports/", "all": {"jobs": self.jobs}}, file)
        os.rename(path + ".new", path)
        self.expect(self.box.run("sign", path, "--key", self.key), DONE)

    def report(self):
        try:
            with open(os.path.join(self.reports, "test-1.json"), encoding="utf-8") as file:
                return json.load(file)
        except (FileNotFoundError, ValueError):
            return {"jobs": []}

    def result_of(self, name):
        found = [job for job in self.report()["jobs"] if job["id"] == "job-" + name]
        self.assertLessEqual(len(found), 1, "told once")
        return found[0] if found and found[0]["state"] in ("success", "failure") else None

    def retried(self, name):
        sessions = self.document(self.box.run("sessions", "--json"))["sessions"]
        return any(session["job"]["id"] == "job-" + name and session["results"] for session in sessions)

    def said(self):
        try:
            with open(self.box.path("output.log"), encoding="utf-8", errors="replace") as file:
                return file.read()[-6000:]
        except FileNotFoundError:
            return ""

    def supervise(self):
        self.supervisor = Supervisor(self.box)
        self.addCleanup(self.supervisor.stop)

    def settle(self, name, seconds=60):
        try:
            wait_until(lambda: self.result_of(name), seconds * kit.FACTOR, f"the end of {name}")
        except Exception:
            print(self.said())
            print(self.status())
            raise
        return self.result_of(name)

    def status(self):
        return self.document(self.box.run("upgrade", "status", "--json"))

    def daemon_version(self):
        done = self.box.run("status", "--json")
        return json.loads(done.stdout)["agent"]["version"] if done.returncode == DONE else None

    def content_of(self, story, version):
        if story == "wrong-machine":
            return self.program[:18] + b"\x28\x00" + self.program[20:]  # ARM
        runs = {"crashes": "kill -SEGV $$", "hangs": "exec sleep 1000", "exits": "exit 0"}
        if story in runs:
            return script(version, runs[story])
        content = of_version(self.program, version)
        return content.replace(b"jobs.json", b"jobz.json") if story == "no-check-in" else content


class InARow(Upgrades):
    def test_good_and_bad_releases_in_a_row(self):
        self.configure(confirm_deadline_s=int(DEADLINE_S), trial_starts=2)
        before = digest(self.preinstalled)
        present, number = OWN, 0
        self.supervise()
        for n in range(int(os.environ.get("HAGENT_UPGRADES") or 12)):
            story = STORIES[n % len(STORIES)]
            with self.subTest(n=n, story=story):
                number += 1
                version = {"older": "0.0.9.0", "same-release": present[:-1] + "7"}.get(story, f"{1 + number // 100}.{number // 10 % 10}.{number % 10}.0")
                name = f"r{n}-{story}"
                key = self.stranger if story == "bad-signature" else self.key
                folder = self.release(name, version, self.content_of(story, version), key=key)
                good = story == "good"
                if story == "cut-off":
                    self.cut_off(folder, version)
                else:
                    self.publish(name)
                    if story == "bad-signature":  # tried again for a while: a folder's files may be half there
                        wait_until(lambda: self.retried(name), 30 * kit.FACTOR, f"{name} is refused")
                        self.jobs.pop()
                        self.publish()
                        continue
                    result = self.settle(name)
                    self.assertEqual("success" if good or story == "same-release" else "failure", result["state"], result)
                    if story in ("crashes", "hangs", "exits", "no-check-in"):
                        self.assertIn("agent_given_up", json.dumps(result), result)
                present = version if good else present
                self.assertLess(self.supervisor.starts, 60)
                wait_until(lambda: self.daemon_version() == present, 30 * kit.FACTOR, f"{present} runs after {story}")
                state = self.status()
                self.assertEqual(present, state["running"]["version"])
                self.assertEqual(OWN, state["preinstalled"]["version"])
                self.assertIsNone(state["trial"])
                self.assertEqual(before, digest(self.preinstalled))
        kept = [name for name in os.listdir(os.path.join(self.box.state, "agent")) if name[0].isdigit()]
        self.assertLessEqual(len(kept), 4, kept)

    def cut_off(self, folder, version):
        """Staged by hand while no agent runs; then the disk loses half of it."""
        self.supervisor.stop()
        self.expect(self.box.run("upgrade", "stage", folder), DONE)
        self.assertEqual("trial", self.status()["staged"][0]["state"])
        with open(os.path.join(self.box.state, "agent", version, "hagent"), "r+b") as file:
            file.truncate(1000)
        self.supervise()
        wait_until(lambda: self.status()["trial"] is None, 30 * kit.FACTOR, "the trial is given up")
        self.assertEqual(("failed", version), (self.status()["last"]["result"], self.status()["last"]["to"]))


if __name__ == "__main__":
    unittest.main()
