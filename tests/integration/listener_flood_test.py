# SPDX-License-Identifier: Apache-2.0
"""Clients that never stop: whatever one of them sends, and as fast as it likes, the others are answered in time."""

import contextlib
import http.client
import os
import signal
import socket
import ssl
import threading
import time
import unittest

from certificates import Authority
from kit import FACTOR, BoxTest

FLOOD_S = 4
ANSWER_S = 1  # on a busy machine; a loop that reads one client until it rests took as long as that client liked
CONNECTIONS_EACH = 128  # limits.h: of 256 in all
BODY = b"POST /v1/check-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\n"


class ListenerFloodTest(BoxTest):
    def setUp(self):
        super().setUp()
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def listen(self, tls=False, address="127.0.0.1"):
        more = {}
        if tls:
            os.mkdir(self.box.path("ca"), 0o700)
            authority = Authority(self.box.path("ca"), "listeners")
            more["tls_cert_file"], more["tls_key_file"] = authority.issue("own")
            self.trusted = ssl.create_default_context(cafile=authority.pem)
        self.tls = tls
        self.box.configure(listen={"status": f"{address}:{self.box.port}", **more}, log={"level": "warning"})
        return self.box.daemon()

    def connect(self, source="127.0.0.1"):
        plain = socket.create_connection(("127.0.0.1", self.box.port), 10 * FACTOR, source_address=(source, 0))
        return self.trusted.wrap_socket(plain, server_hostname="127.0.0.1") if self.tls else plain

    def seconds_for_status(self):
        """Until a well-behaved client has its answer over a new connection."""
        began = time.monotonic()
        with self.connect() as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 "))
        return time.monotonic() - began

    def flood(self, first, again, reads=False):
        """One client on a thread: it sends `first` and then `again` until it is cut or time is over, over and over."""
        until = time.monotonic() + FLOOD_S * FACTOR

        def run():
            while time.monotonic() < until and not self.over.is_set():
                with contextlib.suppress(OSError), self.connect() as client:
                    client.settimeout(1)
                    client.sendall(first)
                    while time.monotonic() < until and not self.over.is_set():
                        client.sendall(again)
                        if reads:
                            client.recv(1 << 16)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def assert_others_are_served(self, crowd):
        times = []
        while any(thread.is_alive() for thread in crowd):
            times.append(self.seconds_for_status())
            time.sleep(0.05)
        print(f"{self._testMethodName}: {len(times)} answers, worst {max(times):.2f} s", flush=True)
        self.assertLess(max(times), ANSWER_S * FACTOR)

    def floods(self):
        get = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        return [self.flood(b"GET / HTTP/9.9\r\n\r\n", os.urandom(1 << 16)),  # refused, and it goes on
                self.flood(BODY, b"x" * (1 << 16)),
                self.flood(b"", get * 500),  # more and more requests, no answer is read
                self.flood(b"", get * 20, reads=True)]

    def test_a_client_that_keeps_sending_holds_nobody_up(self):
        daemon = self.listen()
        self.assert_others_are_served(self.floods())
        self.assert_ends(daemon)

    def test_a_client_that_keeps_sending_over_tls_holds_nobody_up(self):
        daemon = self.listen(tls=True)
        self.assert_others_are_served(self.floods())
        self.assert_ends(daemon)

    def test_handshakes_without_end_hold_nobody_up(self):
        daemon = self.listen(tls=True)

        def knock():
            until = time.monotonic() + FLOOD_S * FACTOR
            while time.monotonic() < until and not self.over.is_set():
                with contextlib.suppress(OSError):
                    self.connect().close()

        crowd = [threading.Thread(target=knock, daemon=True) for _ in range(4)]
        for thread in crowd:
            thread.start()
        self.assert_others_are_served(crowd)
        self.assert_ends(daemon)

    def assert_ends(self, daemon):
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        self.assertEqual(0, daemon.wait(10))
        self.assertLess(time.monotonic() - began, 5 * FACTOR)
        self.assert_sane(daemon.output())

    def test_a_body_that_nobody_wants_is_not_waited_for(self):
        self.listen()
        for request in (BODY, BODY.replace(b"POST /v1/check-in", b"GET /healthz"), BODY.replace(b"POST /v1/check-in", b"GET /nosuch"),
                        BODY.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")):
            with self.subTest(request), self.connect() as client:
                client.settimeout(3 * FACTOR)
                client.sendall(request + b"x" * 10)
                answer = b""
                while piece := client.recv(4096):  # it is answered and closed, though the body never comes
                    answer += piece
                self.assertRegex(answer, rb"^HTTP/1\.1 (200|202|404|429) ")
                self.assertIn(b"\r\nConnection: close\r\n", answer)

    def test_one_address_gets_a_share_of_the_connections(self):
        self.listen()
        with contextlib.ExitStack() as crowd:
            polite = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=10 * FACTOR, source_address=("127.0.0.2", 0))
            crowd.callback(polite.close)
            polite.request("GET", "/healthz")
            polite.getresponse().read()
            kept = polite.sock
            many = [crowd.enter_context(self.connect()) for _ in range(300)]
            polite.request("GET", "/healthz")  # over the same connection: it was not the one that had to go
            self.assertEqual(200, polite.getresponse().status)
            self.assertIs(kept, polite.sock)
            alive = 0
            for client in many:
                client.settimeout(0)
                try:
                    client.recv(1)
                except BlockingIOError:
                    alive += 1
                except OSError:
                    pass
            self.assertLessEqual(alive, CONNECTIONS_EACH)
            self.assertLess(self.seconds_for_status(), ANSWER_S * FACTOR)


if __name__ == "__main__":
    unittest.main(verbosity=2)
