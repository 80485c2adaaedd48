# SPDX-License-Identifier: Apache-2.0
"""Who may call what, and where: every endpoint for every caller on every kind of address, with no cell left open."""

import hashlib
import http.client
import itertools
import os
import re
import socket
import ssl
import tempfile
import unittest

from certificates import Authority
from kit import FACTOR, REFUSED, BoxTest, own_port
from listener_test import BAD, LAST, TLS_HELLO

API = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../agent/status/api.cpp")
TOKENS = {"viewer": "canary-viewer-3c61", "operator": "canary-operator-8d02"}
OPEN, NEEDS_TOKEN, MAY_NOT_ACT, FOREIGN = "allowed", 401, 403, 403
CLEAR, LOCAL_TLS, OTHER_TLS, OTHER_CLEAR = "127.0.0.1", "127.0.0.1 with TLS", "0.0.0.0 with TLS", "0.0.0.0"
SERVED = (CLEAR, LOCAL_TLS, OTHER_TLS)

# (who, token, client certificate)
CALLERS = [("nobody", None, None), ("wrong token", "wrong", None), ("empty token", "", None), ("viewer", TOKENS["viewer"], None),
           ("operator", TOKENS["operator"], None), ("viewer's certificate", None, "vito"), ("operator's certificate", None, "otto"),
           ("certificate of nobody known", None, "nobody"), ("expired certificate", None, "late"), ("certificate of another authority", None, "forged"),
           ("operator's certificate, viewer's token", TOKENS["viewer"], "otto"), ("operator's certificate, wrong token", "wrong", "otto")]
WEAK = {"nobody", "wrong token", "empty token", "certificate of nobody known", "expired certificate", "certificate of another authority",
        "operator's certificate, wrong token"}
OPERATORS = {"operator", "operator's certificate"}

# (method, path, what it needs, status when it is allowed); the paths of api.cpp in their order
ENDPOINTS = [
    ("GET", "/", "reader", 200), ("GET", "/v1/status", "reader", 200), ("GET", "/v1/status.txt", "reader", 200), ("GET", "/v1/log.txt", "reader", 200),
    ("GET", "/v1/sessions", "reader", 200), ("GET", "/v1/sessions/000001", "reader", 404), ("GET", "/v1/results", "reader", 200),
    ("GET", "/v1/log", "reader", 200), ("GET", "/v1/explain/550", "reader", 200), ("GET", "/healthz", "reader", 200),
    ("POST", "/v1/check-in", "anyone", (202, 429)), ("POST", "/v1/sessions/000001/cancel", "operator", 404),
    ("POST", "/v1/parked/none/release", "operator", 404), ("POST", "/v1/image/confirm", "operator", (409, 503))]


def expected(needs, who, bind):
    """By the words of spec 8 and 11: reading is free on this device only, acting needs an operator, the wish for a check-in nobody."""
    if needs == "anyone" or (needs == "reader" and bind != OTHER_TLS):
        return OPEN
    if who in WEAK:
        return NEEDS_TOKEN
    return OPEN if needs == "reader" or who in OPERATORS else MAY_NOT_ACT


