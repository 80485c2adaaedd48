# SPDX-License-Identifier: Apache-2.0
"""The listener of a running agent, met by good clients, bad clients and far too many clients. Who may do what is in access_test."""

import http.client
import json
import re
import signal
import socket
import threading
import time
import unittest

import kit
from kit import FACTOR, BoxTest, own_port, wait_until

HEAD_LIMIT_S, CUT_SLACK_S = 10, 5
STATUS_LIMIT_S = 1
TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + bytes(164)
OK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def get(line=b"GET /healthz HTTP/1.1", *headers, body=b"", host=b"Host: 127.0.0.1"):
    return b"\r\n".join([line, *([host] if host else []), *headers, b"", body])


def post(*headers, body=b""):
    return get(b"POST /v1/check-in HTTP/1.1", *headers, body=body)


# Sent after each bad request, so that one which is well-formed after all does not leave us waiting for the next.
LAST = get(b"GET /healthz HTTP/1.1", b"Connection: close")
CHUNKED = b"Transfer-Encoding: chunked"
# (what it is, the bytes, the statuses that are right for it; () = the connection may just be closed)
BAD = [
    ("empty method", get(b" /healthz HTTP/1.1"), (400,)),
    ("method with a slash", get(b"G/T /healthz HTTP/1.1"), (400,)),
    ("method with a control byte", get(b"G\x01T /healthz HTTP/1.1"), (400,)),
    ("method that does not exist", get(b"BREW /healthz HTTP/1.1"), (405, 501)),
    ("lower case method", get(b"get /healthz HTTP/1.1"), (405, 501)),
    ("no version (HTTP/0.9)", b"GET /healthz\r\n\r\n", (400, 505)),
    ("version 2", get(b"GET /healthz HTTP/2.0"), (505,)),
    ("version 1.10", get(b"GET /healthz HTTP/1.10"), (400, 505)),
    ("version in lower case", get(b"GET /healthz http/1.1"), (400, 505)),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    ("two blanks in the request line", get(b"GET  /healthz HTTP/1.1"), (400,)),
    ("a blank after the request line", get(b"GET /healthz HTTP/1.1 "), (400,)),
    ("tab in the request line", get(b"GET\t/healthz HTTP/1.1"), (400,)),
    ("relative target", get(b"GET healthz HTTP/1.1"), (400,)),
    ("asterisk target", get(b"OPTIONS * HTTP/1.1"), (400, 404, 405)),
    ("absolute-form", get(b"GET http://evil.example/healthz HTTP/1.1"), (400, 403)),
    ("CONNECT", get(b"CONNECT evil.example:443 HTTP/1.1"), (400, 405)),
    ("bad percent escape", get(b"GET /%zz HTTP/1.1"), (400,)),
    ("cut percent escape", get(b"GET /%4 HTTP/1.1"), (400,)),
    ("NUL escaped in the path", get(b"GET /healthz%00.txt HTTP/1.1"), (400,)),
    ("NUL in the path", get(b"GET /health\x00z HTTP/1.1"), (400,)),
    ("path with dots", get(b"GET /v1/sessions/../../../etc/passwd HTTP/1.1"), (400, 404)),
    ("path with escaped dots", get(b"GET /%2e%2e/%2e%2e/etc/shadow HTTP/1.1"), (400, 404)),
    ("request line of 3 KiB", get(b"GET /" + b"a" * 3000 + b" HTTP/1.1"), (414, 431)),
    ("request line of 1 MiB without an end", b"GET /" + b"a" * (1 << 20), (414, 431)),
    ("bare LF everywhere", b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n", (400,)),
    ("bare LF after a header", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\nA: b\r\n\r\n", (400,)),
    ("bare CR in a header", get(b"GET /healthz HTTP/1.1", b"A: b\rc: d"), (400,)),
    ("NUL in a header", get(b"GET /healthz HTTP/1.1", b"A: b\x00c"), (400,)),
    ("folded header", get(b"GET /healthz HTTP/1.1", b"A: b", b" c"), (400,)),
    ("blank before the colon", get(b"GET /healthz HTTP/1.1", b"A : b"), (400,)),
    ("header without a colon", get(b"GET /healthz HTTP/1.1", b"nonsense"), (400,)),
    ("header without a name", get(b"GET /healthz HTTP/1.1", b": b"), (400,)),
    ("header of 16 KiB", get(b"GET /healthz HTTP/1.1", b"A: " + b"b" * 16384), (431,)),
    ("header without an end", OK + b"A: " + b"b" * (1 << 18), (431,)),
    ("100 headers", get(b"GET /healthz HTTP/1.1", *(b"A%d: b" % n for n in range(100))), (431,)),
    ("no Host", get(host=None), (400,)),
    ("two Hosts", get(b"GET /healthz HTTP/1.1", b"Host: 127.0.0.1"), (400,)),
    ("two Content-Lengths", post(b"Content-Length: 1", b"Content-Length: 2", body=b"ab"), (400,)),
    ("two equal Content-Lengths", post(b"Content-Length: 1", b"Content-Length: 1", body=b"a"), (400,)),
    ("list of Content-Lengths", post(b"Content-Length: 1, 1", body=b"a"), (400,)),
    ("negative Content-Length", post(b"Content-Length: -1"), (400,)),
    ("signed Content-Length", post(b"Content-Length: +1", body=b"a"), (400,)),
    ("hexadecimal Content-Length", post(b"Content-Length: 0x1", body=b"a"), (400,)),
    ("empty Content-Length", post(b"Content-Length: "), (400,)),
    ("Content-Length beyond 64 bits", post(b"Content-Length: 99999999999999999999999"), (400, 413)),
    ("huge body announced", post(b"Content-Length: 10000000000"), (413,)),
    ("length and chunked", post(b"Content-Length: 3", CHUNKED, body=b"0\r\n\r\n"), (400,)),
    ("chunked and length", post(CHUNKED, b"Content-Length: 3", body=b"0\r\n\r\n"), (400,)),
    ("two codings", post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), (400, 501)),
    ("coding twice", post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"), (400, 501)),
    ("coding that is unknown", post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), (400, 501)),
    ("coding identity", post(b"Transfer-Encoding: identity"), (400, 501)),
    ("chunk size that is no number", post(CHUNKED, body=b"zz\r\n"), (400,)),
    ("chunk size that is negative", post(CHUNKED, body=b"-1\r\n"), (400,)),
    ("chunk size with 0x", post(CHUNKED, body=b"0x1\r\na\r\n0\r\n\r\n"), (400,)),
    ("chunk size beyond 64 bits", post(CHUNKED, body=b"fffffffffffffffff\r\n"), (400, 413)),
    ("chunk of 1 GiB", post(CHUNKED, body=b"40000000\r\n"), (413,)),
    ("chunks that add up too high", post(CHUNKED, body=b"10000\r\n" + b"a" * 65536 + b"\r\n30001\r\n"), (413,)),
    ("chunk longer than its size", post(CHUNKED, body=b"1\r\nabc\r\n0\r\n\r\n"), (400,)),
    ("chunk line with bare LF", post(CHUNKED, body=b"1\na\n0\n\n"), (400,)),
    ("chunk extension without an end", post(CHUNKED, body=b"1;" + b"x" * 65536), (400, 431)),
    ("trailers without an end", post(CHUNKED, body=b"0\r\n" + b"A: b\r\n" * 20000), (400, 431)),
    ("TLS ClientHello", TLS_HELLO, (400,)),
    ("the old agent's protocol", b"&V54|&UD|MAC=0080646A1B2C|\r\n\r\n", (400,)),
    ("an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", (400,)),
    ("256 kinds of bytes", bytes(range(256)) * 4 + b"\r\n\r\n", (400,)),
    ("only NULs", bytes(16384), (400, 414, 431)),
    ("an endless run of empty lines", b"\r\n" * 20000, (400, 431)),
]


class Client:
    """One raw connection."""

    def __init__(self, port, timeout_s=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s * FACTOR)

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered already and closed
        return self

    def read(self):
        """Everything until the other side closes."""
        received = b""
        try:
            while piece := self.socket.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received

    def close(self):
        self.socket.close()


class ListenerTest(BoxTest):
    def setUp(self):
        super().setUp()
        self.agent = self.box.daemon().settle()

    def tearDown(self):
        self.assertTrue(self.agent.alive(), self.agent.output())
        self.agent.signal(signal.SIGTERM)
        self.assertEqual(0, self.agent.wait(10), self.agent.output())
        self.assert_sane(self.agent.output())

    def ask(self, method, path, **headers):
        """(status, headers, body) of one well-formed request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=10 * FACTOR)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def raw(self, data):
        """(status, body) of what is answered to these bytes; (0, b"") for a closed connection."""
        client = Client(self.box.port)
        received = client.send(data).send(LAST).read()
        client.close()
        if not received:
            return 0, b""
        head, _, body = received.partition(b"\r\n\r\n")
        self.assertRegex(head.split(b"\r\n")[0], rb"^HTTP/1\.1 \d{3} [A-Za-z ]+$")
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        return int(head.split()[1]), body[:int(length.group(1))]

    def assert_problem(self, status, headers, body):
        self.assertEqual("application/problem+json", headers.get_content_type())
        problem = json.loads(body)
        self.assertEqual(status, problem["status"])
        self.assertGreaterEqual(set(problem), {"type", "title", "detail"})
        self.assertGreater(len(problem["detail"]), 15)


class Malformed(ListenerTest):
    def test_each_bad_request_gets_a_clear_refusal_and_costs_nothing(self):
        self.ask("GET", "/v1/status")
        descriptors, memory = self.agent.descriptors(), self.agent.memory_kib()
        self.assertGreaterEqual(len(BAD), 40)
        for name, data, wanted in BAD:
            with self.subTest(name):
                status, body = self.raw(data)
                self.assertIn(status, wanted)
                problem = json.loads(body)
                self.assertEqual(status, problem["status"])
                self.assertRegex(problem["detail"], r"^[A-Z].{10,}\.$")
                self.assertTrue(self.agent.alive())
        wait_until(lambda: self.agent.descriptors() <= descriptors, 10 * FACTOR, "the descriptors to be closed")
        if not kit.SANITIZED:
            self.assertLess(self.agent.memory_kib() - memory, 1024)

    def test_requests_cut_anywhere_leave_nothing_behind(self):
        descriptors = self.agent.descriptors()
        whole = post(b"Content-Length: 4", body=b"abcd")
        for end in range(len(whole)):
            client = Client(self.box.port).send(whole[:end])
            if end % 2:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset instead of a close
            client.close()
        self.assertEqual(200, self.ask("GET", "/healthz")[0])
        wait_until(lambda: self.agent.descriptors() <= descriptors, 10 * FACTOR, "the descriptors to be closed")

    def test_two_requests_in_one_segment_get_two_answers(self):
        client = Client(self.box.port).send(get() + get(b"GET /healthz HTTP/1.1", b"Connection: close"))
        self.assertEqual(2, client.read().count(b"HTTP/1.1 200 "))
        client.close()

    def test_a_body_that_no_path_wants_may_come_in_chunks_and_is_not_asked_for(self):
        status, _ = self.raw(post(CHUNKED, b"Connection: close", body=b"3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n"))
        self.assertIn(status, (202, 429))
        client = Client(self.box.port).send(post(b"Expect: 100-continue", b"Content-Length: 2"))
        self.assertRegex(client.read(), rb"^HTTP/1\.1 (202|429) ")
        client.close()

    def test_http_1_0_is_answered_and_closed(self):
        status, body = self.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertEqual((200, b"ok\n"), (status, body))


class Load(ListenerTest):
    def seconds_for_status(self):
        began = time.monotonic()
        status, _, body = self.ask("GET", "/v1/status")
        self.assertEqual("test-1", json.loads(body)["device"]["id"])
        self.assertEqual(200, status)
        return time.monotonic() - began

    def test_idle_and_half_open_clients_lock_nobody_out(self):
        self.seconds_for_status()
        descriptors, memory = self.agent.descriptors(), self.agent.memory_kib()
        crowd = [Client(self.box.port) for _ in range(200)]
        crowd += [Client(self.box.port).send(b"GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b") for _ in range(200)]
        taken = sorted(self.seconds_for_status() for _ in range(5))
        print(f"status beside 400 clients: median {taken[2] * 1000:.0f} ms, worst {taken[-1] * 1000:.0f} ms; "
              f"{self.agent.descriptors() - descriptors} descriptors, {self.agent.memory_kib() - memory} KiB more", flush=True)
        self.assertLess(taken[2], STATUS_LIMIT_S * FACTOR)
        for client in crowd:
            client.close()
        wait_until(lambda: self.agent.descriptors() <= descriptors, 10 * FACTOR, "the descriptors to be closed")
        if not kit.SANITIZED:
            self.assertLess(self.agent.memory_kib() - memory, 1024)

    def test_a_request_that_trickles_in_is_cut(self):
        clients = [Client(self.box.port, 2 * HEAD_LIMIT_S) for _ in range(20)]
        answers, began = [], time.monotonic()

        def trickle(client):
            client.socket.settimeout(0.5)
            for byte in get(b"GET /v1/status HTTP/1.1", b"A: " + b"b" * 400):
                client.send(bytes([byte]))
                try:
                    answers.append(client.socket.recv(4096))
                    return
                except TimeoutError:
                    continue
                except ConnectionResetError:
                    answers.append(b"")
                    return

        threads = [threading.Thread(target=trickle, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        self.assertLess(self.seconds_for_status(), STATUS_LIMIT_S * FACTOR)
        for thread in threads:
            thread.join((HEAD_LIMIT_S + CUT_SLACK_S) * FACTOR)
        for client in clients:
            client.close()
        self.assertLess(time.monotonic() - began, (HEAD_LIMIT_S + CUT_SLACK_S) * FACTOR)
        self.assertEqual(len(clients), len(answers))
        self.assertTrue(all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers), answers[:3])

    def test_a_client_that_never_reads_holds_nobody_up(self):
        deaf = [Client(self.box.port) for _ in range(5)]
        for client in deaf:
            client.socket.setblocking(False)
            for _ in range(2000):
                try:
                    client.socket.send(get(b"GET / HTTP/1.1"))
                except BlockingIOError:
                    break
        self.assertLess(self.seconds_for_status(), STATUS_LIMIT_S * FACTOR)
        for client in deaf:
            client.close()
        self.assertLess(self.seconds_for_status(), STATUS_LIMIT_S * FACTOR)


class Trigger(ListenerTest):
    def test_the_trigger_has_a_rate_limit(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=10 * FACTOR)
        seen = []
        for _ in range(20):
            connection.request("POST", "/v1/check-in", body=b"")
            answer = connection.getresponse()
            seen.append(answer.status)
            body = answer.read()
            if answer.status == 429:
                self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
                self.assert_problem(429, answer.headers, body)
        connection.close()
        self.assertEqual(202, seen[0])
        self.assertIn(429, seen)
        self.assertEqual({202, 429}, set(seen))


class Documents(ListenerTest):
    def json_of(self, path):
        status, headers, body = self.ask("GET", path)
        self.assertEqual((200, "application/json"), (status, headers.get_content_type()))
        return json.loads(body)

    def test_every_endpoint_has_the_keys_of_its_shape(self):
        status = self.json_of("/v1/status")
        self.assertEqual(kit.STATUS_MEMBERS, set(status))
        self.assertGreaterEqual(set(status["agent"]), {"version", "pid", "uptime_s", "pss_bytes"})
        self.assertEqual(self.agent.pid, status["agent"]["pid"])
        self.assertGreaterEqual(set(status["manager"]), {"dialect", "url", "last_check_in", "last_result", "next_check_in"})
        self.assertIsNone(status["session"])
        for volume in status["volumes"]:
            self.assertGreaterEqual(set(volume), {"volume", "type"})
        self.assertEqual([], self.json_of("/v1/sessions")["sessions"])
        self.assertEqual([], self.json_of("/v1/results")["results"])
        entries = self.json_of("/v1/log")["log"]
        self.assertTrue(all({"seq", "time", "level", "message"} <= set(entry) for entry in entries))
        self.assertEqual([], self.json_of(f"/v1/log?since={entries[-1]['seq'] + 1000}")["log"])
        self.assertEqual(400, self.ask("GET", "/v1/log?since=abc")[0])
        for row in self.json_of("/v1/explain/550"):
            self.assertGreaterEqual(set(row), {"protocol", "number", "name", "severity", "retry", "cause", "next"})
        self.assertEqual((200, b"ok\n"), self.ask("GET", "/healthz")[::2])

    def test_times_are_rfc_3339_utc(self):
        last = wait_until(lambda: self.json_of("/v1/status")["manager"]["last_check_in"], 20 * FACTOR, "the first check-in")
        self.assertRegex(last, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

    def test_an_unchanged_document_is_not_sent_again(self):
        for path in ("/v1/explain/550", "/v1/sessions", "/v1/results"):
            with self.subTest(path):
                _, headers, body = self.ask("GET", path)
                tag = headers["ETag"]
                self.assertRegex(tag, r'^(W/)?"[^"]+"$')
                status, again, empty = self.ask("GET", path, If_None_Match=tag)
                self.assertEqual((304, b"", tag), (status, empty, again["ETag"]))
                self.assertEqual((200, body), self.ask("GET", path, If_None_Match='"other"')[::2])
                self.assertEqual(304, self.ask("GET", path, If_None_Match=f'"other", {tag}')[0])
                self.assertEqual(304, self.ask("GET", path, If_None_Match="*")[0])

    def test_head_is_get_without_a_body(self):
        for path in ("/", "/healthz", "/v1/sessions", "/v1/explain/550", "/nowhere"):
            with self.subTest(path):
                status, headers, body = self.ask("HEAD", path)
                want, reference, full = self.ask("GET", path)
                self.assertEqual((want, b""), (status, body))
                self.assertEqual(reference["Content-Type"], headers["Content-Type"])
                if path != "/":  # the page shows the time
                    self.assertEqual(len(full), int(headers["Content-Length"]))

    def test_errors_are_problem_documents(self):
        for method, path, wanted in (("GET", "/nowhere", 404), ("GET", "/v1", 404), ("GET", "/v1/sessions/nosuch", 404), ("GET", "/v1/explain/nosuch", 404),
                                     ("GET", "/v1/sessions/..%2f..%2fetc%2fpasswd", 404), ("DELETE", "/v1/status", 405), ("PUT", "/", 405),
                                     ("GET", "/v1/check-in", 405), ("POST", "/v1/status", 405), ("GET", "/favicon.ico", 404)):
            with self.subTest(f"{method} {path}"):
                status, headers, body = self.ask(method, path)
                self.assertEqual(wanted, status)
                self.assert_problem(status, headers, body)
                if status == 405:
                    self.assertRegex(headers["Allow"], r"^(GET|POST)")

    def test_the_page_stands_alone_and_nothing_names_the_software(self):
        status, headers, body = self.ask("GET", "/")
        page = body.decode()
        self.assertEqual((200, "text/html"), (status, headers.get_content_type()))
        self.assertTrue(page.startswith("<!doctype html>") and page.rstrip().endswith("</html>"))
        self.assertEqual([], re.findall(r"<[^>]*\s(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//|<style>[^<]*(?:url\(|@import)", page))
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual("nosniff", headers["X-Content-Type-Options"])
        self.assertIsNone(headers["Server"])


class Life(BoxTest):
    def test_sigterm_ends_it_cleanly_and_in_time_even_with_clients(self):
        agent = self.box.daemon()
        clients = [Client(self.box.port).send(OK) for _ in range(50)]
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(5), agent.output())
        self.assertIn("stopped", agent.output())
        self.assert_sane(agent.output())
        for client in clients:
            client.close()
        self.box.daemon()  # the port and the state are free again

    def test_sighup_reads_the_configuration_again(self):
        agent, old = self.box.daemon(), self.box.port
        self.box.port = own_port()
        self.box.configure(device={"id": "test-2"})
        agent.signal(signal.SIGHUP)
        agent.process.wait(lambda: kit.answers(self.box.port), 20 * FACTOR, "the new address answers")
        self.assertFalse(kit.answers(old))
        document = self.document(self.box.run("status", "--json"))
        self.assertEqual(("test-2", agent.pid), (document["device"]["id"], document["agent"]["pid"]))

    def test_sighup_with_a_bad_configuration_keeps_the_good_one(self):
        agent = self.box.daemon()
        for bad in ("{", '{"manager":{"ulrs":[]}}'):
            before = len(agent.output())
            self.box.write("hagent.json", bad)
            agent.signal(signal.SIGHUP)
            agent.process.wait(lambda: "keeps" in agent.output()[before:], 20 * FACTOR, "a complaint about the new configuration")
            agent.process.wait(lambda: kit.answers(self.box.port), 20 * FACTOR, "it goes on")
            self.box.configure()
        self.assertEqual("test-1", self.document(self.box.run("status", "--json"))["device"]["id"])
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(10), agent.output())


if __name__ == "__main__":
    unittest.main(verbosity=2)
