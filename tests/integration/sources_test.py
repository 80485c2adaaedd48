# SPDX-License-Identifier: Apache-2.0
"""Several answers, several sources: what one of them said never judges another one, and each has its own tries."""

import contextlib
import hashlib
import os
import socket
import threading
import unittest

from ftp_peer import FtpPeer
from kit import DONE, FAILED, TRY_LATER, BoxTest, own_port

RIGHT = b"seventeen bytes.\n"
DIGEST = hashlib.sha256(RIGHT).hexdigest()
OLD = os.urandom(500_000)


def answer(body, status="200 OK", length=True, sent=None, **fields):
    """An HTTP answer that closes; `sent`: so many bytes of the body before it does."""
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\n" + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    head += f"Content-Length: {len(body)}\r\n" if length else "Transfer-Encoding: chunked\r\n"
    sent = body if sent is None else body[:sent]
    return (head + "\r\n").encode("latin-1") + (sent if length else b"%x\r\n%s\r\n0\r\n\r\n" % (len(sent), sent))


class Answers:
    """Gives one answer after the other, the last one for ever; an answer may be made from the request."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with contextlib.closing(peer), contextlib.suppress(OSError):
                request = b""
                while b"\r\n\r\n" not in request:
                    got = peer.recv(4096)
                    if not got:
                        break
                    request += got
                self.requests.append(request.decode("latin-1"))
                given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                peer.sendall(given(self.requests[-1]) if callable(given) else given)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class SourcesTest(BoxTest):
    def setUp(self):
        super().setUp()
        self.box.configure(transfer={"backoff_base_ms": 1, "backoff_cap_ms": 2, "connect_timeout_s": 3, "stall_timeout_s": 5})

    def http(self, *answers):
        server = Answers(*answers)
        self.addCleanup(server.close)
        return server

    def ftp(self, content, **settings):
        server = FtpPeer()
        self.addCleanup(server.close)
        server.files["f"] = content
        for name, value in settings.items():
            setattr(server, name, value)
        return server

    def fetch(self, *arguments, code=DONE, attempts=3):
        document = self.document(self.expect(self.box.run("fetch", "--json", "--attempts", str(attempts), *arguments, "-o", self.box.path("got")), code))
        if code == DONE:
            with open(self.box.path("got"), "rb") as file:
                self.assertEqual(RIGHT, file.read())
            os.unlink(self.box.path("got"))
        return document


class Sizes(SourcesTest):
    def test_the_size_of_an_answer_is_its_own(self):
        """The first answer speaks of 500000 bytes and is cut; the next one has the 17 that are right, and does not say how many."""
        for validators in ({}, {"ETag": '"old"'}):
            for sent in (0, 5, 100_000):
                with self.subTest((validators, sent)):
                    server = self.http(answer(OLD, sent=sent, **validators), answer(RIGHT, length=False, ETag='"new"'))
                    self.fetch(server.base + "f")

    def test_a_download_taken_up_from_another_source_does_not_keep_the_first_ones_size(self):
        for more in ([], ["--sha256", DIGEST]):
            with self.subTest(more):
                first = self.http(answer(OLD, sent=1000, ETag='"old"'))
                self.fetch(first.base + "f", *more, code=TRY_LATER, attempts=1)
                self.fetch(self.http(answer(RIGHT, length=False)).base + "f", *more)

    def test_the_next_source_is_not_judged_by_the_first_ones_size(self):
        beyond = answer(b"", status="416 Range Not Satisfiable", Content_Range=f"bytes */{len(RIGHT)}")
        for second in ([answer(RIGHT)], [answer(RIGHT, length=False)], [lambda request: beyond if "range:" in request.lower() else answer(RIGHT)]):
            with self.subTest(second):
                first = self.http(answer(OLD, sent=1000, ETag='"old"'))
                self.fetch(first.base + "f", self.http(*second).base + "f", "--sha256", DIGEST, attempts=1)

    def test_a_changed_size_on_ftp_begins_anew(self):
        for tells in ({"SIZE", "MDTM"}, set()):
            with self.subTest(tells):
                server = self.ftp(OLD, sends=1000, last="426 Cut.")
                self.fetch(server.url("f"), code=TRY_LATER, attempts=1)
                server.files["f"], server.sends, server.last, server.tells = RIGHT, None, "226 Done.", tells
                self.fetch(server.url("f"), attempts=1)

    def test_only_the_wanted_digest_judges_all(self):
        page = b"<html>please log in</html>" * 100
        self.fetch(self.http(answer(page)).base + "f", self.http(answer(RIGHT)).base + "f", "--sha256", DIGEST, attempts=1)


class Attempts(SourcesTest):
    def test_a_source_that_is_down_takes_no_attempt_from_the_next(self):
        dead = f"http://127.0.0.1:{own_port()}/f"
        silent = self.http(b"")
        full = self.ftp(RIGHT, replies={"USER": ["421 Too many users."]})
        for downs in ([dead], [silent.base + "f"], [full.url("f")], [self.http(answer(b"", status="503 Later", Retry_After="3600")).base + "f"],
                      [dead, silent.base + "f", full.url("f")]):
            with self.subTest(downs):
                good = self.http(answer(RIGHT))
                document = self.fetch(*downs, good.base + "f", attempts=1)
                self.assertEqual(len(downs) + 1, document["attempts"])
                self.assertEqual(0, sum(entry["wait_ms"] for entry in document["decisions"]))

    def test_every_source_has_the_same_number_of_attempts_and_then_it_ends(self):
        for attempts in (1, 2, 3, 5):
            with self.subTest(attempts):
                servers = [self.http(answer(b"", status="503 Later")) for _ in range(3)]
                document = self.fetch(*(server.base + "f" for server in servers), code=TRY_LATER, attempts=attempts)
                self.assertEqual([attempts] * 3, [len(server.requests) for server in servers])
                self.assertEqual(3 * attempts, document["attempts"])
                for server in servers:
                    self.assertIn(server.base, document["error"]["text"])

    def test_a_source_that_may_come_back_counts_for_more_than_one_that_refused(self):
        dead, gone = f"http://127.0.0.1:{own_port()}/f", self.http(answer(b"gone", status="404 Not Found")).base + "f"
        for sources in ((dead, gone), (gone, dead)):
            with self.subTest(sources):
                error = self.fetch(*sources, code=TRY_LATER, attempts=1)["error"]
                self.assertEqual("winsock", error["protocol"])
                self.assertIn("http-404", error["text"])
        self.assertEqual(404, self.fetch(gone, gone, code=FAILED)["error"]["number"])

    def test_progress_at_one_source_gives_all_of_them_their_attempts_again(self):
        content = os.urandom(300_000)
        pieces = [lambda request, cut=cut: self.part(request, content, cut) for cut in (100_000, 100_000, None)]
        flaky = self.http(*pieces)
        down = f"http://127.0.0.1:{own_port()}/f"
        done = self.box.run("fetch", "--json", "--attempts", "2", down, flaky.base + "f", "-o", self.box.path("got"))
        self.assertEqual(hashlib.sha256(content).hexdigest(), self.document(self.expect(done, DONE))["sha256"])

    @staticmethod
    def part(request, content, cut):
        begin = next((int(line.split("=")[1].rstrip("-")) for line in request.split("\r\n") if line.lower().startswith("range:")), 0)
        if begin == 0:
            return answer(content, sent=cut, ETag='"1"')
        return answer(content[begin:], status="206 Partial Content", sent=cut, ETag='"1"',
                      Content_Range=f"bytes {begin}-{len(content) - 1}/{len(content)}")


class Locations(SourcesTest):
    def test_a_location_is_encoded_as_browsers_do(self):
        for location, asked in (("/my file.bin", "/my%20file.bin"), ("/ümläut.bin".encode().decode("latin-1"), "/%C3%BCml%C3%A4ut.bin"),
                                ("caf\xe9 1.bin", "/caf%E9%201.bin"), ("/a%20b c", "/a%20b%20c"), ("/100%.bin", "/100%25.bin"),
                                ("  /x y  ", "/x%20y"), ("/q?a=b c&d=ü".encode().decode("latin-1"), "/q?a=b%20c&d=%C3%BC"), ("/a\x7fb", "/a%7Fb"),
                                ("\\dir\\f.bin", "/dir/f.bin"), ("/f?a\\b", "/f?a%5Cb")):
            for absolute in (False, True):
                with self.subTest((location, absolute)):
                    target = self.http(answer(RIGHT))
                    full = target.base.rstrip("/") + "/" + location.strip().lstrip("/\\")
                    head = answer(b"", status="302 Found", Location=full if absolute else location)
                    server = target if absolute else self.http(head, answer(RIGHT))
                    start = self.http(head) if absolute else server
                    self.fetch(start.base + "f", attempts=1)
                    self.assertEqual(f"GET {asked} HTTP/1.1", server.requests[-1].split("\r\n")[0])

    def test_what_no_browser_would_follow_is_refused(self):
        for location in ("http://a b/f", "http://127.0.0.1:99999/f", "ftp://127.0.0.1/f", ""):
            with self.subTest(location):
                self.fetch(self.http(answer(b"", status="302 Found", Location=location)).base + "f", code=FAILED, attempts=1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
