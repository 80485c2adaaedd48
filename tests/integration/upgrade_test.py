# SPDX-License-Identifier: Apache-2.0
"""The agent replaces itself: good releases and bad ones, one after the other, offered by a manager that is a folder. Whatever they do,
the device ends with the right agent, says once for each what became of it, and the preinstalled program stays the one that it was.

  HAGENT_UPGRADES=100 upgrade_test.py     as many in a row instead of 30
  HAGENT_OLD_LAUNCHER=PROGRAM             a program that was built earlier is the preinstalled one"""

import collections
import json
import os
import shutil
import signal
import stat
import threading
import time
import unittest

import kit
from agent_releases import about, of_version, script, write_program
from certificates import openssl
from demo_package import digest
from kit import DONE, FAILED, REFUSED, USAGE, BoxTest, wait_until

OWN, TARGET = about(kit.binary())
DEADLINE_S = 4 * kit.FACTOR  # for those that wait for it; the others get one that a busy machine meets
STORIES = ("good", "crashes", "good", "hangs", "exits", "wrong-machine", "no-check-in", "good", "bad-signature", "older", "same-release", "cut-off")


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
        self.built = os.environ.get("HAGENT_OLD_LAUNCHER") or self.box.program
        shutil.copy(self.built, self.preinstalled)
        self.box.program = self.preinstalled
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

    def release(self, name, version, content, *more, key=None):
        """A signed package with that program for this machine; its folder."""
        self.serial += 1
        folder = os.path.join(self.site, name)
        write_program(os.path.join(folder, TARGET, "hagent"), content)
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
        content = of_version(self.program, OWN, version)
        return content.replace(b"jobs.json", b"jobz.json") if story == "no-check-in" else content


class InARow(Upgrades):
    def wait_as(self, story):
        """The deadline that this story needs, in the agent that runs."""
        seconds = int(DEADLINE_S) if story in ("hangs", "no-check-in") else int(60 * kit.FACTOR)
        if seconds != self.deadline_s:
            self.deadline_s, lives = seconds, self.lives()
            self.configure(confirm_deadline_s=seconds, trial_starts=2)
            self.supervisor.process.popen.send_signal(signal.SIGHUP)
            wait_until(lambda: self.lives() > lives, 30 * kit.FACTOR, "the new configuration")

    def lives(self):
        with open(self.box.log, encoding="utf-8") as file:
            return file.read().count("agent: ready")

    def test_good_and_bad_releases_in_a_row(self):
        self.deadline_s = int(60 * kit.FACTOR)
        self.configure(confirm_deadline_s=self.deadline_s, trial_starts=2)
        before = digest(self.preinstalled)
        present, number, played = OWN, 0, collections.Counter()
        self.supervise()
        for n in range(int(os.environ.get("HAGENT_UPGRADES") or 30)):
            story = STORIES[n % len(STORIES)]
            with self.subTest(n=n, story=story):
                number += 1
                played[story] += 1
                self.wait_as(story)
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
        print(f"{played.total()} releases in a row, {present} runs: {dict(played)}")

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


