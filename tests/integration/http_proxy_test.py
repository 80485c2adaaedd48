# SPDX-License-Identifier: Apache-2.0
"""Proxies: what one says is not the server's word, the machine that has the fault is named, and news is asked for past caches."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import unittest

import kit
from certificates import Authority
from kit import DONE, FAILED, TRY_LATER, BoxTest, own_port
from one_job_manager import OneJobManager
from scripted_http import Scripted, answer

PUT = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].endswith("hagent_put") else os.environ.get("HAGENT_PUT", "")
TARGET = "https://files.example/f"
CONNECT_ANSWERS = [("307 Temporary Redirect", "Location: {elsewhere}"), ("302 Found", "Location: {elsewhere}"), ("401 Unauthorized", "WWW-Authenticate: Basic"),
                   ("403 Forbidden", "ETag: \"x\""), ("404 Not Found", "Content-Length: 0"), ("405 Method Not Allowed", "Allow: GET"),
                   ("410 Gone", "X: y"), ("416 Range Not Satisfiable", "Content-Range: bytes */0"), ("429 Too Many Requests", "Retry-After: 3600"),
                   ("500 Oops", "X: y"), ("503 Service Unavailable", "Retry-After: 3600"), ("304 Not Modified", "ETag: \"x\"")]


class Proxied(BoxTest):
    def scripted(self, act, **more):
        server = Scripted(act, **more)
        self.addCleanup(server.close)
        return server

    def setUp(self):
        super().setUp()
        self.box.configure(transfer={"attempts": 1, "connect_timeout_s": 3})

    def fetch_error(self, url, code, *more, **environment):
        document = self.document(self.expect(self.box.run("fetch", "--json", url, "-o", self.box.path("out"), *more, **environment), code))
        self.assertFalse(os.path.exists(self.box.path("out")))
        return document["error"]

    def put_error(self, url, **environment):
        done = subprocess.run([PUT, self.box.write("sent", "inventory"), url, "--attempts", "1"], capture_output=True, text=True, check=False, timeout=60,
                              env=kit.environment(**environment))
        return json.loads(done.stdout)["error"]


class Connect(Proxied):
    def test_nothing_of_an_answer_to_connect_but_its_status_is_used(self):
        elsewhere = self.scripted(lambda request, peer: answer("200 OK", b"evil"))
        for status, field in CONNECT_ANSWERS:
            head = f"HTTP/1.1 {status}\r\n{field.format(elsewhere=elsewhere.url())}\r\nContent-Length: 5\r\n\r\nhello".encode()
            proxy = self.scripted(lambda request, peer, head=head: peer.sendall(head))  # and then it closes
            errors = [self.fetch_error(TARGET, TRY_LATER, https_proxy=proxy.place)]
            for error in errors + ([self.put_error(TARGET, https_proxy=proxy.place)] if PUT else []):
                with self.subTest(status=status):
                    self.assertEqual("transient", error["retry"], error)
                    self.assertEqual("proxy_failed", error["name"])
                    self.assertIn(f"{proxy.place} (https_proxy) answered {status[:3]} to CONNECT", error["text"])
            self.assertEqual([], elsewhere.requests)
            self.assertEqual({"CONNECT"}, {request["method"] for request in proxy.requests})

    def test_a_proxy_that_wants_a_login_says_so_for_good(self):
        proxy = self.scripted(lambda request, peer: answer("407 Proxy Authentication Required", b"x" * 100, "text/html", "Proxy-Authenticate: Basic"))
        for login in ("", "someone:wrong@"):
            error = self.fetch_error(TARGET, FAILED, https_proxy=f"http://{login}{proxy.place}")
            self.assertEqual(("http", 407, "permanent"), (error["protocol"], error["number"], error["retry"]))
            self.assertIn(f"{proxy.place} (https_proxy)", error["text"])
            self.assertNotIn("wrong", json.dumps(error))
            self.assertIn("https_proxy", error["next"])
        clear = self.fetch_error("http://files.example/f", FAILED, http_proxy=proxy.place)
        self.assertEqual(("http", 407), (clear["protocol"], clear["number"]))
        self.assertIn(f"{proxy.place} (http_proxy)", clear["text"])

    def test_what_a_proxy_appends_without_end_is_not_read(self):
        for status in ("407 Login", "403 No"):
            proxy = self.scripted(lambda request, peer, status=status: proxy.endless(peer, f"HTTP/1.1 {status}\r\nContent-Length: 99999999999\r\n\r\n".encode()))
            self.fetch_error(TARGET, FAILED if "407" in status else TRY_LATER, https_proxy=proxy.place)
            self.assertLess(proxy.sent_bytes, 8 << 20)

    def test_reports_and_the_inventory_stay_where_they_are(self):
        """A manager behind a proxy whose answers to CONNECT look like a manager's: nothing is dropped, nothing goes elsewhere."""
        authority = Authority(self.box.folder, "authority")
        manager = OneJobManager(authority.issue("manager", "DNS:manager.example,IP:127.0.0.1"))
        self.addCleanup(manager.close)
        refusing = []

        def act(request, peer):
            if refusing:
                return answer(refusing[0], b"", "text/plain", f"Location: {elsewhere.url()}", "Retry-After: 3600")
            peer.sendall(b"HTTP/1.1 200 OK\r\nETag: \"proxy\"\r\nContent-Length: 7\r\n\r\n")
            tunnel(peer, manager.port)
            return None

        elsewhere, proxy = self.scripted(lambda request, peer: answer("200 OK", b"{}")), self.scripted(act)
        key = self.box.trusted_key()
        manager.offer(self.box.script_package("p", 1, f'[Version]\nNumber=p\nOS=SLX\n[Script]\nAL "{self.box.root}/f" "done"\n', key))
        self.box.configure(manager={"urls": ["https://manager.example/"], "ca_file": authority.pem}, transfer={"attempts": 1, "connect_timeout_s": 3})
        whole = manager.answer
        manager.answer = lambda method, path, headers, body: (500, b"") if "feedback" in path else whole(method, path, headers, body)
        self.box.run("check-in", "--once", https_proxy=proxy.place)
        self.assertTrue(os.path.exists(os.path.join(self.box.root, "f")))
        manager.answer, asked = whole, len(manager.requests)
        for status in ("307 Temporary Redirect", "404 Not Found", "405 Method Not Allowed", "410 Gone", "422 No", "407 Login"):
            refusing[:] = [status]
            done = self.expect(self.box.run("check-in", "--once", https_proxy=proxy.place), FAILED if "407" in status else TRY_LATER, proxy.place)
            self.assertNotIn("no longer wants", done.stderr)
        self.assertEqual(([], asked), (elsewhere.requests, len(manager.requests)))
        refusing.clear()
        self.expect(self.box.run("check-in", "--once", https_proxy=proxy.place), DONE)
        self.assertEqual("success", manager.result(1)[0])


    def test_a_login_that_a_proxy_wants_in_clear_text_drops_no_report(self):
        manager = OneJobManager()
        self.addCleanup(manager.close)
        whole, key, refusing = manager.answer, self.box.trusted_key(), []

        def act(request, peer):
            if refusing and "feedback" in request["target"]:
                return answer("407 Proxy Authentication Required")
            status, body = manager.answer(request["method"], request["target"].split(".example", 1)[1], request["fields"], request["body"])
            return answer(f"{status} Status", body)

        manager.offer(self.box.script_package("p", 1, f'[Version]\nNumber=p\nOS=SLX\n[Script]\nAL "{self.box.root}/f" "done"\n', key))
        proxy = self.scripted(act)
        self.box.configure(manager={"urls": ["http://manager.example/"], "allow_clear_text": True}, transfer={"attempts": 1})
        manager.answer = lambda method, path, headers, body: (whole(method, path, headers, body)[0], whole(method, path, headers, body)[1].replace(
            f"{manager.url}DEFAULT".encode(), b"http://manager.example/DEFAULT"))
        refusing.append(True)
        for _ in range(3):
            self.assertNotIn("no longer wants", self.box.run("check-in", "--once", http_proxy=proxy.place).stderr)
        self.assertIsNone(manager.result(1)[0])
        refusing.clear()
        self.box.run("check-in", "--once", http_proxy=proxy.place)
        self.assertEqual("success", manager.result(1)[0])


