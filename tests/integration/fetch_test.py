# SPDX-License-Identifier: Apache-2.0
"""`fetch` from a real vsftpd and a real nginx: what arrives, what is refused, and what goes on after a kill."""

import hashlib
import os
import signal
import stat
import time
import unittest

import kit
from kit import DONE, FACTOR, FAILED, TRY_LATER, BoxTest, OwnServers, own_port, wait_until
from servers import Nginx, Vsftpd  # from tests/lab, which kit puts on the path
from setup_packages import SERVERS, ensure

BIG = 24 << 20
SMALL = 300_001
PASSWORD = "canary-pw-5b1e"


class ServedTest(OwnServers, BoxTest):
    """Both servers over one folder, started once for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        ensure({name: SERVERS[name] for name in ("vsftpd", "nginx")})
        super().setUpClass()
        cls.served, cls.content = os.path.join(cls.folder, "served"), {}
        os.mkdir(cls.served)
        for name, size in (("small.bin", SMALL), ("big.bin", BIG), ("empty.bin", 0), ("blank and ümläut.bin", 1000)):
            cls.serve(name, os.urandom(size))
        cls.http = Nginx(cls.services, os.path.join(cls.folder, "nginx"), cls.served)
        cls.ftp = Vsftpd(cls.services, os.path.join(cls.folder, "vsftpd"), cls.served)
        cls.base = {"http": f"http://127.0.0.1:{cls.http.start()}/", "ftp": f"ftp://127.0.0.1:{cls.ftp.start()}/"}

    @classmethod
    def serve(cls, name, content):
        with open(os.path.join(cls.served, name), "wb") as file:
            file.write(content)
        os.chmod(os.path.join(cls.served, name), 0o644)
        cls.content[name] = content

    def fetch(self, *arguments, code=DONE, **more):
        return self.document(self.expect(self.box.run("fetch", "--json", *arguments, **more), code))

    def assert_got(self, name, path=None):
        with open(path or self.box.path(name), "rb") as file:
            self.assertEqual(hashlib.sha256(self.content[name]).digest(), hashlib.sha256(file.read()).digest())
        self.assertFalse(os.path.exists((path or self.box.path(name)) + ".hagent-part"))


class Fetch(ServedTest):
    def test_a_file_arrives_whole_and_is_described(self):
        digest = hashlib.sha256(self.content["small.bin"]).hexdigest()
        for scheme, base in self.base.items():
            document = self.fetch(base + "small.bin", "--sha256", digest.upper())
            self.assertGreaterEqual(set(document), {"url", "file", "bytes", "sha256", "attempts", "resumed", "decisions", "error"})
            self.assertEqual((base + "small.bin", self.box.path("small.bin"), SMALL, digest, False, None),
                             tuple(document[key] for key in ("url", "file", "bytes", "sha256", "resumed", "error")))
            self.assert_got("small.bin")
            self.assertEqual(0o644, stat.S_IMODE(os.stat(self.box.path("small.bin")).st_mode))
            self.expect(self.box.run("fetch", base + "small.bin", "-o", self.box.path(scheme)), DONE, self.box.path(scheme), str(SMALL), digest)
            self.assert_got("small.bin", self.box.path(scheme))

    def test_odd_files_arrive_too(self):
        for _, base in self.base.items():
            self.assertEqual((0, hashlib.sha256(b"").hexdigest()), tuple(self.fetch(base + "empty.bin")[key] for key in ("bytes", "sha256")))
            self.fetch(base + "blank%20and%20%C3%BCml%C3%A4ut.bin")
            self.assert_got("blank and ümläut.bin")

    def test_the_wrong_digest_leaves_nothing_behind(self):
        for _, base in self.base.items():
            self.box.write("small.bin", "what was there before")
            document = self.fetch(base + "small.bin", "--sha256", "00" * 32, code=FAILED)
            self.assertEqual(("digest_mismatch", "permanent"), (document["error"]["name"], document["error"]["retry"]))
            with open(self.box.path("small.bin"), encoding="utf-8") as file:
                self.assertEqual("what was there before", file.read())

    def test_a_missing_file_fails_at_once(self):
        for base, protocol, number in ((self.base["http"], "http", 404), (self.base["ftp"], "ftp", 550)):
            document = self.fetch(base + "nosuch.bin", code=FAILED)
            error = document["error"]
            self.assertEqual((protocol, number, "permanent"), (error["protocol"], error["number"], error["retry"]))
            self.assertGreaterEqual(set(error), {"id", "name", "number", "protocol", "text", "next", "retry"})
            self.assertLessEqual(document["attempts"], 2)  # some FTP servers refuse only SIZE this way
            decision = document["decisions"][-1]
            self.assertGreaterEqual(set(decision), {"attempt", "source", "reply", "decision", "wait_ms", "at_bytes"})
            self.assertEqual(number, decision["reply"])
            self.assertFalse(os.path.exists(self.box.path("nosuch.bin")))
            self.expect(self.box.run("fetch", base + "nosuch.bin"), FAILED, str(number), "what to do")

    def test_a_wrong_password_fails_at_once_and_is_shown_nowhere(self):
        url = self.base["ftp"].replace("ftp://", f"ftp://nobody-here:{PASSWORD}@") + "small.bin"
        done = self.expect(self.box.run("fetch", "--json", "-v", url), FAILED)
        error = self.document(done)["error"]
        self.assertEqual(("ftp", 530), (error["protocol"], error["number"]))
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)

    def test_a_refused_connection_is_tried_again_and_then_later(self):
        for scheme in self.base:
            document = self.fetch(f"{scheme}://127.0.0.1:{own_port()}/a.bin", "--attempts", "3", code=TRY_LATER)
            self.assertEqual(("winsock", 10061, "WSAECONNREFUSED", "transient"),
                             tuple(document["error"][key] for key in ("protocol", "number", "name", "retry")))
            self.assertEqual(3, document["attempts"])

    def test_further_sources_are_used_when_one_fails(self):
        dead, http, ftp = f"http://127.0.0.1:{own_port()}/", self.base["http"], self.base["ftp"]
        for sources in ((http + "nosuch.bin", ftp + "small.bin"), (ftp + "nosuch.bin", http + "small.bin"), (dead + "a", ftp + "small.bin"),
                        (dead + "a", http + "nosuch.bin", ftp + "nosuch.bin", http + "small.bin")):
            with self.subTest(sources):
                document = self.fetch(*sources, "-o", self.box.path("small.bin"))
                self.assertEqual(sources[-1], document["url"])
                self.assert_got("small.bin")

    def test_addresses_that_are_none_are_refused(self):
        for url in ("nonsense", "http://", "gopher://127.0.0.1/a", "http://127.0.0.1:99999/a", "file:///etc/passwd", "http://127.0.0.1/a\r\nX: y",
                    "ftp://127.0.0.1/a%0d%0aDELE%20b", "http://[::1/a", "ftp://127.0.0.1/a%00b"):
            with self.subTest(url):
                done = self.box.run("fetch", "--json", "-o", self.box.path("out"), url)
                self.assertIn(done.returncode, (FAILED, kit.USAGE, kit.REFUSED), done.stderr)
                self.assertTrue(self.document(done)["error"]["text"])
                self.assertFalse(os.path.exists(self.box.path("out")))

    def test_the_rate_limit_holds(self):
        for _, base in self.base.items():
            began = time.monotonic()
            self.fetch(base + "small.bin", "--limit-rate", "100K")
            self.assertGreater(time.monotonic() - began, 1.5)  # 2.9 s in all, of which a first burst may be free

    def test_a_place_that_cannot_be_written_is_a_clear_error(self):
        for place in ("/proc/nosuch/out", self.box.config + "/out"):
            done = self.box.run("fetch", "--json", self.base["http"] + "small.bin", "-o", place)
            self.assertNotIn(done.returncode, (DONE, TRY_LATER))
            self.assertEqual("agent", self.document(done)["error"]["protocol"])


class Resume(ServedTest):
    def part_bytes(self):
        return kit.part_bytes(self.box.path("big.bin"))

    def stopped_half_way(self, url, number, *arguments):
        process = self.box.spawn("fetch", url, "-o", self.box.path("big.bin"), "--limit-rate", "8M", *arguments)
        process.wait(lambda: self.part_bytes() > BIG // 3, 60 * FACTOR, "a third of the file")
        process.popen.send_signal(number)
        return process.popen.wait(20 * FACTOR), process.output()

    def served_bytes(self):
        """What nginx says it sent of the file, one number a request."""
        with open(self.http.log, encoding="utf-8") as file:  # of all tests here
            return [int(line.split('" ')[1].split()[1]) for line in file if "/big.bin" in line]

    def test_after_kill_9_it_goes_on_where_it_was(self):
        earlier = len(self.served_bytes())
        digest = hashlib.sha256(self.content["big.bin"]).hexdigest()
        for _, base in self.base.items():
            self.stopped_half_way(base + "big.bin", signal.SIGKILL, "--sha256", digest)
            self.assertFalse(os.path.exists(self.box.path("big.bin")))
            have = self.part_bytes()
            document = self.fetch(base + "big.bin", "-o", self.box.path("big.bin"), "--sha256", digest)
            self.assertTrue(document["resumed"])
            self.assertTrue(0 < document["resumed_at"][0] <= have, (document["resumed_at"], have))
            self.assertGreater(document["resumed_at"][0], BIG // 6)  # a checkpoint every 4 MiB
            self.assert_got("big.bin")
            os.unlink(self.box.path("big.bin"))
            if base == self.base["http"]:
                wait_until(lambda: len(self.served_bytes()) == earlier + 2, 10 * FACTOR, "both lines in the server's log")
                self.assertEqual(BIG - document["resumed_at"][0], self.served_bytes()[-1])

    def test_after_an_interrupt_too(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for _, base in self.base.items():
                code, said = self.stopped_half_way(base + "big.bin", number)
                self.assertIn(code, (FAILED, TRY_LATER), said)
                self.assert_sane(said)
                self.assertTrue(self.fetch(base + "big.bin", "-o", self.box.path("big.bin"))["resumed"])
                self.assert_got("big.bin")

    def test_another_server_goes_on_with_the_same_file(self):
        digest = hashlib.sha256(self.content["big.bin"]).hexdigest()
        self.stopped_half_way(self.base["ftp"] + "big.bin", signal.SIGKILL)
        document = self.fetch(self.base["http"] + "big.bin", "-o", self.box.path("big.bin"), "--sha256", digest)
        self.assertEqual(digest, document["sha256"])
        self.assert_got("big.bin")

    def test_a_file_that_changed_meanwhile_begins_again(self):
        before = self.content["big.bin"]
        self.addCleanup(self.serve, "big.bin", before)
        for _, base in self.base.items():
            self.serve("big.bin", before)
            self.stopped_half_way(base + "big.bin", signal.SIGKILL)
            self.serve("big.bin", os.urandom(BIG + 1000))
            os.utime(os.path.join(self.served, "big.bin"), (1_800_000_000, 1_800_000_000))
            self.fetch(base + "big.bin", "-o", self.box.path("big.bin"), "--sha256", hashlib.sha256(self.content["big.bin"]).hexdigest())
            self.assert_got("big.bin")

    def test_a_damaged_part_is_not_believed(self):
        digest = hashlib.sha256(self.content["big.bin"]).hexdigest()
        self.stopped_half_way(self.base["http"] + "big.bin", signal.SIGKILL)
        with open(self.box.path("big.bin.hagent-part", "part"), "r+b") as file:
            file.seek(1000)
            file.write(b"damage")
        done = self.box.run("fetch", self.base["http"] + "big.bin", "-o", self.box.path("big.bin"), "--sha256", digest)
        if done.returncode == DONE:
            self.assert_got("big.bin")
        else:
            self.expect(done, FAILED, "digest")
            self.assertFalse(os.path.exists(self.box.path("big.bin")))
            self.fetch(self.base["http"] + "big.bin", "-o", self.box.path("big.bin"), "--sha256", digest)
            self.assert_got("big.bin")


if __name__ == "__main__":
    unittest.main(verbosity=2)