class ByHand(Upgrades):
    """The verbs of `upgrade`, and `check-in --once`, which goes through the restart in one process."""

    def staged(self, version, story="good"):
        folder = self.release("r-" + version, version, self.content_of(story, version))
        self.expect(self.box.run("upgrade", "stage", folder), DONE, "trial")
        return folder

    def test_status_before_anything_was_upgraded(self):
        state = self.status()
        self.assertEqual({"version": OWN, "path": self.preinstalled, "preinstalled": True}, state["running"])
        self.assertEqual((OWN, [], None, None, []), (state["preinstalled"]["version"], state["staged"], state["trial"], state["last"], state["parked"]))
        self.expect(self.box.run("upgrade", "status"), DONE, OWN)
        for verb in ("confirm", "rollback"):
            self.expect(self.box.run("upgrade", verb), FAILED, "agent_nothing_to_do")
        self.expect(self.box.run("upgrade"), USAGE)
        self.expect(self.box.run("upgrade", "stage"), USAGE)
        self.expect(self.box.run("upgrade", "fly"), USAGE)
        self.assertFalse(os.path.exists(os.path.join(self.box.state, "agent")), "looking leaves nothing behind")

    def test_a_package_is_staged_by_hand_tried_by_the_next_start_and_confirmed_by_its_check_in(self):
        folder = self.staged("1.0.0.0")
        state = self.status()
        self.assertEqual(({"version": "1.0.0.0", "starts": 0, "deadline": None}, True), (state["trial"], state["running"]["preinstalled"]))
        place = os.path.join(self.box.state, "agent", "1.0.0.0")
        self.assertEqual(["hagent", "manifest.json", "manifest.sig"], sorted(os.listdir(place)))
        self.assertEqual(0o755, stat.S_IMODE(os.stat(os.path.join(place, "hagent")).st_mode))
        self.expect(self.box.run("verify", folder, "--keys", self.box.keys), DONE)
        daemon = self.box.spawn("run")
        wait_until(lambda: self.status()["trial"] is None, 20 * kit.FACTOR, "its check-in")
        wait_until(lambda: self.box.daemon_pid() == daemon.pid, 20 * kit.FACTOR, "the same process is the agent")
        self.assertEqual("1.0.0.0", self.daemon_version())
        state = self.status()
        self.assertEqual((place + "/hagent", False), (state["running"]["path"], state["running"]["preinstalled"]))
        self.assertEqual(("confirmed", OWN, "1.0.0.0"), (state["last"]["result"], state["last"]["from"], state["last"]["to"]))
        self.assertEqual([{"version": "1.0.0.0", "state": "confirmed"}], state["staged"])
        self.expect(self.box.run("upgrade", "rollback"), DONE)
        wait_until(lambda: (self.daemon_version(), self.box.daemon_pid()) == (OWN, daemon.pid), 20 * kit.FACTOR, "the daemon goes back by itself")
        self.assertEqual("rolled_back", self.status()["last"]["result"])
        held = [os.readlink(f"/proc/{daemon.pid}/fd/{name}") for name in os.listdir(f"/proc/{daemon.pid}/fd")]
        self.assertEqual(1, held.count(os.path.join(self.box.state, "lock")), "no lock came over from an earlier program")
        self.assertEqual(digest(self.built), digest(self.preinstalled))

    def test_a_check_in_by_itself_takes_an_upgrade_to_its_end(self):
        self.release("up", "1.0.0.0", self.content_of("good", "1.0.0.0"))
        self.publish("up")
        self.expect(self.box.run("check-in", "--once"), DONE)
        self.assertEqual("success", self.result_of("up")["state"])
        self.assertEqual("1.0.0.0", self.status()["running"]["version"])
        self.release("bad", "2.0.0.0", self.content_of("exits", "2.0.0.0"))
        self.publish("bad")
        for _ in range(5):
            if not self.result_of("bad"):
                self.box.run("check-in", "--once")
        self.assertEqual("failure", self.result_of("bad")["state"])
        self.assertEqual("1.0.0.0", self.status()["running"]["version"])

    def test_a_trial_is_confirmed_or_ended_by_hand(self):
        self.staged("1.0.0.0")
        self.expect(self.box.run("upgrade", "confirm"), DONE)
        self.assertEqual(("1.0.0.0", None), (self.status()["running"]["version"], self.status()["trial"]))
        self.staged("2.0.0.0")
        self.expect(self.box.run("upgrade", "rollback"), DONE)
        state = self.status()
        self.assertEqual(("1.0.0.0", None, "rolled_back"), (state["running"]["version"], state["trial"], state["last"]["result"]))

    def test_refusals_have_their_own_exit_codes_and_reasons(self):
        good = self.content_of("good", "1.0.0.0")
        stage = lambda folder, code, *words: self.expect(self.box.run("upgrade", "stage", folder), code, *words)  # noqa: E731
        stage(self.release("stranger", "1.0.0.0", good, key=self.stranger), REFUSED, "unknown_key")
        stage(self.box.path("nowhere"), FAILED)
        stage(self.release("old", "0.0.1.0", good), FAILED, "agent_older")
        stage(self.release("same", OWN[:-1] + "9", good), DONE, "agent_not_newer")
        stage(self.release("lies", "3.0.0.0", good), FAILED, "agent_self_test_failed", "1.0.0.0")
        stage(self.release("arm", "1.0.0.0", self.content_of("wrong-machine", "1.0.0.0")), FAILED, "agent_self_test_failed", "cannot be executed")
        os.rename(os.path.join(self.release("other", "1.0.0.0", good), TARGET), os.path.join(self.site, "other", "linux-mips"))
        self.expect(self.box.run("sign", os.path.join(self.site, "other"), "--key", self.key, "--kind", "agent", "--package", "agent", "--version",
                                 "1.0.0.0", "--serial", "90"), DONE)
        stage(os.path.join(self.site, "other"), FAILED, "agent_no_target")
        self.assertEqual((OWN, None), (self.status()["running"]["version"], self.status()["trial"]))
        stage(self.release("allowed", "0.0.1.0", of_version(self.program, OWN, "0.0.1.0"), "--allow-downgrade"), REFUSED, "package_replayed")

    def test_rotated_keys_and_a_manifest_that_counts_no_more_strand_nobody(self):
        self.release("up", "1.0.0.0", self.content_of("good", "1.0.0.0"))
        self.publish("up")
        self.expect(self.box.run("check-in", "--once"), DONE)
        for name in os.listdir(self.box.keys):
            os.unlink(os.path.join(self.box.keys, name))
        place = os.path.join(self.box.state, "agent/1.0.0.0")
        for name in ("manifest.json", "manifest.sig"):  # what was signed is not asked again either
            with open(os.path.join(place, name), "wb") as file:
                file.write(b"{}")
        self.supervise()
        wait_until(lambda: self.daemon_version() == "1.0.0.0", 30 * kit.FACTOR, "the confirmed agent runs")

    def test_the_newer_of_the_preinstalled_and_the_confirmed_agent_runs(self):
        self.release("up", "1.0.0.0", self.content_of("good", "1.0.0.0"))
        self.publish("up")
        self.expect(self.box.run("check-in", "--once"), DONE)
        os.unlink(self.preinstalled)  # as a package manager does
        write_program(self.preinstalled, of_version(self.program, OWN, "9.0.0.0"))
        self.supervise()
        wait_until(lambda: self.daemon_version() == "9.0.0.0", 30 * kit.FACTOR, "the newer one runs")
        self.assertTrue(self.status()["running"]["preinstalled"])

    def test_a_downgrade_that_the_package_allows(self):
        self.release("down", "0.0.1.0", of_version(self.program, OWN, "0.0.1.0"), "--allow-downgrade")
        self.publish("down")
        self.expect(self.box.run("check-in", "--once"), DONE)
        self.assertEqual("success", self.result_of("down")["state"])
        self.assertEqual("0.0.1.0", self.status()["running"]["version"])

    def test_agents_lie_where_the_configuration_says(self):
        place = self.box.path("elsewhere")
        os.mkdir(place, 0o755)
        self.box.configure(manager={"dialect": "folder", "urls": [f"file://{self.site}/"], "interval_s": 3600, "spread_s": 0}, upgrade={"dir": place})
        self.release("up", "1.0.0.0", self.content_of("good", "1.0.0.0"))
        self.publish("up")
        self.expect(self.box.run("check-in", "--once"), DONE)
        self.assertEqual(os.path.join(place, "agent/1.0.0.0/hagent"), self.status()["running"]["path"])

    def test_an_upgraded_program_that_was_damaged_gives_way_to_the_one_before(self):
        for version in ("1.0.0.0", "2.0.0.0"):
            self.release("up" + version[0], version, self.content_of("good", version))
            self.publish("up" + version[0])
            self.expect(self.box.run("check-in", "--once"), DONE)
        with open(os.path.join(self.box.state, "agent/2.0.0.0/hagent"), "r+b") as file:
            file.truncate(5000)
        self.expect(self.box.run("check-in", "--once"), DONE, "not the one that was verified")
        self.assertEqual("1.0.0.0", self.status()["running"]["version"])
        shutil.rmtree(os.path.join(self.box.state, "agent/1.0.0.0"))
        self.expect(self.box.run("check-in", "--once"), DONE)
        self.assertEqual((OWN, "fell_back"), (self.status()["running"]["version"], self.status()["last"]["result"]))

    def test_a_record_that_is_lost_leaves_the_preinstalled_agent(self):
        self.release("up", "1.0.0.0", self.content_of("good", "1.0.0.0"))
        self.publish("up")
        self.expect(self.box.run("check-in", "--once"), DONE)
        for name in ("record", "record.copy"):
            with open(os.path.join(self.box.state, "agent", name), "wb") as file:
                file.write(b"\0" * 100)
        self.expect(self.box.run("check-in", "--once"), DONE, "this one is used")


if __name__ == "__main__":
    unittest.main()
