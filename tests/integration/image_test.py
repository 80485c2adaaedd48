# SPDX-License-Identifier: Apache-2.0
"""System images on this machine: slots are plain files, the boot loader is a hook, and what a restart does is done by the test. The
packages come from real servers over HTTP and FTP, or from a folder."""

import fcntl
import gzip
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import unittest

import kit
from hook_slots import HookSlots
from kit import DONE, FAILED, TRY_LATER, BoxTest, wait_until
from servers import Nginx, Vsftpd
from setup_packages import SERVERS, ensure

CHUNK = 64 << 10
CHUNKS = 100
SLOT = (CHUNKS + 8) * CHUNK


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Images(BoxTest):
    def setUp(self):
        super().setUp()
        self.key = self.box.trusted_key()
        self.machine = HookSlots(self.box.folder, self.box.hooks, SLOT)
        self.slots, self.asked, self.environment = self.machine.paths, self.machine.asked, self.machine.environment
        self.put_slot, self.boot_state, self.restart_machine = self.machine.put, self.machine.state, self.machine.restart
        self.noise = random.Random(1)
        self.old = self.raw()
        self.put_slot("A", self.old)
        self.site = self.box.path("site")
        self.reports = os.path.join(self.site, "reports")
        os.makedirs(self.reports)
        os.chmod(self.box.folder, 0o755)
        self.serial, self.jobs = 0, []
        self.configure()

    def configure(self, **image):
        self.box.configure(manager={"dialect": "folder", "urls": [f"file://{self.site}/"], "interval_s": 1, "spread_s": 0},
                           image=self.machine.settings(**image))

    def raw(self):
        return b"".join(self.noise.randbytes(CHUNK) for _ in range(CHUNKS))

    def slot(self, name, size=CHUNKS * CHUNK):
        return self.machine.content(name, size)

    def package(self, name, raw, compression="gzip", chunks=None, repositories=(), hook=None, whole=None, **member):
        """A signed package of one part; its folder. `chunks` may change the stored chunks, `whole` the digest of the raw image."""
        folder = os.path.join(self.site, name)
        os.makedirs(folder)
        pack = (lambda data: gzip.compress(data, 1, mtime=0)) if compression == "gzip" else bytes
        stored = [pack(raw[at:at + CHUNK]) for at in range(0, len(raw), CHUNK)]
        table, offset = "", 0
        for number, chunk in enumerate(stored):
            table += f"{offset} {len(chunk)} {digest(raw[number * CHUNK:(number + 1) * CHUNK])}\n"
            offset += len(chunk)
        files = {"root.img": b"".join(chunks(stored) if chunks else stored), "root.chunks": table.encode()}
        if hook:
            files["migrate"] = hook.encode()
        for path, content in files.items():
            with open(os.path.join(folder, path), "wb") as file:
                file.write(content)
        self.serial += 1
        part = {"name": "root", "file": "root.img", "chunks": "root.chunks", "compression": compression, "raw_bytes": len(raw),
                "raw_sha256": whole or digest(raw), "chunk_bytes": CHUNK}
        manifest = {"format": 1, "kind": "image", "package": "system", "version": f"{self.serial}.0", "serial": self.serial, "entry": "",
                    "targets": {"os": [], "platforms": [], "devices": []}, "expires": None, "repositories": list(repositories),
                    "files": [{"path": path, "bytes": len(content), "sha256": digest(content)} for path, content in files.items()],
                    "image": {"version": f"{self.serial}.0", "parts": [part], **({"hooks": {"after_write": "migrate"}} if hook else {}), **member}}
        with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key, "-out", os.path.join(folder, "manifest.sig"),
                        os.path.join(folder, "manifest.json")], check=True)
        return folder

    def publish(self, *names):
        for name in names:
            with open(os.path.join(self.site, name, "manifest.json"), "rb") as file:
                self.jobs.append({"id": "job-" + name, "package": name + "/", "manifest_sha256": digest(file.read())})
        self.serial += 1
        path = os.path.join(self.site, "jobs.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"format": 1, "serial": self.serial, "reports": "reports/", "all": {"jobs": self.jobs}}, file)
        self.expect(self.box.run("sign", path, "--key", self.key), DONE)

    def at_first_look(self, command):
        """The boot loader's hook runs a shell command before it answers for the first time from now on."""
        once, hook = self.box.path("looked"), os.path.join(self.box.hooks, "boot")
        with open(hook, "r+", encoding="ascii") as file:
            text = file.read().replace("set -e\n", f"set -e\n[ -e {once} ] || {{ {command}; : > {once}; }}\n", 1)
            file.seek(0)
            file.write(text)
        return once

    def life(self, until, seconds=60):
        """The daemon, until something is true."""
        daemon = self.box.daemon()
        try:
            wait_until(until, seconds * kit.FACTOR, "what this life is for")
        finally:
            daemon.signal(signal.SIGTERM)
            self.assertEqual(0, daemon.wait(20))

    def until_restart(self):
        self.life(lambda: os.path.exists(self.asked))
        self.restart_machine()

    def result_of(self, name):
        try:
            with open(os.path.join(self.reports, "test-1.json"), encoding="utf-8") as file:
                found = [job for job in json.load(file)["jobs"] if job["id"] == "job-" + name]
        except (FileNotFoundError, ValueError):
            return None
        return found[0] if found and found[0]["state"] in ("success", "failure") else None

    def kinds(self):
        """Of the sessions, which the list of jobs does not tell."""
        return [session["kind"] for session in self.document(self.box.run("sessions", "--json"))["sessions"]]

    def status(self):
        return self.document(self.expect(self.box.run("image", "status", "--json"), DONE))

    def write(self, source, *more, code=DONE):
        done = self.expect(self.box.run("image", "write", source, "--json", *more), code)
        return self.document(done)

    def new_slot(self, slot="B"):
        return [view for view in self.status()["slots"] if view["name"] == slot][0]


class Stories(Images):
    def test_an_image_is_taken_started_proved_and_kept(self):
        raw = self.raw()
        self.package("good", raw)
        self.publish("good")
        self.until_restart()
        self.assertIsNone(self.result_of("good"), "success is told after the proof only")
        self.assertEqual(["image"], self.kinds())
        self.assertEqual(raw, self.slot("B"))
        trial = self.status()
        self.assertEqual(("B", "B"), (trial["running"], trial["trial"]["slot"]))
        self.life(lambda: self.result_of("good"))
        self.assertEqual("success", self.result_of("good")["state"])
        self.assertEqual(["image"], self.kinds())
        state = self.boot_state()
        self.assertEqual(("B", "", "B"), (state["chosen"], state["trial"], state["running"]))
        after = self.status()
        self.assertIsNone(after["trial"])
        self.assertEqual("success", after["last"]["result"])
        self.assertEqual({"name", "device", "running", "bootable", "version", "bytes"}, set(after["slots"][0]))
        self.assertEqual(self.old, self.slot("A"))

    def test_a_health_program_sends_it_back_and_its_words_reach_the_manager(self):
        check = self.box.write("check", f"#!/bin/sh\n. {self.environment}\n[ $running = A ] || {{ echo no screen; exit 3; }}\n", 0o755)
        self.configure(health=[[check, "all"]])
        self.package("ill", self.raw())
        self.publish("ill")
        self.until_restart()
        self.assertEqual("B", self.boot_state()["running"])
        self.until_restart()
        self.assertEqual("A", self.boot_state()["running"])
        self.life(lambda: self.result_of("ill"))
        result = self.result_of("ill")
        self.assertEqual("failure", result["state"])
        self.assertIn("no screen", json.dumps(result))
        self.assertEqual("failed", self.status()["last"]["result"])

    def test_a_system_without_an_agent_uses_its_starts(self):
        self.package("mute", self.raw())
        self.publish("mute")
        self.until_restart()
        self.restart_machine()
        self.restart_machine()
        self.assertEqual("A", self.boot_state()["running"])
        self.life(lambda: self.result_of("mute"))
        self.assertIn("image_trial_not_reached", json.dumps(self.result_of("mute")) + json.dumps(self.document(self.box.run("sessions", "--json"))))

    def test_that_its_agent_came_up_is_noted_before_it_can_hang_over_its_manager(self):
        self.package("hangs", self.raw())
        self.publish("hangs")
        self.until_restart()
        looked = self.at_first_look("sleep 1")  # meanwhile a check-in would begin
        with socket.create_server(("127.0.0.1", 0)) as manager:
            manager.settimeout(60 * kit.FACTOR)
            self.box.configure(manager={"dialect": "folder", "urls": [f"http://127.0.0.1:{manager.getsockname()[1]}/"]}, image=self.machine.settings())
            daemon = self.box.daemon()
            manager.accept()[0].close()
            self.assertTrue(os.path.exists(looked), "the boot loader was looked at first")
            daemon.signal(signal.SIGKILL)
            daemon.wait(20)
        self.assertEqual("2", self.boot_state()["tries"], "an agent that came up has its start given back")

    def test_an_operator_confirms_or_ends_a_trial(self):
        self.expect(self.box.run("image", "confirm"), FAILED, "image_no_trial")
        self.write(self.package("by-hand", self.raw()))
        self.restart_machine()
        self.expect(self.box.run("image", "confirm"), DONE)
        self.assertEqual(("B", ""), (self.boot_state()["chosen"], self.boot_state()["trial"]))
        self.expect(self.box.run("image", "rollback"), FAILED, "image_no_trial")


class Promises(Images):
    """What went wrong elsewhere. Each of these tests has a mutation that it notices."""

    def on_trial(self, name, **more):
        self.package(name, self.raw(), **more)
        self.publish(name)
        self.until_restart()
        self.assertEqual("B", self.boot_state()["running"])

    def back(self, name, *words):
        """The new system gives itself up, and the old one tells why."""
        self.until_restart()
        self.assertEqual(("A", ""), (self.boot_state()["running"], self.boot_state()["trial"]))
        self.life(lambda: self.result_of(name))
        told = json.dumps(self.result_of(name))
        self.assertEqual("failure", self.result_of(name)["state"])
        for word in words:
            self.assertIn(word, told)

    def notes(self):
        with open(os.path.join(self.box.state, "images.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_a_new_system_that_reaches_no_manager_is_not_kept(self):
        self.configure(confirm_deadline_s=10, confirm_deadline_max_s=10)
        self.on_trial("mute")
        os.rename(os.path.join(self.site, "jobs.json"), self.box.path("jobs.json"))
        self.until_restart()
        os.rename(self.box.path("jobs.json"), os.path.join(self.site, "jobs.json"))
        self.assertEqual("A", self.boot_state()["running"])
        self.life(lambda: self.result_of("mute"))
        self.assertIn("no manager answered within 10 s", json.dumps(self.result_of("mute")))

    def test_what_failed_in_the_old_system_too_is_told_and_is_no_evidence(self):
        self.configure(health=[[self.box.write("check", "#!/bin/sh\necho no licence; exit 1\n", 0o755)]])
        self.on_trial("well")
        self.life(lambda: self.result_of("well"))
        self.assertEqual("success", self.result_of("well")["state"])
        self.assertIn("no licence", json.dumps(self.document(self.box.run("sessions", "--json"))))

    def test_a_trial_that_lost_its_record_is_not_kept(self):
        self.on_trial("lost")
        os.unlink(os.path.join(self.box.state, "images.json"))
        self.expect(self.box.run("image", "confirm"), FAILED, "image_no_trial")
        self.back("lost", "its record is gone")

    def test_a_disk_in_another_device_is_not_kept(self):
        self.on_trial("moved")
        notes = self.notes()
        notes["trial"]["mac"] = "02:00:00:00:00:01"
        self.box.write("state/images.json", json.dumps(notes))
        self.expect(self.box.run("image", "confirm"), FAILED, "image_other_device")
        self.back("moved", "the one that began had 02:00:00:00:00:01")

    def test_nothing_else_begins_while_an_image_is_on_trial(self):
        self.on_trial("first")
        before = self.boot_state()
        self.assertIn("waits_for_trial", json.dumps(self.write(self.package("second", self.raw()), code=FAILED)))
        self.assertEqual(before, self.boot_state())
        self.life(lambda: self.result_of("first"))
        self.assertEqual("success", self.result_of("first")["state"], self.result_of("first"))

    def test_what_reads_back_as_another_image_is_not_switched_to(self):
        document = self.write(self.package("lies", self.raw(), whole=digest(b"another")), code=FAILED)
        self.assertIn("image_verify_failed", json.dumps(document))
        self.assertEqual(("A", ""), (self.boot_state()["chosen"], self.boot_state()["trial"]))
        self.assertFalse(self.new_slot()["bootable"])

    def test_a_program_that_was_cut_off_runs_again_over_a_whole_image(self):
        seen = self.box.path("seen")
        hook = f"""#!/bin/sh
dd if=$HAGENT_SLOT_DEVICE_ROOT bs=1 skip=200 count=4 status=none >> {seen}; echo >> {seen}
printf half | dd of=$HAGENT_SLOT_DEVICE_ROOT conv=notrunc bs=1 seek=200 status=none
[ $(wc -l < {seen}) -gt 1 ] || exec sleep 600
"""
        raw = b"good" * (CHUNK // 4) + self.raw()[CHUNK:]
        folder = self.package("hooked", raw, hook=hook)
        process = self.box.spawn("image", "write", folder)
        wait_until(lambda: self.slot("B")[200:204] == b"half", 60 * kit.FACTOR, "the program is at work")
        os.kill(process.pid, signal.SIGKILL)
        process.popen.wait()
        self.assertEqual("", self.boot_state()["trial"])
        self.write(folder)
        with open(seen, encoding="utf-8") as file:
            self.assertEqual(["good", "good"], file.read().split())

    def test_a_slot_that_somebody_has_mounted_or_holds_is_not_written(self):
        before = self.slot("B", SLOT)
        with open(self.slots["B"], "rb") as holder:
            fcntl.flock(holder, fcntl.LOCK_EX)
            document = self.write(self.package("held", self.raw()), code=FAILED)
        self.assertIn("image_slot_in_use", json.dumps(document))
        self.assertEqual(before, self.slot("B", SLOT))

    def test_a_table_that_calls_the_slot_that_runs_by_another_name_is_refused(self):
        os.symlink(self.slots["A"], self.box.path("by-label"))
        self.configure(slots=[{"name": "A", "device": self.slots["A"]}, {"name": "B", "device": self.box.path("by-label")}])
        document = self.write(self.package("linked", self.raw()), code=FAILED)
        self.assertIn("image_device_unfit", json.dumps(document))
        self.assertEqual(self.old, self.slot("A"))


class Chunks(Images):
    def test_the_second_image_takes_little_and_the_same_one_nothing(self):
        ensure({name: SERVERS[name] for name in ("vsftpd", "nginx")})
        http = Nginx(self.box.services, self.box.path("nginx"), self.site)
        http.start()
        ftp = Vsftpd(self.box.services, self.box.path("vsftpd"), self.site)
        ftp.start()
        changed = bytearray(self.old)
        for number in self.noise.sample(range(CHUNKS), CHUNKS * 5 // 100):
            changed[number * CHUNK:(number + 1) * CHUNK] = self.noise.randbytes(CHUNK)
        for name, url in (("http", f"http://127.0.0.1:{http.port}"), ("ftp", f"ftp://127.0.0.1:{ftp.port}")):
            self.put_slot("B", b"")
            self.package(name, bytes(changed))
            document = self.write(f"{url}/{name}/")
            chunks = document["chunks"]
            self.assertEqual({"total": CHUNKS, "kept": 0, "copied": 95, "fetched": 5}, chunks)
            size = os.path.getsize(os.path.join(self.site, name, "root.img"))
            transferred = sum(view["bytes"] for view in document.get("transfers", []) if view["file"] == "root.img")
            print(f"{name}: 5 % of the chunks differ: {chunks['fetched']} of {chunks['total']} fetched, {transferred} of {size} bytes")
            self.assertLessEqual(transferred, size * 7 // 100)
            self.assertEqual(bytes(changed), self.slot("B"))
            self.back_to_a()
        self.package("same", self.old)
        chunks = self.write(f"http://127.0.0.1:{http.port}/same/")["chunks"]
        print(f"http: the same image: {chunks['fetched']} of {chunks['total']} chunks fetched")
        self.assertEqual(0, chunks["fetched"])
        with open(http.log, encoding="utf-8") as log:
            self.assertNotIn("/same/root.img", log.read())

    def back_to_a(self):
        self.expect(self.box.run("image", "rollback"), DONE)
        self.publish()
        done = self.box.run("check-in", "--once")  # the session hears of it
        self.assertIn(done.returncode, (DONE, FAILED, TRY_LATER), done.stderr)

    def test_a_write_that_is_killed_goes_on_where_it_was(self):
        raw = self.raw()
        folder = self.package("killed", raw, "none")
        process = self.box.spawn("image", "write", folder)
        wait_until(lambda: self.slot("B")[8 * CHUNK:9 * CHUNK] == raw[8 * CHUNK:9 * CHUNK], 30 * kit.FACTOR, "some of it is written")
        os.kill(process.pid, signal.SIGKILL)
        process.popen.wait()
        document = self.write(folder)
        self.assertEqual(raw, self.slot("B"))
        self.assertEqual(CHUNKS, document["chunks"]["fetched"])

    def test_one_slot_without_a_boot_loader_is_written_and_not_switched(self):
        self.configure(boot="none", slots=[{"name": "disk", "device": self.slots["B"]}])
        raw = self.raw()
        document = self.write(self.package("single", raw))
        self.assertEqual(raw, self.slot("B"))
        self.assertEqual(["prepare", "write", "verify"], [step["op"] for step in document["steps"]])
        self.assertFalse(os.path.exists(self.asked))


class Broken(Images):
    def refused(self, folder, *words):
        document = self.write(folder, code=FAILED)
        for word in words:
            self.assertIn(word, json.dumps(document))
        self.assertEqual("A", self.boot_state()["chosen"])
        self.assertEqual("", self.boot_state()["trial"])
        return document

    def test_what_analysis_can_tell_changes_nothing(self):
        before = self.slot("B", SLOT)
        for words, folder in (
                (("image_too_large",), self.package("large", self.raw() + self.raw())),
                (("image_wrong_hardware",), self.package("other", self.raw(), platforms=["no such device"])),
                (("image_version_refused",), self.package("later", self.raw(), min_version="999.0")),
                (("chunk_table_malformed",), self.package("short", self.raw(), chunks=lambda stored: stored[:-1]))):
            with self.subTest(words=words):
                self.refused(folder, *words)
                self.assertEqual(before, self.slot("B", SLOT))

    def test_a_bomb_and_another_content_in_a_chunk_end_the_work_and_the_next_image_is_written(self):
        bomb = gzip.compress(b"\0" * (64 << 20), 9, mtime=0)
        for name, wrong in (("bomb", bomb), ("swapped", gzip.compress(b"x" * CHUNK, 1, mtime=0))):
            with self.subTest(name=name):
                self.refused(self.lying(name, wrong), "image_chunk_bad", "chunk 7")
                self.assertTrue(self.slot("B", 64).startswith(b"hagent"), "it says itself that it is not whole")
                self.assertFalse(self.new_slot()["bootable"])
        raw = self.raw()
        self.write(self.package("next", raw))
        self.assertEqual(raw, self.slot("B"))

    def with_table(self, name, change):
        """A package whose signed table says something else of the chunks 7 and 8: `change` gets them as [offset, bytes, digest]."""
        folder = self.package(name, self.raw())
        table, manifest = os.path.join(folder, "root.chunks"), os.path.join(folder, "manifest.json")
        with open(table, encoding="ascii") as file:
            lines = [[int(offset), int(size), sha256] for offset, size, sha256 in map(str.split, file)]
        change(lines[7], lines[8])
        text = "".join(f"{offset} {size} {sha256}\n" for offset, size, sha256 in lines).encode()
        self.make_anew(table, text)
        with open(manifest, encoding="utf-8") as file:
            document = json.load(file)
        for entry in document["files"]:
            if entry["path"] == "root.chunks":
                entry.update(bytes=len(text), sha256=digest(text))
        self.make_anew(manifest, json.dumps(document).encode())
        subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key, "-out", os.path.join(folder, "manifest.sig"), manifest], check=True)
        return folder

    @staticmethod
    def make_anew(path, content):
        with open(path, "wb") as file:
            file.write(content)

    def test_a_table_that_contradicts_itself_changes_nothing(self):
        def begins_elsewhere(chunk, after):
            chunk[0] += 1

        def is_too_long(chunk, after):
            chunk[1] = 2 * CHUNK

        def goes_past_the_end(chunk, after):
            chunk[1] = 1 << 60

        def has_no_bytes(chunk, after):
            chunk[1] = 0

        before = self.slot("B", SLOT)
        for change, words in ((begins_elsewhere, "the chunk begins at"), (is_too_long, "cannot hold this chunk"),
                              (goes_past_the_end, "cannot hold this chunk"), (has_no_bytes, "cannot hold this chunk")):
            with self.subTest(change.__name__):
                self.refused(self.with_table(change.__name__, change), "chunk_table_malformed", "line 8", words)
                self.assertEqual(before, self.slot("B", SLOT))

    def test_a_table_that_lies_about_a_chunk_ends_the_work_before_the_switch(self):
        def ends_too_early(chunk, after):
            chunk[1], after[0], after[1] = chunk[1] - 9, after[0] - 9, after[1] + 9

        def has_another_digest(chunk, after):
            chunk[2] = digest(b"another")

        for change in (ends_too_early, has_another_digest):
            with self.subTest(change.__name__):
                self.refused(self.with_table(change.__name__, change), "image_chunk_bad", "chunk 7")
                self.assertFalse(self.new_slot()["bootable"])

    def lying(self, name, wrong):
        """A package whose table has the length of a chunk right and says another digest than what it unpacks to."""
        raw = self.raw()
        stored = [gzip.compress(raw[at:at + CHUNK], 1, mtime=0) for at in range(0, len(raw), CHUNK)]
        wrong = wrong[:len(stored[7])].ljust(len(stored[7]), b"\0")
        return self.package(name, raw, chunks=lambda whole: [*whole[:7], wrong, *whole[8:]])

    def test_a_program_of_the_package_that_fails_keeps_the_slot_from_being_started(self):
        self.refused(self.package("hooked", self.raw(), hook="#!/bin/sh\necho no room; exit 7\n"), "image_hook_failed", "no room")
        self.assertFalse(self.new_slot()["bootable"])
        script = f"#!/bin/sh\nenv > {self.box.path('seen')}\nprintf migrated | dd of=$HAGENT_SLOT_DEVICE_ROOT conv=notrunc bs=1 seek=100 status=none\n"
        self.write(self.package("carries", self.raw(), hook=script))
        self.assertEqual(b"migrated", self.slot("B")[100:108])
        with open(self.box.path("seen"), encoding="utf-8") as file:
            self.assertIn("HAGENT_SLOT=B", file.read())

    def test_the_device_is_held_while_it_is_written(self):
        with open(self.slots["B"], "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.refused(self.package("held", self.raw()), "image_slot_in_use")


if __name__ == "__main__":
    unittest.main()
