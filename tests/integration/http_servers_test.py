# SPDX-License-Identifier: Apache-2.0
"""One list of scenarios over nginx and lighttpd, in clear and over TLS: download, resume after the death of either side, upload by
PUT, wrong password, missing file, full disk, a file that changed."""

import hashlib
import json
import os
import subprocess
import sys
import unittest

import kit
from file_parts import FileParts
from ftp_daemons import Missing, make_certificate
from http_servers import PASSWORD, SERVER_TYPES
from kit import DONE, FACTOR, FAILED, BoxTest, OwnServers, wait_until

PUT = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].endswith("hagent_put") else os.environ.get("HAGENT_PUT", "")
BIG = 14 << 20
BEGUN = 5 << 20  # past the first checkpoint, which comes after 4 MiB


class Scenarios(FileParts, OwnServers):
    """Mixed into a test case for each server, in clear and over TLS."""
    server_type, tls = None, False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.server = cls.server_type(cls.services, os.path.join(cls.folder, "server"), cls.tls, make_certificate(cls.folder))
        except Missing as reason:
            raise unittest.SkipTest(f"{cls.server_type.name}: {reason}") from reason
        cls.small, cls.big = os.urandom(300_001), os.urandom(BIG)
        for name, content in (("small.bin", cls.small), ("private/small.bin", cls.small), ("big.bin", cls.big), ("empty.bin", b"")):
            cls.server.serve(name, content)
        cls.server.start()

    def setUp(self):
        super().setUp()
        self.box.configure(manager={"ca_file": self.server.cert}, transfer={"attempts": 8, "backoff_base_ms": 100, "backoff_cap_ms": 400})

    def fetch(self, path, *arguments, code=DONE, password=None):
        done = self.box.run("fetch", "--json", "-v", self.server.url(path, password), *arguments)
        if password:
            self.assertNotIn(password, done.stdout + done.stderr)
        return self.document(self.expect(done, code))

    def start_put(self, path, content, password=PASSWORD, attempts=2, rate="0"):
        source = self.box.write("source.bin", content)
        return subprocess.Popen([PUT, source, self.server.url(path, password), "--attempts", str(attempts), "--base-ms", "100", "--ca", self.server.cert,
                                 "--stall-s", "5", "--limit-rate", rate], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish_put(self, process):
        said = process.communicate(timeout=60 * FACTOR)[0]
        self.assertNotIn(PASSWORD, said)
        self.assert_sane(said)
        return json.loads(said)

    def put(self, *arguments, **more):
        return self.finish_put(self.start_put(*arguments, **more))

    def assert_row(self, document, number, tries=1):
        error = document["error"]
        self.assertEqual(("http", number, tries), (error["protocol"], error["number"], document["attempts"]), document)
        self.assertTrue(error["text"] and error["next"])

    def assert_got(self, content, name):
        with open(self.box.path(name), "rb") as file:
            self.assertEqual(hashlib.sha256(content).digest(), hashlib.sha256(file.read()).digest())

    def assert_stored(self, path, content):
        with open(self.server.inside(path), "rb") as file:
            self.assertEqual(hashlib.sha256(content).digest(), hashlib.sha256(file.read()).digest())

    def part_bytes(self):
        return kit.part_bytes(self.box.path("big.bin"))

    def begin(self):
        """A download of the big file that has come a third of its way."""
        process = self.box.spawn("fetch", "--json", self.server.url("big.bin"), "-o", self.box.path("big.bin"), "--limit-rate", "8M")
        process.wait(lambda: self.part_bytes() > BEGUN, 60 * FACTOR, "a third of the file")
        return process

    def test_download(self):
        document = self.fetch("small.bin", "--sha256", hashlib.sha256(self.small).hexdigest())
        self.assertEqual(1, document["attempts"], document)
        self.assert_got(self.small, "small.bin")
        self.assertEqual(0, self.fetch("empty.bin")["bytes"])

    def test_a_missing_file_fails_at_once(self):
        for path in ("nosuch.bin", "nosuch/nosuch.bin"):
            self.assert_row(self.fetch(path, code=FAILED), 404)

    def test_a_password_that_is_right_wrong_or_missing(self):
        self.fetch("private/small.bin", password=PASSWORD)
        self.assert_got(self.small, "small.bin")
        os.unlink(self.box.path("small.bin"))
        for password in ("wrong-pw-1f", None):
            self.assert_row(self.fetch("private/small.bin", code=FAILED, password=password), 401)
            self.assertFalse(os.path.exists(self.box.path("small.bin")))
        document = self.put("in/a.bin", b"a", password="wrong-pw-1f")
        self.assert_row(document, 401)

    def test_upload(self):
        for path, content in (("in/one.bin", self.small), ("in/two words.bin", self.small[:1000]), ("in/empty.bin", b""), ("in/one.bin", self.small[:77]),
                              ("in/big.bin", self.big)):
            document = self.put(path.replace(" ", "%20"), content)
            self.assertIsNone(document["error"], document)
            self.assertEqual(1, document["attempts"])
            self.assert_stored(path, content)

    def test_an_upload_where_none_is_taken_fails_at_once(self):
        document = self.put("nowhere.bin", b"a", password=None)
        self.assertIn(document["error"]["number"], (403, 404, 405, 501))
        self.assertEqual(1, document["attempts"])
        self.assert_row(self.put("small/big.bin", self.small, password=None), 413)

    def test_an_upload_survives_the_death_of_the_server(self):
        process = self.start_put("in/again.bin", self.big, attempts=20000, rate=str(8 << 20))  # it waits a millisecond
        try:
            self.server.process.wait(lambda: self.sending(process.pid), 30 * FACTOR, "the upload to begin")
            self.server.kill()
            self.server.start()
            document = self.finish_put(process)
        finally:
            process.kill()
            process.wait()
        self.assertIsNone(document["error"], document)
        self.assertGreaterEqual(document["attempts"], 2)
        self.assert_stored("in/again.bin", self.big)

    def sending(self, pid):
        """Whether the process has read the first of what it sends, so that the server has some of it."""
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            return int(file.read().split("rchar: ")[1].split()[0]) > 2 << 20

    def test_a_full_disk_on_the_server_is_a_clear_error(self):
        document = self.put("full/big.bin", self.big, password=None)
        self.assertIsNotNone(document["error"], document)
        error = document["error"]
        print(f"\n{self.id().split('.')[1]}: an upload to a full disk is {error['protocol']} {error['number']} after {document['attempts']} tries: "
              f"{error['text']}", flush=True)
        self.assertTrue((error["protocol"], error["number"]) in (("http", 500), ("http", 507), ("http", 413)), document)
        self.assertTrue(error["next"])
        self.assertLessEqual(document["attempts"], 2)

    def test_resume_after_the_agent_was_killed(self):
        process = self.begin()
        process.kill()
        have = self.part_bytes()
        document = self.fetch("big.bin", "-o", self.box.path("big.bin"))
        self.assertTrue(document["resumed"], document)
        self.assertTrue(BIG // 6 < document["resumed_at"][0] <= have)
        self.assert_got(self.big, "big.bin")

    def test_parts_of_a_file(self):
        parts = [(5 << 20, 1 << 20), (6 << 20, 70_001), (0, 1), (1, 99_999), (BIG - 1, 1), (BIG - 100_000, 100_000)]
        document = self.end_of_parts(self.read_parts(PUT, self.server, parts), parts)
        self.assertEqual(len(parts), document["attempts"], document)  # a cut of our own is no failure

    def test_parts_of_a_file_survive_the_death_of_the_server(self):
        parts = [(1 << 20, BIG - (2 << 20)), (0, 1 << 20)]
        process = self.read_parts(PUT, self.server, parts, attempts=100 * FACTOR, rate=str(8 << 20))
        try:
            wait_until(lambda: os.path.exists(self.box.path("parts.bin")) and os.path.getsize(self.box.path("parts.bin")) > 4 << 20, 60 * FACTOR, "4 MiB of the part")
            self.server.kill()
            self.server.start()
            document = self.end_of_parts(process, parts)
        finally:
            process.kill()
            process.wait()
        self.assertGreater(document["resumed_at"][0], 5 << 20, document)

    def test_resume_after_the_server_was_killed(self):
        process = self.begin()
        self.server.kill()
        self.server.start()
        self.assertEqual(DONE, process.popen.wait(60 * FACTOR), process.output())
        document = json.loads(process.output())
        self.assertTrue(document["resumed"], document)
        self.assertGreater(document["resumed_at"][0], BIG // 6)
        self.assert_got(self.big, "big.bin")

    def test_a_file_that_changed_meanwhile_begins_again(self):
        self.addCleanup(self.server.serve, "big.bin", self.big)
        self.begin().kill()
        other = os.urandom(BIG)  # the same size: the validators alone tell
        self.server.serve("big.bin", other, 1_750_000_000)
        document = self.fetch("big.bin", "-o", self.box.path("big.bin"))
        self.assert_got(other, "big.bin")
        self.assertFalse(document["resumed"], document)


def one_of_each():
    for server in SERVER_TYPES:
        for tls in (False, True):
            name = f"{server.name}_{'tls' if tls else 'clear'}"
            yield name, type(name, (Scenarios, BoxTest), {"server_type": server, "tls": tls, "__module__": __name__})


globals().update(one_of_each())

if __name__ == "__main__":
    if not PUT:
        print("name the program hagent_put: as first argument or in HAGENT_PUT")
        sys.exit(77)
    kit.binary()
    unittest.main(verbosity=2)
