# SPDX-License-Identifier: Apache-2.0
"""What the agent remembers is damaged, its clock is set back, its state directory is full or write-protected."""

import json
import os
import subprocess
import unittest
import urllib.request
import zlib

import kit
from kit import DONE, FAILED, REFUSED, BoxTest


class Remembers(BoxTest):
    """A device with a folder of this machine as its manager, and jobs that leave a mark each time they run."""

    def setUp(self):
        super().setUp()
        self.key = self.box.trusted_key()
        self.site = self.box.path("site")
        os.mkdir(self.site)
        self.serial = 0
        self.use()

    def use(self, **sections):
        self.box.configure(manager={"dialect": "folder", "urls": ["file://" + self.site], "interval_s": 3600, "spread_s": 0}, **sections)

    def package(self, name, script=None, *more):
        marks = os.path.join(self.box.root, name)
        program = self.box.write(f"{name}.sh", f"#!/bin/sh\necho ran >> {marks}\n", 0o700)
        script = script or f'EX "{program}"'
        self.box.write(f"site/{name}/{name}.rsp", f"[Version]\nNumber=1\n[Script]\n{script}\n")
        self.expect(self.box.run("sign", os.path.join(self.site, name), "--key", self.key, "--kind", "script", "--entry", f"{name}.rsp",
                                 "--package", name, "--version", "1", "--serial", "1", *more), DONE)

    def publish(self, *names, **more):
        self.serial += 1
        jobs = {"format": 1, "serial": self.serial, "reports": "reports/", "all": {"jobs": [{"id": name, "package": name + "/"} for name in names]}}
        path = self.box.write("site/jobs.json", json.dumps({**jobs, **more}))
        self.expect(self.box.run("sign", path, "--key", self.key), DONE)

    def check_in(self, *codes):
        done = self.box.run("check-in", "--once")
        self.assertIn(done.returncode, codes or (DONE,), done.stdout + done.stderr)
        self.assert_sane(done.stderr)
        return done.stdout + done.stderr

    def runs(self, name):
        try:
            with open(os.path.join(self.box.root, name), encoding="utf-8") as marks:
                return len(marks.readlines())
        except FileNotFoundError:
            return 0

    def told(self):
        with open(os.path.join(self.site, "reports", "test-1.json"), encoding="utf-8") as report:
            return {job["id"]: job["state"] for job in json.load(report)["jobs"]}

    def attributes(self):
        with open(os.path.join(self.site, "reports", "test-1.json"), encoding="utf-8") as report:
            return json.load(report)["attributes"]

    def status(self):
        return self.document(self.expect(self.box.run("status", "--json"), DONE))

    def damage(self, name, change):
        path = os.path.join(self.box.state, name)
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(change(content))

    def flip(self, name, at):
        def change(content):
            place = int(at * (len(content) - 1))
            return content[:place] + bytes([content[place] ^ 1]) + content[place + 1:]
        self.damage(name, change)