def tunnel(peer, port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
        def pump(source, target):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)
        back = threading.Thread(target=pump, args=(server, peer), daemon=True)
        back.start()
        pump(peer, server)
        back.join(30)


class Faults(Proxied):
    def test_a_dead_proxy_is_named_and_not_the_server(self):
        port = own_port()
        for url, name in ((TARGET, "https_proxy"), (TARGET, "HTTPS_PROXY"), (TARGET, "all_proxy"), ("http://files.example/f", "http_proxy"),
                          ("http://files.example/f", "ALL_PROXY")):
            for scheme in ("", "http://", "https://", "socks5h://", "socks4a://"):
                error = self.fetch_error(url, TRY_LATER, **{name: f"{scheme}127.0.0.1:{port}"})
                with self.subTest(url=url, name=name, scheme=scheme):
                    self.assertEqual(("proxy_failed", "transient"), (error["name"], error["retry"]), error)
                    self.assertIn(f"127.0.0.1:{port} ({name})", error["text"])

    def test_an_unknown_proxy_is_no_unknown_server(self):
        for url, name in ((TARGET, "https_proxy"), ("http://files.example/f", "http_proxy")):
            error = self.fetch_error(url, TRY_LATER, **{name: "http://no-such-proxy.invalid:3128"})
            self.assertEqual(("proxy_failed", "transient"), (error["name"], error["retry"]), error)
            self.assertIn(f"no-such-proxy.invalid:3128 ({name})", error["text"])
            self.assertIn(name, error["next"])

    def test_a_proxy_that_is_silent_closes_or_talks_nonsense_is_named(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        places = {"silent": f"127.0.0.1:{silent.getsockname()[1]}", "closes": self.scripted(lambda request, peer: None).place,
                  "nonsense": self.scripted(lambda request, peer: b"220 ftp ready\r\n" * 3 + b"\r\n").place}
        for what, place in places.items():
            error = self.fetch_error(TARGET, TRY_LATER, https_proxy=place)
            with self.subTest(what):
                self.assertEqual(("proxy_failed", "transient"), (error["name"], error["retry"]), error)
                self.assertIn(f"{place} (https_proxy)", error["text"])
        for scheme in ("socks5h", "socks4a"):
            error = self.fetch_error(TARGET, TRY_LATER, https_proxy=f"{scheme}://{places['nonsense']}")
            self.assertEqual("proxy_failed", error["name"], error)

    def test_behind_a_proxy_that_does_its_work_the_server_is_blamed(self):
        proxy = self.scripted(lambda request, peer: peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"this is no TLS\r\n" * 9))
        error = self.fetch_error(TARGET, FAILED, https_proxy=proxy.place)
        self.assertEqual("tls_handshake", error["name"], error)
        self.assertIn("files.example", error["text"])

    def test_an_error_that_came_through_a_proxy_in_clear_text_says_so(self):
        for status in (403, 502, 503, 504):
            proxy = self.scripted(lambda request, peer, status=status: answer(f"{status} Sorry", b"the parent does not answer"))
            error = self.fetch_error("http://files.example/f", FAILED if status < 500 else TRY_LATER, http_proxy=proxy.place)
            self.assertEqual(("http", status), (error["protocol"], error["number"]))
            self.assertIn(f"{proxy.place} (http_proxy)", error["text"])
            self.assertIn('"the parent does not answer"', error["text"])


