# SPDX-License-Identifier: Apache-2.0
"""One list of scenarios over five real FTP daemons, in clear and over TLS: download, resume after the death of either side,
upload, wrong password, missing file, full disk, a file that changed."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import unittest

import kit
from file_parts import FileParts
from ftp_daemons import DAEMONS, PASSWORD, Missing, make_certificate
from kit import DONE, FACTOR, FAILED, BoxTest, OwnServers, wait_until

PUT = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].endswith("hagent_put") else os.environ.get("HAGENT_PUT", "")
BIG = 14 << 20
BEGUN = 5 << 20  # past the first checkpoint, which comes after 4 MiB
RATE = "8M"
PATIENCE_S = 40  # pure-ftpd lets whoever gives a wrong password wait up to 13 seconds
SERVER_FULL = ("ftp 426", "ftp 451", "ftp 452", "ftp 552")


class Scenarios(FileParts, OwnServers):
    """Mixed into a test case for each daemon and mode."""
    daemon_type, mode = None, ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.daemon = cls.daemon_type(cls.services, os.path.join(cls.folder, "daemon"), cls.mode, make_certificate(cls.folder))
        except Missing as reason:
            raise unittest.SkipTest(f"{cls.daemon_type.name}: {reason}") from reason
        cls.small, cls.big = os.urandom(300_001), os.urandom(BIG)
        cls.daemon.serve("small.bin", cls.small)
        cls.daemon.serve("big.bin", cls.big)
        cls.daemon.serve("empty.bin", b"")
        cls.daemon.start()

    def setUp(self):
        super().setUp()
        self.box.configure(manager={"ca_file": self.daemon.cert},
                           transfer={"attempts": 8, "backoff_base_ms": 100, "backoff_cap_ms": 400, "stall_timeout_s": PATIENCE_S})

    def fetch(self, path, *arguments, code=DONE, password=PASSWORD):
        done = self.box.run("fetch", "--json", "-v", self.daemon.url(path, password), *arguments)
        self.assertNotIn(password, done.stdout + done.stderr)
        return self.document(self.expect(done, code))

    def put(self, path, content, password=PASSWORD, stall_s=PATIENCE_S):
        source = self.box.write("source.bin", content)
        done = subprocess.run([PUT, source, self.daemon.url(path, password), "--attempts", "2", "--base-ms", "20", "--ca", self.daemon.cert,
                               "--stall-s", str(stall_s)], capture_output=True, text=True, timeout=100 * FACTOR, check=False)
        self.assertNotIn(password, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def assert_got(self, content, name):
        with open(self.box.path(name), "rb") as file:
            self.assertEqual(hashlib.sha256(content).digest(), hashlib.sha256(file.read()).digest())

    def part_bytes(self):
        return kit.part_bytes(self.box.path("big.bin"))

    def begin(self):
        """A download of the big file that has come a third of its way."""
        process = self.box.spawn("fetch", "--json", self.daemon.url("big.bin"), "-o", self.box.path("big.bin"), "--limit-rate", RATE)
        process.wait(lambda: self.part_bytes() > BEGUN, 60 * FACTOR, "a third of the file")
        return process

    def test_download(self):
        document = self.fetch("small.bin", "--sha256", hashlib.sha256(self.small).hexdigest())
        self.assertEqual(1, document["attempts"], document)
        self.assert_got(self.small, "small.bin")
        self.assertEqual(0, self.fetch("empty.bin")["bytes"])

    def test_a_missing_file_fails_at_once(self):
        document = self.fetch("nosuch.bin", code=FAILED)
        self.assertEqual(("ftp", 550, "permanent", 1), (*(document["error"][key] for key in ("protocol", "number", "retry")), document["attempts"]))
        document = self.fetch("nosuch/nosuch.bin", code=FAILED)
        self.assertEqual(("ftp", 550, 1), (document["error"]["protocol"], document["error"]["number"], document["attempts"]))

    def test_a_wrong_password_is_tried_once(self):
        document = self.fetch("small.bin", code=FAILED, password="wrong-pw-1f")
        self.assertEqual(("ftp", 530, 1), (document["error"]["protocol"], document["error"]["number"], document["attempts"]), document)
        document = self.put("in/a.bin", b"a", password="wrong-pw-1f")
        self.assertEqual(("ftp", 530, 1), (document["error"]["protocol"], document["error"]["number"], document["attempts"]), document)

    def test_upload(self):
        for path, content in (("in/one.bin", self.small), ("in/new folder/two.bin", self.small[:1000]), ("in/empty.bin", b""), ("in/one.bin", self.small[:77])):
            document = self.put(path.replace(" ", "%20"), content)
            self.assertIsNone(document["error"], document)
            with open(os.path.join(self.daemon.home, path), "rb") as file:
                self.assertEqual(content, file.read())

    def test_a_full_disk_on_the_server_is_a_clear_error(self):
        with open(self.daemon.inside("full", "ballast"), "wb") as file:
            file.write(bytes(os.statvfs(self.daemon.inside("full")).f_bavail * 4096 - 65536))
        for size in (100_000, 4 << 20):
            document = self.put(f"full/{size}.bin", self.big[:size], stall_s=5)
            error = document["error"]
            self.assertIsNotNone(error, document)
            what = f"{error['protocol']} {error['number']}"
            print(f"\n{self.daemon.name} {self.mode}: {size} bytes to a full disk are {what} after "
                  f"{document['attempts']} tries: {error['text']}", flush=True)
            if self.daemon.silent_when_full:
                self.assertIn(what, ("agent 1311", "winsock 10054"), document)
            elif error["protocol"] == "ftp":
                self.assertIn(what, SERVER_FULL, document)
            else:  # the data connection was cut before it was said why
                self.assertEqual("winsock 10054", what, document)
                self.assertIn("a full disk or a quota", error["text"])
            self.assertTrue(error["next"])
            self.assertLessEqual(document["attempts"], 2)

    def test_resume_after_the_agent_was_killed(self):
        process = self.begin()
        process.kill()
        have = self.part_bytes()
        document = self.fetch("big.bin", "-o", self.box.path("big.bin"))
        self.assertTrue(document["resumed"], document)
        self.assertTrue(0 < document["resumed_at"][0] <= have)
        self.assert_got(self.big, "big.bin")

    def test_parts_of_a_file(self):
        parts = [(5 << 20, 1 << 20), (6 << 20, 70_001), (0, 1), (1, 99_999), (BIG - 1, 1), (BIG - 100_000, 100_000)]
        document = self.end_of_parts(self.read_parts(PUT, self.daemon, parts), parts)
        self.assertEqual(len(parts), document["attempts"], document)  # a cut of our own is no failure

    def test_parts_of_a_file_survive_the_death_of_the_server(self):
        parts = [(1 << 20, BIG - (2 << 20)), (0, 1 << 20)]
        process = self.read_parts(PUT, self.daemon, parts, attempts=100 * FACTOR, rate=str(8 << 20))  # until the server is there again
        try:
            wait_until(lambda: os.path.exists(self.box.path("parts.bin")) and os.path.getsize(self.box.path("parts.bin")) > 4 << 20, 60 * FACTOR, "4 MiB of the part")
            self.daemon.kill()
            self.daemon.start()
            document = self.end_of_parts(process, parts)
        finally:
            process.kill()
            process.wait()
        self.assertGreater(document["resumed_at"][0], 5 << 20, document)

    def test_resume_after_the_server_was_killed(self):
        process = self.begin()
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(DONE, process.popen.wait(60 * FACTOR), process.output())
        document = json.loads(process.output())
        self.assertTrue(document["resumed"], document)
        self.assertGreater(document["resumed_at"][0], BIG // 6)
        self.assertEqual("resume", document["decisions"][0]["decision"], document)
        self.assert_got(self.big, "big.bin")

    def test_a_file_that_changed_meanwhile_begins_again(self):
        self.addCleanup(self.daemon.serve, "big.bin", self.big)
        process = self.begin()
        process.kill()
        other = os.urandom(BIG)  # the same size: the time alone tells
        self.daemon.serve("big.bin", other)
        os.utime(os.path.join(self.daemon.home, "big.bin"), (1_800_000_000, 1_800_000_000))
        document = self.fetch("big.bin", "-o", self.box.path("big.bin"))
        self.assert_got(other, "big.bin")
        self.assertFalse(document["resumed"], document)


def one_of_each():
    for daemon in DAEMONS:
        for mode in daemon.modes:
            name = f"{daemon.name}_{mode}".replace("-", "_")
            yield name, type(name, (Scenarios, BoxTest), {"daemon_type": daemon, "mode": mode, "__module__": __name__})


globals().update(one_of_each())

if __name__ == "__main__":
    if not PUT:
        print("name the program hagent_put: as first argument or in HAGENT_PUT")
        sys.exit(77)
    kit.binary()
    unittest.main(verbosity=2)