class Damage(Remembers):
    def test_no_fault_in_what_is_known_of_jobs_runs_one_twice_or_loses_its_final(self):
        faults = [lambda name=name, at=at: self.flip(name, at) for name in ("reports", "reports.copy", "sessions/000001/journal")
                  for at in (0, 0.3, 0.55, 0.8, 0.97)]
        faults += [lambda name=name: self.damage(name, lambda content: content[:len(content) // 3]) for name in ("reports", "sessions/000001/journal")]
        faults += [lambda: self.damage("reports", lambda _: b""), lambda: os.remove(os.path.join(self.box.state, "reports")),
                   lambda: [os.remove(os.path.join(self.box.state, name)) for name in ("reports", "reports.copy")]]
        self.package("once")
        self.box.write("site/reports", "")  # where a file stands nobody can put a report
        self.publish("once")
        self.check_in(DONE, FAILED, kit.TRY_LATER)
        self.assertEqual(1, self.runs("once"))
        self.assertEqual(1, self.status()["reports_queued"])
        kept = self.box.path("kept")
        subprocess.run(["cp", "-a", self.box.state, kept], check=True)
        for number, fault in enumerate(faults):
            with self.subTest(fault=number):
                subprocess.run(["rm", "-rf", self.box.state, self.box.path("site/reports")], check=True)
                subprocess.run(["cp", "-a", kept, self.box.state], check=True)
                fault()
                said = self.check_in()
                self.assertEqual(1, self.runs("once"), "it ran again")
                self.assertEqual({"once": "success"}, self.told())
                self.assertRegex(said, "damaged")
                self.assertTrue(self.status()["trust"]["damage"] or "missing" in said)

    def test_both_copies_of_the_serials_are_believed_alone_and_damage_in_both_is_refused(self):
        self.package("one")
        self.publish("one")
        self.check_in()
        for name in ("serials", "jobs-serials"):
            self.flip(name, 0.5)
        self.assertEqual(2, len(self.status()["trust"]["damage"]))
        self.assertIn("damaged", self.check_in())
        self.flip("jobs-serials", 0.5)
        self.flip("jobs-serials.copy", 0.5)
        self.assertIn("jobs-serials", self.check_in(FAILED, kit.TRY_LATER, REFUSED))

    def test_the_manager_and_the_page_hear_of_damage(self):
        self.package("one")
        self.publish("one")
        self.check_in()
        self.flip("reports", 0.4)
        self.package("two")
        self.publish("one", "two")
        self.check_in()
        self.assertIn("reports", self.attributes()["agent.state"])
        agent = self.box.daemon()
        self.assertIn("reports", json.dumps(self.status()["trust"]["damage"]))
        self.expect(self.box.run("status"), DONE, "damage")
        agent.process.stop()


class Clock(Remembers):
    def set_newest_time(self, year):
        """As FORMAT.md says: what an earlier life of the agent has seen."""
        millis = int(subprocess.run(["date", "-u", "-d", f"{year}-06-01", "+%s"], check=True, capture_output=True, text=True).stdout) * 1000
        body = f"hagent-time 1\n{millis}\n"
        for name in ("trusted-time", "trusted-time.copy"):
            self.box.write(os.path.join(self.box.state, name), body + f"crc {zlib.crc32(body.encode())}\n")

    def test_a_clock_that_is_set_back_revives_no_package_and_no_list(self):
        self.package("stale", None, "--expires", "2031-01-01T00:00:00Z")
        self.publish("stale")
        self.set_newest_time(2033)
        said = self.check_in(FAILED)
        self.assertIn("package_expired", said + json.dumps(self.document(self.box.run("sessions", "--json"))))
        self.assertIn("has been 2033-06-01", json.dumps(self.document(self.box.run("sessions", "--json"))))
        self.publish("stale", expires="2031-01-01T00:00:00Z")
        self.assertIn("has been 2033-06-01", self.check_in(REFUSED))
        self.assertEqual(0, self.runs("stale"))

    def test_the_newest_time_is_kept_and_what_is_in_force_runs(self):
        self.package("fresh", None, "--expires", "2040-01-01T00:00:00Z")
        self.publish("fresh", expires="2040-01-01T00:00:00Z")
        self.set_newest_time(2033)
        self.check_in()
        self.assertEqual(1, self.runs("fresh"))
        self.flip("trusted-time", 0.5)
        self.flip("trusted-time.copy", 0.5)
        self.package("later", None, "--expires", "2040-01-01T00:00:00Z")
        self.publish("later")
        self.check_in(FAILED, REFUSED, kit.TRY_LATER)
        self.assertEqual(0, self.runs("later"), "nobody knows how late it is")


@unittest.skipUnless(os.geteuid() == 0, "mounts need root")
class Place(Remembers):
    def mount(self, *arguments):
        done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("no mounts here: " + done.stderr)
        self.addCleanup(subprocess.run, ["umount", "-l", arguments[-1]], check=False, capture_output=True)

    def test_a_write_protected_state_directory_is_told_and_no_reason_not_to_check_in(self):
        self.publish()
        self.check_in()
        os.remove(os.path.join(self.site, "reports", "test-1.json"))
        self.mount("--bind", self.box.state, self.box.state)
        self.mount("-o", "remount,ro,bind", self.box.state)
        self.package("new")
        self.publish("new")
        said = self.check_in()
        self.assertEqual(0, self.runs("new"))
        self.assertNotIn("another hagent", said)
        self.assertIn("write-protected", said)
        self.assertIn("write-protected", self.attributes()["agent.state"])

    def test_a_daemon_lives_on_a_write_protected_state_directory(self):
        self.publish()
        self.mount("--bind", self.box.state, self.box.state)
        self.mount("-o", "remount,ro,bind", self.box.state)
        self.box.spawn("run")
        kit.wait_until(lambda: os.path.exists(os.path.join(self.site, "reports", "test-1.json")), 20 * kit.FACTOR, "it has checked in")
        self.assertIn("write-protected", self.attributes()["agent.state"])
        with urllib.request.urlopen(f"http://127.0.0.1:{self.box.port}/v1/status", timeout=10) as answer:
            self.assertIn("write-protected", json.load(answer)["trust"]["state_problem"])

    def test_a_full_place_does_not_stop_the_job_that_frees_space(self):
        for size in ("128k", "1m"):
            with self.subTest(size=size):
                self.fill_and_free(size)

    def fill_and_free(self, size):
        small = self.box.path("small-" + size)
        os.mkdir(small)
        self.mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "none", small)
        self.box.state, self.box.root = os.path.join(small, "state"), os.path.join(small, "root")
        os.mkdir(self.box.root)
        self.use()
        filler = os.path.join(self.box.root, "filler")
        self.package("frees", f'DF "{filler}"')
        self.publish()
        self.check_in()
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        self.publish("frees")
        self.check_in()
        self.assertFalse(os.path.exists(filler))
        self.assertEqual({"frees": "success"}, self.told())


if __name__ == "__main__":
    unittest.main(verbosity=2)  # with the reasons of what is skipped