class AccessTest(BoxTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="hagent-access-")
        cls.addClassCleanup(folder.cleanup)
        cls.ca, cls.clients = Authority(folder.name, "listeners"), Authority(folder.name, "clients")
        cls.own = cls.ca.issue("own")
        cls.certificates = {name: cls.clients.issue(name, "DNS:x", common_name=name) for name in ("otto", "vito", "nobody")}
        cls.certificates["late"] = cls.clients.issue("late", "DNS:x", days=-1, common_name="otto")
        cls.certificates["forged"] = cls.ca.issue("forged", "DNS:x", common_name="otto")

    def start(self, bind):
        """The agent on this kind of address, on a port of its own."""
        self.box.port = own_port()
        lines = [f"{role} {role} {hashlib.sha256(token.encode()).hexdigest()}" for role, token in TOKENS.items()]
        listen = {"status": f"{bind.split()[0]}:{self.box.port}", "operators_file": self.box.write("operators", "\n".join(
            [*lines, "viewer vito certificate", "operator otto certificate", ""]))}
        if "TLS" in bind:
            listen.update(tls_cert_file=self.own[0], tls_key_file=self.own[1], client_ca_file=self.clients.pem)
        self.box.configure(listen=listen)
        return self.box.daemon()

    def connect(self, bind, certificate=None):
        if "TLS" not in bind:
            return http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=10 * FACTOR)
        context = ssl.create_default_context(cafile=self.ca.pem)
        if certificate:
            context.load_cert_chain(*self.certificates[certificate])
        return http.client.HTTPSConnection("127.0.0.1", self.box.port, timeout=10 * FACTOR, context=context)

    def ask(self, connection, method, path, token=None, **headers):
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 401:
            self.assertEqual("Bearer", answer.headers["WWW-Authenticate"])
        if answer.status >= 400:
            self.assertEqual("application/problem+json", answer.headers.get_content_type())
            for secret in TOKENS.values():
                self.assertNotIn(secret.encode(), body)
        return answer.status

    def check(self, name, wanted, allowed, status):
        allowed = allowed if isinstance(allowed, tuple) else (allowed,)
        with self.subTest(name):
            self.assertIn(status, allowed if wanted == OPEN else (wanted,))

    def test_the_table_has_every_route_of_the_source(self):
        with open(API, encoding="utf-8") as file:
            source = file.read()
        routes = [("GET", path) for path in re.findall(r'\bget\("(/[^"]*)"', source)]
        routes += re.findall(r'router\.add\(\{"([A-Z]+)", "(/[^"]*)"', source)
        self.assertGreater(len(routes), 10)
        for method, route in routes:
            fits = [path for verb, path, *_ in ENDPOINTS if verb == method and (path.startswith(route) and len(path) > len(route) if route.endswith("/") and
                                                                               len(route) > 1 else path == route)]
            self.assertEqual(1, len(fits), f"{method} {route} has {len(fits)} rows in the table")

    def test_every_endpoint_for_every_caller_on_every_address(self):
        cells = {}
        for bind in SERVED:
            daemon = self.start(bind)
            for who, token, certificate in CALLERS:
                if certificate and bind == CLEAR:  # nobody can show one there: the first byte of the attempt is refused
                    cells.update({(path, who, bind): self.status_of(TLS_HELLO) for _, path, *_ in ENDPOINTS})
                    self.check((who, bind), 400, (), cells[ENDPOINTS[0][1], who, bind])
                    continue
                connection = self.connect(bind, certificate)
                for method, path, needs, allowed in ENDPOINTS:
                    cells[path, who, bind] = self.ask(connection, method, path, token)
                    self.check((method, path, who, bind), expected(needs, who, bind), allowed, cells[path, who, bind])
                connection.close()
            daemon.signal(15)
            self.assertEqual(0, daemon.wait(10), daemon.output())
        self.assertEqual({(path, who, bind) for (_, path, *_), (who, *_), bind in itertools.product(ENDPOINTS, CALLERS, SERVED)}, set(cells))
        self.show(cells)

    def test_what_is_no_proof_does_not_count_as_one(self):
        self.start(CLEAR)
        connection = self.connect(CLEAR)
        good = TOKENS["operator"]
        for authorization in ("Bearer", "Bearer ", "Basic b3A6b3A=", good, f"Bearer {good}x", f"Bearer {good[:-1]}", f"bearer{good}", f"Bearer  {good}",
                              f"Bearer {good}, {good}", "Bearer " + hashlib.sha256(good.encode()).hexdigest(), f"Bearer {good.upper()}"):
            self.check(authorization, NEEDS_TOKEN, (), self.ask(connection, "POST", "/v1/sessions/x/cancel", Authorization=authorization))
        self.check("two tokens", 401, (), self.status_of(f"POST /v1/sessions/x/cancel HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\n"
                                                         f"Authorization: Bearer {good}\r\nContent-Length: 0\r\n\r\n".encode()))
        connection.close()

    def show(self, cells):
        for bind in SERVED:
            print(f"\n{bind}\n| endpoint | {' | '.join(who for who, *_ in CALLERS)} |\n|---|{'---|' * len(CALLERS)}")
            for method, path, *_ in ENDPOINTS:
                print(f"| {method} {path} | {' | '.join(str(cells[path, who, bind]) for who, *_ in CALLERS)} |")

    def status_of(self, data):
        with socket.create_connection(("127.0.0.1", self.box.port), 10 * FACTOR) as stream:
            stream.sendall(data)
            return int(stream.recv(4096).split()[1])

    def test_no_other_address_is_served_in_clear_text(self):
        for address in ("0.0.0.0", "192.0.2.1", "[::]"):
            self.box.configure(listen={"status": f"{address}:{own_port()}"})
            self.expect(self.box.run("run", timeout=20), REFUSED, "listen.status", "tls_cert_file")

    def test_a_name_that_was_led_here_reads_and_does_nothing(self):
        """DNS rebinding: a page of evil.example whose name now means this device. Only a token is shown by hand; a certificate the browser shows
        by itself. On other addresses the name in the certificate keeps browsers away, and nothing is served without a proof."""
        for bind in SERVED:
            daemon, port = self.start(bind), self.box.port
            foreign = ["evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", f"127.0.0.1.evil.example:{port}", "127.0.0.1:1", "192.0.2.1"]
            own = [f"127.0.0.1:{port}", f"localhost:{port}", "localhost", f"[::1]:{port}"]
            for method, path, needs, allowed in ENDPOINTS:
                for who, token, certificate in CALLERS:
                    if who not in ("nobody", "operator", "operator's certificate") or (certificate and bind == CLEAR):
                        continue
                    local = expected(needs, who, bind)
                    connection = self.connect(bind, certificate)
                    for host in foreign if path in ("/v1/status", "/v1/check-in") else foreign[:1]:
                        wanted = FOREIGN if bind != OTHER_TLS and who != "operator" else local
                        self.check((bind, method, path, who, host), wanted, allowed, self.ask(connection, method, path, token, Host=host))
                    if path == "/v1/status":
                        for host in own:
                            self.check((bind, path, who, host), local, allowed, self.ask(connection, method, path, token, Host=host))
                    connection.close()
            daemon.signal(15)
            self.assertEqual(0, daemon.wait(10), daemon.output())

    def test_a_page_of_somebody_else_does_nothing(self):
        """CSRF: whoever asks, a foreign Origin is refused before anything else is looked at."""
        for bind in SERVED:
            daemon, port = self.start(bind), self.box.port
            scheme = "https" if "TLS" in bind else "http"
            pages = ("http://evil.example", "https://127.0.0.1.evil.example", "null", f"http://127.0.0.1:{port + 1}")
            for who, token, certificate in CALLERS:
                if certificate and bind == CLEAR:
                    continue
                connection = self.connect(bind, certificate)
                for method, path, needs, allowed in ENDPOINTS:
                    for origin in pages if method == "POST" else pages[:1]:
                        self.check((bind, method, path, who, origin), FOREIGN, (), self.ask(connection, method, path, token, Origin=origin))
                self.check((bind, who, "own origin"), OPEN, (202, 429),
                           self.ask(connection, "POST", "/v1/check-in", token, Origin=f"{scheme}://127.0.0.1:{port}"))
                connection.close()
            daemon.signal(15)
            self.assertEqual(0, daemon.wait(10), daemon.output())

    def test_requests_that_can_be_read_in_two_ways_are_refused_behind_tls_too(self):
        """Smuggling and chunk tricks; listener_test has them in clear text."""
        tricks = [row for row in BAD if re.search(r"length|chunk|coding|trailers|Host|colon|folded|bare|NUL|absolute", row[0], re.IGNORECASE)]
        self.assertGreater(len(tricks), 25)
        daemon = self.start(OTHER_TLS)
        context = ssl.create_default_context(cafile=self.ca.pem)
        for name, data, wanted in tricks:
            plain = socket.create_connection(("127.0.0.1", self.box.port), 10 * FACTOR)
            with self.subTest(name), context.wrap_socket(plain, server_hostname="127.0.0.1") as stream:
                try:
                    stream.sendall(data)
                    stream.sendall(LAST)
                except OSError:
                    pass  # it has answered already and closed
                received = b""
                try:
                    while piece := stream.recv(65536):
                        received += piece
                except OSError:
                    pass
                self.assertIn(int(received.split()[1]), wanted)
                self.assertEqual(1, received.count(b"HTTP/1.1 "))  # and nothing that came behind it is answered
        self.assertTrue(daemon.alive())
        connection = self.connect(OTHER_TLS)
        self.assertEqual(401, self.ask(connection, "GET", "/v1/status"))
        connection.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