class Caches(Proxied):
    """A proxy with a cache, which shows what it has unless it is told not to."""

    def setUp(self):
        super().setUp()
        self.site, self.cached, self.key = {}, {}, self.box.trusted_key()
        self.proxy = self.scripted(self.act)

    def act(self, request, peer):
        path = request["target"].split("files.example/", 1)[-1]
        if request["method"] != "GET" or path not in self.site:
            return answer("404 Not Found")
        fresh = "no-cache" in request["fields"].get("cache-control", "") and "no-cache" in request["fields"].get("pragma", "")
        if fresh or path not in self.cached:
            self.cached[path] = self.site[path]
        return answer("200 OK", self.cached[path], "application/octet-stream", "Age: 100")

    def serve(self, name):
        for folder, _, files in os.walk(self.box.path(name)):
            for file in files:
                path = os.path.join(folder, file)
                with open(path, "rb") as content:
                    self.site[os.path.relpath(path, self.box.folder)] = content.read()

    def publish(self, serial, *names):
        jobs = self.box.write("jobs.json", json.dumps({"format": 1, "serial": serial, "all": {"jobs": [
            {"id": f"{name}-{serial}", "package": f"{name}/"} for name in names]}}))
        self.expect(self.box.run("sign", jobs, "--key", self.key), DONE)
        for name in ("jobs.json", "jobs.sig"):
            with open(self.box.path(name), "rb") as file:
                self.site[name] = file.read()

    def package(self, name, serial):
        self.box.script_package(name, serial, f'[Version]\nNumber=p\nOS=SLX\n[Script]\nAL "{self.box.root}/{name}" "{serial}"\n', self.key)
        self.serve(name)

    def test_a_new_list_and_a_new_package_are_seen_at_once(self):
        self.box.configure(manager={"dialect": "folder", "urls": ["http://files.example/"], "allow_clear_text": True})
        for serial in (1, 2, 3):
            self.package("p", serial)
            self.publish(serial, "p")
            self.expect(self.box.run("check-in", "--once", http_proxy=self.proxy.place), DONE)
            with open(os.path.join(self.box.root, "p"), encoding="utf-8") as file:
                self.assertEqual(str(serial), file.read().split()[-1])

    def test_a_file_that_does_not_fit_is_read_again_past_caches(self):
        old, new = b"old" * 1000, b"new" * 1000
        self.site["f"], self.cached["f"] = new, old
        document = self.document(self.expect(self.box.run("fetch", "--json", "http://files.example/f", "-o", self.box.path("out"), "--sha256",
                                                          hashlib.sha256(new).hexdigest(), http_proxy=self.proxy.place), DONE))
        self.assertEqual(2, document["attempts"])
        self.assertEqual(["", "no-cache"], [request["fields"].get("cache-control", "") for request in self.proxy.asked("/f")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
