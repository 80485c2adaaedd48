# SPDX-License-Identifier: Apache-2.0
"""Triggers: whoever knocks, however often and whatever he says, can only make the agent ask the manager that it has, a little earlier."""

import http.client
import http.server
import socket
import threading
import time
import unittest

from kit import FACTOR, SANITIZED, BoxTest, answers, own_port, wait_until

COUNT, SECONDS = 10_000, 10
LINES = (b"&V54&CI=3|MAC=008064aabbcc|IP=127.0.0.1MT=3|HS=127.0.0.1|PO=%d|", b"&V54&CI=3|MAC=008064aabbcc|IP=127.0.0.1|MT=3|HS=127.0.0.1|PO=%d|\r\n",
         b"&V52&CI=3|MAC=008064aabbcc|RB=0|MT=3|HS=127.0.0.1|PO=%d|SPO=0|", b"&V52&CI=3|RB=1|MT=3|HS=localhost|PO=%d|SPO=443|")


class Manager(http.server.ThreadingHTTPServer):
    """Counts polls and has nothing to offer."""

    daemon_threads = True

    def __init__(self):
        self.polls = []
        manager = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                manager.polls.append(time.monotonic())
                body = b'{"config":{"polling":{"sleep":"01:00:00"}},"_links":{}}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_PUT(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Triggers(BoxTest):
    def setUp(self):
        super().setUp()
        self.manager, self.stranger = Manager(), Manager()
        for server in (self.manager, self.stranger):
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        self.trigger = own_port()
        self.configure(trigger=f"127.0.0.1:{self.trigger}")

    def configure(self, **listen):
        self.box.configure(manager={"urls": [f"http://127.0.0.1:{self.manager.server_port}/"], "interval_s": 3600, "spread_s": 0}, listen=listen)

    def start(self):
        agent = self.box.daemon()
        wait_until(lambda: self.manager.polls, 20 * FACTOR, "the first check-in")
        return agent

    def send(self, line, port=None, source="127.0.0.1"):
        """Everything that the agent answers."""
        with socket.socket() as client:
            client.settimeout(10 * FACTOR)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what lingers keeps no port from a listener of another test
            client.bind((source, 0))
            client.connect(("127.0.0.1", port or self.trigger))
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            said = b""
            try:
                while piece := client.recv(4096):
                    said += piece
            except ConnectionResetError:
                pass
            return said

    def test_it_is_off_by_default(self):
        self.configure()
        self.start()
        self.assertFalse(answers(self.trigger))
        self.assertTrue(self.send(LINES[0] % 80 + b"\r\n\r\n", self.box.port).startswith(b"HTTP/1.1 400"))

    def test_each_form_asks_the_configured_manager_and_nothing_else_happens(self):
        agent = self.start()
        for line in LINES:
            polls = len(self.manager.polls)
            time_of_last = self.manager.polls[-1]
            wait_until(lambda: time.monotonic() - time_of_last > 1.1, 10 * FACTOR, "the next trigger to be let in")
            self.assertEqual(b"&00", self.send(line % self.stranger.server_port))
            wait_until(lambda: len(self.manager.polls) > polls, 10 * FACTOR, "the early check-in")
        connection = http.client.HTTPConnection("127.0.0.1", self.trigger, timeout=10 * FACTOR)
        time_of_last = self.manager.polls[-1]
        wait_until(lambda: time.monotonic() - time_of_last > 1.1, 10 * FACTOR, "the next trigger to be let in")
        connection.request("POST", "/v1/check-in", body=b'{"HS":"127.0.0.1"}')
        self.assertEqual(202, connection.getresponse().status)
        connection.close()
        wait_until(lambda: self.manager.polls[-1] > time_of_last, 10 * FACTOR, "the early check-in")
        self.assertEqual([], self.stranger.polls)
        self.assertTrue(agent.alive())

    def test_nothing_else_is_there_and_nothing_is_echoed(self):
        self.start()
        polls = len(self.manager.polls)
        for line in (b"&V01|x", b"&V55|CI=3", b"&V94|Tsk=0", b"&UP0|EX /bin/true", b"&", b"&V5", b"&v54|"):
            self.assertEqual(b"", self.send(line), line)
        for path in ("/", "/v1/status", "/v1/log", "/metrics", "/v1/sessions"):
            said = self.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            self.assertTrue(said.startswith(b"HTTP/1.1 404"), said)
        self.assertEqual(polls, len(self.manager.polls))

    def test_ten_thousand_triggers_cause_few_check_ins_and_no_growth(self):
        agent = self.start()
        for _ in range(200):
            self.send(LINES[0] % self.stranger.server_port)
        before, memory, handles, began = len(self.manager.polls), agent.memory_kib(), agent.descriptors(), time.monotonic()
        sent = 0
        while sent < COUNT and (time.monotonic() - began < SECONDS * 3 * FACTOR or sent < COUNT // 10):
            for source in range(1, 51):
                self.assertEqual(b"&00", self.send(LINES[sent % len(LINES)] % self.stranger.server_port, source=f"127.0.0.{source}"))
                sent += 1
        took = time.monotonic() - began
        time_of_last = self.manager.polls[-1]
        wait_until(lambda: time.monotonic() - time_of_last > 2, 10 * FACTOR, "the last of them to have had its effect")
        print(f"\n{sent} triggers in {took:.1f} s: {len(self.manager.polls) - before} check-ins, memory {memory} -> {agent.memory_kib()} KiB", flush=True)
        self.assertLessEqual(len(self.manager.polls) - before, took + 3)
        self.assertEqual([], self.stranger.polls)
        wait_until(lambda: agent.descriptors() <= handles, 10 * FACTOR, "its handles to be closed")
        if not SANITIZED:
            self.assertLess(agent.memory_kib() - memory, 256)


if __name__ == "__main__":
    unittest.main()
