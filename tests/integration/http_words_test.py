# SPDX-License-Identifier: Apache-2.0
"""What an HTTP peer may make the agent take: bytes without end are cut, and its last words are part of every error."""

import json
import os
import subprocess
import sys
import unittest

import kit
from kit import DONE, FAILED, REFUSED, TRY_LATER, BoxTest
from one_job_manager import OneJobManager
from scripted_http import Scripted, answer

PUT = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].endswith("hagent_put") else os.environ.get("HAGENT_PUT", "")
FEW = 24 << 20  # what lies in the two sockets and one maximum are among them
PROBLEM = json.dumps({"type": "about:blank", "title": "Unprocessable", "status": 422, "detail": "agent 0.1 is not compatible"}).encode()
BODIES = [(PROBLEM, "application/problem+json", '"Unprocessable: agent 0.1 is not compatible"'),
          (b'{"errorCode":"hawkbit.server.error.quota.tooManyEntries","message":"Too many status entries"}', "application/json",
           '"Too many status entries: hawkbit.server.error.quota.tooManyEntries"'),
          (b"<html><head><title>Wartung \xc3\xbc\x1b[2J</title></head></html>", "text/html", "\"Wartung ü?[2J\""),
          (b"disk \"full\"\r\nmore", "text/plain", "\"disk 'full'\"")]


class Peers(BoxTest):
    def scripted(self, act):
        server = Scripted(act)
        self.addCleanup(server.close)
        return server

    def setUp(self):
        super().setUp()
        self.box.configure(transfer={"attempts": 1})

    def fetch(self, url, code, *more):
        return self.document(self.expect(self.box.run("fetch", "--json", url, "-o", self.box.path("out"), *more), code))

    def put(self, url):
        done = subprocess.run([PUT, self.box.write("sent", "x"), url, "--attempts", "1"], capture_output=True, text=True, check=False, timeout=60,
                              env=kit.environment())
        return json.loads(done.stdout)


class Endless(Peers):
    def test_errors_redirects_and_answers_to_uploads_are_cut(self):
        there = self.scripted(lambda request, peer: answer("200 OK", b"there"))
        for status, field in (("404 Not Found", "X: y"), ("500 Oops", "Transfer-Encoding: chunked"), ("503 Busy", "Content-Length: 999999999999"),
                              ("302 Found", f"Location: {there.url()}"), ("401 Who", "WWW-Authenticate: Basic")):
            piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if "chunked" in field else b"x" * 65536
            server = self.scripted(lambda request, peer, head=f"HTTP/1.1 {status}\r\n{field}\r\n\r\n".encode(), piece=piece: server.endless(peer, head, piece))
            document = self.fetch(server.url("f"), DONE if "302" in status else TRY_LATER if status[0] == "5" else FAILED)
            self.assertEqual(None if "302" in status else int(status[:3]), document["error"] and document["error"]["number"])
            self.assertLess(server.sent_bytes, FEW, status)
        if not PUT:
            return
        server = self.scripted(lambda request, peer: server.endless(peer, b"HTTP/1.1 201 Created\r\n\r\n"))
        self.assertIsNone(self.put(server.url("f"))["error"])
        self.assertLess(server.sent_bytes, FEW)

    def test_lists_signatures_and_manifests_are_cut_at_their_limit(self):
        key = self.box.trusted_key()
        self.box.script_package("p", 1, f'[Version]\nNumber=p\nOS=SLX\n[Script]\nAL "{self.box.root}/f" "done"\n', key)
        jobs = self.box.write("jobs.json", json.dumps({"format": 1, "serial": 1, "all": {"jobs": [{"id": "a", "package": "p/"}]}}))
        self.expect(self.box.run("sign", jobs, "--key", key), DONE)
        for endless in ("/jobs.json", "/jobs.sig", "/p/manifest.json", "/p/manifest.sig", "/p/p.rsp"):
            def act(request, peer, endless=endless):
                if request["target"] == endless:
                    return server.endless(peer, b"HTTP/1.1 200 OK\r\n\r\n")
                with open(self.box.path(request["target"][1:]), "rb") as file:
                    return answer("200 OK", file.read())

            server = self.scripted(act)
            self.box.configure(manager={"dialect": "folder", "urls": [server.url()]}, transfer={"attempts": 1}, state_dir=self.box.path("state" + str(server.port)))
            os.mkdir(self.box.path("state" + str(server.port)), 0o700)
            done = self.box.run("check-in", "--once")
            self.assertIn(done.returncode, (FAILED, REFUSED, TRY_LATER), done.stderr)
            self.assertLess(server.sent_bytes, FEW, endless)
            self.assertFalse(os.path.exists(os.path.join(self.box.root, "f")))

    def test_a_manager_that_answers_without_end_is_cut(self):
        for status in ("200 OK", "404 Not Found", "500 Oops"):
            server = self.scripted(lambda request, peer, status=status: server.endless(peer, f"HTTP/1.1 {status}\r\n\r\n".encode()))
            self.box.configure(manager={"urls": [server.url()]})
            done = self.box.run("check-in", "--once")
            self.assertIn(done.returncode, (FAILED, TRY_LATER), done.stderr)
            self.assertLess(server.sent_bytes, FEW, status)


class Words(Peers):
    def test_a_refusal_is_told_in_the_peers_words(self):
        for body, kind, words in BODIES:
            server = self.scripted(lambda request, peer, body=body, kind=kind: answer("422 Unprocessable Content", body, kind))
            for document in [self.fetch(server.url("f"), FAILED), *([self.put(server.url("f"))] if PUT else [])]:
                self.assertEqual(422, document["error"]["number"])
                self.assertIn(words, document["error"]["text"])
            self.box.configure(manager={"urls": [server.url()]})
            self.expect(self.box.run("check-in", "--once"), FAILED, words.strip('"'))

    def test_a_job_that_a_server_refused_is_reported_in_its_words(self):
        manager = OneJobManager()
        self.addCleanup(manager.close)
        key, whole = self.box.trusted_key(), manager.answer
        manager.answer = lambda method, path, headers, body: (422, PROBLEM) if "/files/" in path else whole(method, path, headers, body)
        manager.offer(self.box.script_package("p", 1, f'[Version]\nNumber=p\nOS=SLX\n[Script]\nAL "{self.box.root}/f" "done"\n', key))
        self.box.configure(manager={"urls": [manager.url]}, transfer={"attempts": 1})
        self.box.run("check-in", "--once")
        self.assertIn("agent 0.1 is not compatible", manager.result(1)[1])

    def test_a_report_that_is_refused_is_logged_with_the_managers_words(self):
        manager = OneJobManager()
        self.addCleanup(manager.close)
        key, whole = self.box.trusted_key(), manager.answer
        manager.answer = lambda method, path, headers, body: (403, PROBLEM) if "feedback" in path else whole(method, path, headers, body)
        manager.offer(self.box.script_package("p", 1, f'[Version]\nNumber=p\nOS=SLX\n[Script]\nAL "{self.box.root}/f" "done"\n', key))
        self.box.configure(manager={"urls": [manager.url]})
        self.assertIn("agent 0.1 is not compatible", self.box.run("check-in", "--once").stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
