# SPDX-License-Identifier: Apache-2.0
"""The listener behind TLS: versions, clients that misbehave, and the verbs' way in. Who may do what is in access_test."""

import json
import os
import socket
import ssl
import unittest

from certificates import Authority, pin
from kit import DONE, FACTOR, BoxTest, answers, own_port, wait_until


# What the crowd below can hold at once on a machine that is too busy to let them go: 200 TLS sessions with two records and a handshake each.
ALL_CONNECTIONS_KIB = 200 * 48


class ListenerTlsTest(BoxTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.box.path("ca"), 0o700)
        self.ca = Authority(self.box.path("ca"), "listeners")
        self.pem, self.key = self.ca.issue("own")

    def listen(self, address="127.0.0.1", **more):
        self.box.configure(listen={"status": f"{address}:{self.box.port}", "tls_cert_file": self.pem, "tls_key_file": self.key, **more})
        return self.box.daemon()

    def context(self):
        return ssl.create_default_context(cafile=self.ca.pem)

    def connect(self, context=None):
        plain = socket.create_connection(("127.0.0.1", self.box.port), timeout=10 * FACTOR)
        return (context or self.context()).wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, path, context=None):
        """(status, body) of one request over a connection of its own."""
        with self.connect(context) as stream:
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.box.port}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := stream.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def test_both_versions_of_today_are_spoken_and_no_older_one(self):
        self.listen()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            status, body = self.ask("/v1/status", context=context)
            self.assertEqual(200, status)
            self.assertEqual(f"https://127.0.0.1:{self.box.port}", json.loads(body)["agent"]["listener"])
        old = self.context()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
        with self.assertWarns(DeprecationWarning):
            old.minimum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(ssl.SSLError):
            self.ask("/v1/status", context=old)
        self.assertEqual(200, self.ask("/healthz")[0])

    def test_many_requests_in_one_record_are_all_answered(self):
        self.listen()
        request = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{self.box.port}\r\nX-Fill: {'x' * 3000}\r\n\r\n".encode()
        with self.connect() as stream:
            stream.sendall(request * 5)  # 15 kB: one record, more than the listener reads at a time
            answers = b""
            while answers.count(b"HTTP/1.1 200 ") < 5:
                piece = stream.recv(65536)
                self.assertTrue(piece, answers)
                answers += piece

    def test_the_verbs_of_this_device_find_their_way_in(self):
        for address in ("127.0.0.1", "0.0.0.0"):
            with self.subTest(address):
                daemon = self.listen(address)
                document = self.document(self.expect(self.box.run("status", "--json"), DONE))
                self.assertEqual(daemon.pid, document["agent"]["pid"])
                self.expect(self.box.run("log"), DONE)
                self.expect(self.box.run("check-in"), DONE, f"https://127.0.0.1:{self.box.port}/")
                self.assertEqual(0o600, os.stat(self.box.state + "/daemon").st_mode & 0o777)
                daemon.signal(15)
                self.assertEqual(0, daemon.wait(20))
                self.assertFalse(os.path.exists(self.box.state + "/daemon"))

    def test_an_impostor_at_the_listeners_port_is_not_asked(self):
        self.listen()
        with open(self.box.state + "/daemon", encoding="utf-8") as file:
            endpoint = json.load(file)
        self.assertEqual(pin(self.pem), "sha256//" + endpoint["pin"])
        endpoint["pin"] = pin(self.ca.pem).removeprefix("sha256//")
        self.box.write("state/daemon", json.dumps(endpoint))
        self.assertNotEqual(DONE, self.box.run("status").returncode)

    def test_clients_that_misbehave_are_cut_and_others_served(self):
        daemon = self.listen().settle()
        handles, memory = daemon.descriptors(), daemon.memory_kib()
        for _ in range(2):  # what one crowd leaves behind, the next one takes again
            crowd = []
            for first in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(400), b"\x16\x03\x01\x40\x00" + bytes(200), b"\x16\x03\x01\x02\x00\x01", b""):
                for _ in range(40):
                    stream = socket.create_connection(("127.0.0.1", self.box.port), timeout=10 * FACTOR)
                    stream.sendall(first)
                    crowd.append(stream)
            self.assertEqual(200, self.ask("/healthz")[0])
            with self.assertRaises((ssl.SSLError, OSError)):
                self.connect(ssl.create_default_context())  # a client that does not know our authority
            for stream in crowd:
                stream.close()
            wait_until(lambda: daemon.descriptors() <= handles, 30 * FACTOR, "the listener lets them go")
        self.assertEqual(200, self.ask("/healthz")[0])
        self.assertLess(daemon.memory_kib() - memory, ALL_CONNECTIONS_KIB * FACTOR)
        self.assert_sane(daemon.output())

    def broken(self):
        """What can be wrong with one of the listener's files, and the word by which it must be named."""
        yield {"tls_key_file": self.ca.issue("other")[1]}, "tls_key_file"
        yield {"tls_cert_file": self.box.write("rubbish", "rubbish")}, "tls_cert_file"
        yield {"tls_key_file": self.box.write("empty", "")}, "PEM"
        yield {"client_ca_file": self.box.write("ca-rubbish", "x")}, "client_ca_file"
        yield {"tls_cert_file": self.box.path("nosuch")}, "nosuch"
        yield {"operators_file": self.box.write("operators", "somebody once\n")}, "operators"

    def test_what_cannot_be_used_is_named_and_only_the_page_is_lost(self):
        for more, word in self.broken():
            with self.subTest(word):
                self.box.port = own_port()
                self.box.configure(listen={"status": f"127.0.0.1:{self.box.port}", "tls_cert_file": self.pem, "tls_key_file": self.key, **more})
                daemon = self.box.spawn("run")
                daemon.wait(lambda: self.box.daemon_pid() == daemon.pid, 20 * FACTOR, "the verbs find it")
                self.assertFalse(answers(self.box.port), "nothing is served without what the settings ask for")
                said = self.box.run("status")
                self.assertEqual(DONE, said.returncode, said.stderr)
                self.assertIn(word, said.stdout)
                self.assertIn(word, daemon.output())
                daemon.wait(lambda: "check-in failed" in daemon.output(), 20 * FACTOR, "it goes on to its manager, which is not there")
                daemon.stop()

    def test_the_page_comes_when_its_file_is_mended(self):
        self.box.configure(listen={"status": f"127.0.0.1:{self.box.port}", "operators_file": self.box.write("operators", "somebody once\n")})
        daemon = self.box.spawn("run")
        daemon.wait(lambda: "operators" in daemon.output(), 20 * FACTOR, "it says what is wrong")
        self.box.write("operators", "")
        daemon.wait(lambda: answers(self.box.port), 20 * FACTOR, "the page is there without a restart")


if __name__ == "__main__":
    unittest.main(verbosity=2)
